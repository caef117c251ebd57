//! What stands beside every page of the publisher: the difference, what the check says of it, and
//! saving it.

use std::collections::BTreeMap;

use askama::Template;
use sdk::{
    Optional,
    types::configuration::{AffectedSubscriptions, CommitPreview, ConfigCommit, Finding},
};
use ui::{Field, Html, Icon, texts};

use super::{
    desk::Desk,
    diff::{self, FileDiff},
    merge::{Merged, merge},
};
use crate::{failure::Failure, visitor::Visitor};

/// Places in a note; more than that are counted.
const MAX_PLACES: usize = 20;

/// The edits of a desk on top of a newer version.
pub struct Rebase {
    pub newest: ConfigCommit,
    files: BTreeMap<String, Merged>,
}

/// A file of which both changed the same.
struct Conflict {
    path: String,
    /// Empty: the whole file.
    places: Vec<String>,
    more: usize,
}

impl Rebase {
    /// Reads both versions of every edited file.
    pub async fn new(desk: &mut Desk, newest: ConfigCommit) -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        let paths: Vec<String> = desk.edited().map(str::to_owned).collect();
        for path in paths {
            let base = desk.original(&path).await?;
            let mine = desk.text(&path).await?;
            let read = desk.client.config_file(&path, Some(&newest.commit)).await;
            let theirs = read.optional()?.map(|file| file.text);
            let merged = merge(base.as_deref(), mine.as_deref(), theirs.as_deref());
            files.insert(path, merged);
        }
        Ok(Self { newest, files })
    }

    /// Nobody has to choose.
    pub fn is_clean(&self) -> bool {
        self.files.values().all(|file| file.conflicts.is_empty())
    }

    /// Puts the desk on the newer version. `keeps` says whose words stand where both changed the same.
    pub async fn apply(self, desk: &mut Desk, keeps: impl Fn(&str) -> bool) -> Result<(), Failure> {
        desk.move_to(self.newest.commit, BTreeMap::new());
        for (path, merged) in self.files {
            let text = if keeps(&path) {
                merged.mine
            } else {
                merged.theirs
            };
            desk.put(&path, text).await?;
        }
        Ok(())
    }

    /// A file of which both changed the same, and nobody has chosen.
    pub fn undecided(&self, is_chosen: impl Fn(&str) -> bool) -> Option<&str> {
        let mut both = self
            .files
            .iter()
            .filter(|(_, file)| !file.conflicts.is_empty());
        both.find(|(path, _)| !is_chosen(path))
            .map(|(path, _)| path.as_str())
    }

    fn conflicts(&self) -> Vec<Conflict> {
        let both = self
            .files
            .iter()
            .filter(|(_, file)| !file.conflicts.is_empty());
        both.map(|(path, file)| {
            let places = file.conflicts.iter().filter(|place| !place.is_empty());
            Conflict {
                path: path.clone(),
                more: file.conflicts.len().saturating_sub(MAX_PLACES),
                places: places.take(MAX_PLACES).cloned().collect(),
            }
        })
        .collect()
    }
}

/// The edits, and what would come of them.
struct Changes {
    t: texts::Publish,
    preview: CommitPreview,
    files: Vec<FileDiff>,
    newer: Option<Rebase>,
}

/// The column beside a page; nothing without edits. `api` is the page to come back to.
pub async fn column(
    visitor: &Visitor,
    desk: &mut Desk,
    api: Option<&str>,
) -> Result<Option<Html>, Failure> {
    if desk.is_clean() {
        return Ok(None);
    }
    let t = texts::Publish(visitor.lang());
    match desk.client.preview_commit(&desk.request()).await {
        Ok(preview) => {
            let changes = Changes::new(t, desk, preview).await?;
            Ok(Some(changes.html(visitor, api.unwrap_or_default())))
        }
        // The draft is kept, whatever becomes of the repository meanwhile.
        Err(sdk::Error::Api(error)) => {
            let message = &error.message;
            Ok(Some(Html::of(&Unknown { t, message })))
        }
        Err(error) => Err(error.into()),
    }
}

/// What the edits would do cannot be said now.
#[derive(Template)]
#[template(
    source = r#"<section class="card" aria-labelledby="changes"><div class="card-head"><h2 id="changes">{{ t.changes() }}</h2></div><p class="card-body state state-bad">{{ Icon::XCircle }}<span>{{ message }}</span></p></section>"#,
    ext = "html"
)]
struct Unknown<'a> {
    t: texts::Publish,
    message: &'a str,
}

impl Changes {
    async fn new(
        t: texts::Publish,
        desk: &mut Desk,
        preview: CommitPreview,
    ) -> Result<Self, Failure> {
        let newer = match preview.newest.clone() {
            Some(newest) => Some(Rebase::new(desk, newest).await?),
            None => None,
        };
        Ok(Self {
            t,
            files: diff::parse(&preview.diff),
            preview,
            newer,
        })
    }

    fn html(mut self, visitor: &Visitor, api: &str) -> Html {
        let user = visitor.user();
        let author = user.map(|user| {
            let is_named = user.name != user.email;
            let name = Some(user.name.as_str()).filter(|_| is_named);
            let name = name.unwrap_or_else(|| first_part(&user.email));
            format!("{name} <{}>", user.email)
        });
        let (added, removed) = self.files.iter().fold((0, 0), |(added, removed), file| {
            (added + file.added, removed + file.removed)
        });
        Html::of(&ChangesTemplate {
            t: self.t,
            csrf: visitor.frame_csrf(),
            api,
            count: self.files.len(),
            added,
            removed,
            diff: diff::html(self.t, &mut self.files),
            errors: self.of_severity(true),
            warnings: self.of_severity(false),
            affected: &self.preview.affected_subscriptions,
            conflicts: self
                .newer
                .as_ref()
                .map(Rebase::conflicts)
                .unwrap_or_default(),
            newest: self.newer.as_ref().map(|newer| &newer.newest),
            in_git: self.preview.in_git,
            author: author.unwrap_or_default(),
        })
    }

    fn of_severity(&self, is_error: bool) -> Vec<&Finding> {
        let problems = self.preview.problems.iter();
        problems
            .filter(|problem| (problem.severity == "error") == is_error)
            .collect()
    }
}

fn first_part(email: &str) -> &str {
    email.split('@').next().unwrap_or(email)
}

#[derive(Template)]
#[template(path = "publish/changes.html")]
struct ChangesTemplate<'a> {
    t: texts::Publish,
    csrf: Html,
    api: &'a str,
    count: usize,
    added: usize,
    removed: usize,
    diff: Html,
    errors: Vec<&'a Finding>,
    warnings: Vec<&'a Finding>,
    affected: &'a [AffectedSubscriptions],
    newest: Option<&'a ConfigCommit>,
    conflicts: Vec<Conflict>,
    in_git: bool,
    author: String,
}

impl ChangesTemplate<'_> {
    fn note(&self, newest: &ConfigCommit) -> String {
        let short: String = newest.commit.chars().take(7).collect();
        let first = newest.message.lines().next().unwrap_or_default();
        if first.is_empty() {
            return self.t.newer_files().to_owned();
        }
        let name = newest.author.split('<').next().unwrap_or_default().trim();
        self.t.newer(short, name, first)
    }

    fn message_field(&self) -> Field {
        Field {
            hint: Some(self.t.message_hint().to_owned()),
            max_length: Some(500),
            autocomplete: "off",
            ..Field::required("message", self.t.message())
        }
    }

    fn branch_field(&self) -> Field {
        Field {
            hint: Some(self.t.branch_hint().to_owned()),
            optional: Some(texts::Shared(self.t.0).optional()),
            max_length: Some(100),
            autocomplete: "off",
            ..Field::required("branch", self.t.branch())
        }
    }

    fn author_field(&self) -> Field {
        Field {
            value: self.author.clone(),
            hint: Some(self.t.author_hint().to_owned()),
            optional: Some(texts::Shared(self.t.0).optional()),
            max_length: Some(200),
            autocomplete: "off",
            ..Field::required("author", self.t.author())
        }
    }
}
