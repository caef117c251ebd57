//! The index of this process, filled with the rights of those who search.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sdk::{
    Client, Optional,
    types::{
        Api,
        content::{Guide, TocEntry},
    },
};
use serde_json::value::RawValue;
use ui::Lang;

use super::{
    index::{Document, Found, Index},
    parts,
};
use crate::{
    failure::Failure, mine::PARALLEL, reference::Definition, state::App, visitor::Visitor, worker,
};

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
    Page(Box<TocEntry>),
    Help(Lang),
}

/// What portal-api has of a part.
enum Read {
    Api(Arc<Api>, String, Option<Box<RawValue>>),
    Guides(Arc<Api>, Vec<(Guide, Bytes)>),
    Page(Box<TocEntry>, Option<Bytes>),
    Help(Lang),
}

impl Read {
    fn documents(self) -> Vec<Document> {
        match self {
            Self::Api(api, description, definition) => {
                let definition = definition.map(|text| Definition::parse(text.get()));
                parts::of_api(&api, &description, definition.as_ref())
            }
            Self::Guides(api, guides) => {
                let guides = guides.iter().map(|(guide, text)| {
                    let source = String::from_utf8_lossy(text);
                    parts::of_guide(&api, guide, &source)
                });
                guides.collect()
            }
            Self::Page(entry, text) => {
                let page = text.map(|text| {
                    let source = String::from_utf8_lossy(&text);
                    parts::of_page(&entry, &source)
                });
                page.into_iter().collect()
            }
            Self::Help(lang) => parts::of_help(lang),
        }
    }
}

impl Library {
    /// Forgets everything, because other configuration is in force.
    pub async fn clear(app: &App) {
        with_library(app, Self::forget).await.ok();
    }

    fn forget(&self) {
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
            self.forget();
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
    let pages = pages.map(|entry| {
        (
            format!("page:{lang}:{}", entry.url),
            Missing::Page(Box::new(entry)),
        )
    });
    let wanted: Vec<(String, Missing)> = help.chain(apis).chain(pages).collect();
    let parts: Vec<String> = wanted.iter().map(|(part, _)| part.clone()).collect();

    let (age, missing) = with_library(&visitor.app, |library| library.missing(wanted)).await?;
    let mut is_partial = false;
    if !missing.is_empty() {
        // Goes on when this question has waited long enough.
        let filling = tokio::spawn(fill(visitor.app.clone(), client, age, missing));
        is_partial = tokio::time::timeout(PATIENCE, filling).await.is_err();
    }
    let question = question.to_owned();
    let found = with_library(&visitor.app, move |library| {
        library.lock().index.find(&question, &parts, exact)
    });
    let mut found = found.await?;
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

/// Whoever fills the index has it for a while, so all wait for it on threads of their own.
async fn with_library<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Library) -> T + Send + 'static,
) -> Result<T, Failure> {
    let app = app.clone();
    worker::run(move || work(app.library())).await
}

async fn fill(app: App, client: Client, age: u64, missing: Vec<(String, Missing)>) {
    let _one = app.library().filling.lock().await;
    // Somebody else may have filled them meanwhile.
    let missing = with_library(&app, |library| library.missing(missing).1).await;
    let (app, client) = (&app, &client);
    let filling = stream::iter(missing.unwrap_or_default());
    filling
        .for_each_concurrent(PARALLEL, async |(part, missing)| {
            match read(client, missing).await {
                Ok(read) => {
                    let added = with_library(app, move |library| {
                        library.add(age, &part, &read.documents());
                    });
                    added.await.ok();
                }
                // The next question tries again.
                Err(error) => tracing::warn!("{part} is not in the search: {error}"),
            }
        })
        .await;
    let shrunk = with_library(app, |library| library.lock().index.shrink());
    shrunk.await.ok();
}

async fn read(client: &Client, missing: Missing) -> Result<Read, sdk::Error> {
    match missing {
        Missing::Help(lang) => Ok(Read::Help(lang)),
        Missing::Page(entry) => {
            let path = entry.url.strip_prefix("/content/").unwrap_or(&entry.url);
            let page = client.content(path).await.optional()?;
            Ok(Read::Page(entry, page.map(|page| page.body)))
        }
        Missing::Api(api) => read_api(client, api).await,
        Missing::Guides(api) => read_guides(client, api).await,
    }
}

async fn read_guides(client: &Client, api: Arc<Api>) -> Result<Read, sdk::Error> {
    let guides = client.guides(&api.id).await.optional()?;
    let mut texts = Vec::new();
    for guide in guides.unwrap_or_default() {
        if let Some(page) = client.guide(&api.id, &guide.path).await.optional()? {
            texts.push((guide, page.body));
        }
    }
    Ok(Read::Guides(api, texts))
}

async fn read_api(client: &Client, api: Arc<Api>) -> Result<Read, sdk::Error> {
    let (description, definition) = tokio::try_join!(
        async { client.api_description(&api.id).await.optional() },
        async {
            match client.raw_api_definition(&api.id).await {
                Ok(text) => Ok(Some(text)),
                // Missing or broken: the API itself is found all the same.
                Err(sdk::Error::Api(_)) => Ok(None),
                Err(error) => Err(error),
            }
        },
    )?;
    Ok(Read::Api(api, description.unwrap_or_default(), definition))
}
