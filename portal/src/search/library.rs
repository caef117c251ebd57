//! The index of this process, filled with the rights of those who search.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use sdk::{
    Client, Optional,
    types::{Api, content::TocEntry},
};
use serde_json::value::RawValue;
use ui::Lang;

use super::{
    index::{Document, Found, Index},
    parts,
};
use crate::{failure::Failure, mine::PARALLEL, reference::Definition, visitor::Visitor};

/// Definitions may lie elsewhere and change without the configuration.
const FRESH: Duration = Duration::from_hours(1);
/// A question does not wait longer for what is not in the index yet.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Library {
    state: Mutex<State>,
    /// Held by the one who fills.
    filling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    index: Index,
    begun: Option<Instant>,
    /// Of the configuration; what was read before it changed is thrown away.
    age: u64,
}

/// What a question brought, and whether everything was in the index by then.
pub struct Answer {
    pub found: Found,
    pub is_partial: bool,
}

/// A part that is missing.
enum Missing {
    Api(Arc<Api>),
    /// In the reader's language, as pages and help.
    Guides(Arc<Api>),
    Page(TocEntry),
    Help(Lang),
}

impl Library {
    /// Forgets everything, because other configuration is in force.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.index = Index::default();
        state.begun = None;
        state.age += 1;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The parts that are not there, with the age of the index.
    fn missing(&self, wanted: Vec<(String, Missing)>) -> (u64, Vec<(String, Missing)>) {
        let is_old = {
            let state = self.lock();
            state.begun.is_some_and(|begun| begun.elapsed() > FRESH)
        };
        if is_old {
            self.clear();
        }
        let mut state = self.lock();
        state.begun.get_or_insert_with(Instant::now);
        let missing = wanted
            .into_iter()
            .filter(|(part, _)| !state.index.has(part));
        (state.age, missing.collect())
    }

    fn add(&self, age: u64, part: &str, documents: &[Document]) {
        let mut state = self.lock();
        if state.age == age {
            state.index.add(part, documents);
        }
    }
}

/// Asks the index on behalf of a visitor: within the APIs and pages that portal-api lists for him.
pub async fn ask(visitor: &Visitor, question: &str, exact: bool) -> Result<Answer, Failure> {
    let client = visitor.client();
    let (apis, toc) = tokio::try_join!(client.apis(), client.content_toc())?;
    let lang = visitor.lang();
    let help = std::iter::once((format!("help:{lang}"), Missing::Help(lang)));
    let apis = apis.apis.into_iter();
    let apis = apis.flat_map(|api| {
        let api = Arc::new(api);
        [
            (
                format!("guides:{lang}:{}", api.id),
                Missing::Guides(api.clone()),
            ),
            (format!("api:{}", api.id), Missing::Api(api)),
        ]
    });
    let pages = toc.into_iter().filter(|entry| entry.category == "content");
    let pages = pages.map(|entry| (format!("page:{lang}:{}", entry.url), Missing::Page(entry)));
    let wanted: Vec<(String, Missing)> = help.chain(apis).chain(pages).collect();
    let parts: Vec<String> = wanted.iter().map(|(part, _)| part.clone()).collect();

    let app = visitor.app.clone();
    let (age, missing) = app.library().missing(wanted);
    let mut is_partial = false;
    if !missing.is_empty() {
        // Goes on when this question has waited long enough.
        let filling = tokio::spawn(fill(visitor.clone(), client, age, missing));
        is_partial = tokio::time::timeout(PATIENCE, filling).await.is_err();
    }
    let question = question.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        app.library().lock().index.find(&question, &parts, exact)
    });
    let mut found = found.await.unwrap_or_default();
    only_own_guides(visitor, &mut found).await?;
    Ok(Answer { found, is_partial })
}

/// Guides may be for some groups only: those that were found are shown if their API lists them.
async fn only_own_guides(visitor: &Visitor, found: &mut Found) -> Result<(), Failure> {
    let is_guide = |document: &Document| document.kind == super::Kind::Guide;
    let of: HashSet<String> = found
        .hits
        .iter()
        .filter(|hit| is_guide(&hit.document))
        .filter_map(|hit| Some(hit.document.api.as_ref()?.0.clone()))
        .collect();
    let client = &visitor.client();
    let listed: Vec<Vec<String>> = stream::iter(of)
        .map(async |api| {
            let guides = client.guides(&api).await.optional()?.unwrap_or_default();
            let urls = guides.iter();
            let urls = urls.map(|guide| crate::apis::guide_url(&api, &guide.path));
            Ok::<_, sdk::Error>(urls.collect())
        })
        .buffered(PARALLEL)
        .collect::<Vec<Result<_, sdk::Error>>>()
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    let listed: HashSet<String> = listed.into_iter().flatten().collect();
    found
        .hits
        .retain(|hit| !is_guide(&hit.document) || listed.contains(&hit.document.url));
    let left = found.hits.iter().filter(|hit| is_guide(&hit.document));
    let left = left.count();
    found.counts.retain(|kind, count| {
        if *kind == super::Kind::Guide {
            *count = left;
        }
        *count > 0
    });
    Ok(())
}

async fn fill(visitor: Visitor, client: Client, age: u64, missing: Vec<(String, Missing)>) {
    let library = visitor.app.library();
    let _one = library.filling.lock().await;
    // Somebody else may have filled them meanwhile.
    let (_, missing) = library.missing(missing);
    let client = &client;
    let mut filled = stream::iter(missing)
        .map(async |(part, missing)| (part, read(client, missing).await))
        .buffer_unordered(PARALLEL);
    while let Some((part, documents)) = filled.next().await {
        match documents {
            Ok(documents) => library.add(age, &part, &documents),
            // The next question tries again.
            Err(error) => tracing::warn!("{part} is not in the search: {error}"),
        }
    }
    library.lock().index.shrink();
}

async fn read(client: &Client, missing: Missing) -> Result<Vec<Document>, sdk::Error> {
    match missing {
        Missing::Help(lang) => Ok(parts::of_help(lang)),
        Missing::Page(entry) => {
            let path = entry.url.strip_prefix("/content/").unwrap_or(&entry.url);
            let Some(page) = client.content(path).await.optional()? else {
                return Ok(Vec::new());
            };
            let source = String::from_utf8_lossy(&page.body);
            let sub_title = entry.sub_title.unwrap_or_default();
            Ok(vec![parts::of_page(
                &entry.url,
                &entry.title,
                &sub_title,
                &entry.tags,
                &source,
            )])
        }
        Missing::Api(api) => read_api(client, api).await,
        Missing::Guides(api) => read_guides(client, &api).await,
    }
}

async fn read_guides(client: &Client, api: &Api) -> Result<Vec<Document>, sdk::Error> {
    let guides = client.guides(&api.id).await.optional()?;
    let mut documents = Vec::new();
    for guide in guides.unwrap_or_default() {
        if let Some(page) = client.guide(&api.id, &guide.path).await.optional()? {
            let source = String::from_utf8_lossy(&page.body);
            documents.push(parts::of_guide(api, &guide, &source));
        }
    }
    Ok(documents)
}

async fn read_api(client: &Client, api: Arc<Api>) -> Result<Vec<Document>, sdk::Error> {
    let (description, definition) = tokio::try_join!(
        async { client.api_description(&api.id).await.optional() },
        async {
            match client.api_definition::<Box<RawValue>>(&api.id).await {
                Ok(text) => Ok(Some(text)),
                // Missing or broken: the API itself is found all the same.
                Err(sdk::Error::Api(_)) => Ok(None),
                Err(error) => Err(error),
            }
        },
    )?;
    let description = description.unwrap_or_default();
    let of_api = tokio::task::spawn_blocking(move || {
        let definition = definition.map(|text| Definition::parse(text.get()));
        parts::of_api(&api, &description, definition.as_ref())
    });
    Ok(of_api.await.unwrap_or_default())
}
