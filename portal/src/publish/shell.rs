//! Head, sections and changes: what all pages about one API share.

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use serde_json::{Value, json};
use ui::{Entry, Frame, Html, Icon, Tile, texts};

use super::{
    changes,
    desk::{APIS, Desk, PLANS},
    document::{self, Step},
    url,
};
use crate::{failure::Failure, json, visitor::Visitor};

/// A section of the pages of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    General,
    Access,
    Plugins,
    Definition,
    Plans,
    Lifecycle,
    Docs,
    History,
}

impl Tab {
    const ALL: [Self; 8] = [
        Self::General,
        Self::Access,
        Self::Plugins,
        Self::Definition,
        Self::Plans,
        Self::Lifecycle,
        Self::Docs,
        Self::History,
    ];

    fn label(self, t: texts::Publish) -> &'static str {
        match self {
            Self::General => t.general(),
            Self::Access => t.access(),
            Self::Plugins => t.plugins(),
            Self::Definition => t.definition(),
            Self::Plans => t.plans(),
            Self::Lifecycle => t.lifecycle(),
            Self::Docs => t.docs(),
            Self::History => t.history(),
        }
    }

    /// Address of the section.
    pub fn url(self, api: &str) -> String {
        let part = match self {
            Self::General => return url(api),
            Self::Access => "access",
            Self::Plugins => "plugins",
            Self::Definition => "definition",
            Self::Plans => "plans",
            Self::Lifecycle => "lifecycle",
            Self::Docs => "docs",
            Self::History => "history",
        };
        format!("{}/{part}", url(api))
    }

    /// Whether the draft changes what the section shows.
    fn is_changed(self, desk: &Desk, api: &str, before: &Value, after: &Value) -> bool {
        let members: &[&str] = match self {
            Self::General => &["name", "desc", "tags", "ownerGroup"],
            Self::Access => &[
                "auth",
                "requiredGroup",
                "partner",
                "settings",
                "authMethods",
                "registrationPool",
            ],
            Self::Plans => &["plans"],
            Self::Lifecycle => &["lifecycle", "deprecated", "version", "family"],
            Self::Plugins | Self::Definition | Self::Docs | Self::History => &[],
        };
        let is_touched = members
            .iter()
            .any(|member| before[*member] != after[*member]);
        let folder = format!("apis/{api}/");
        let mut files = desk.edited().filter_map(|path| path.strip_prefix(&folder));
        is_touched
            || match self {
                Self::General => files.any(|file| file == "desc.md"),
                Self::Access | Self::Plugins => files.any(|file| file == "config.json"),
                Self::Definition => files.any(|file| file == "swagger.json"),
                Self::Docs => files.any(|file| file.starts_with("docs/")),
                Self::Plans => desk.edited().any(|path| path == PLANS),
                Self::Lifecycle | Self::History => false,
            }
    }
}

#[derive(Template)]
#[template(path = "publish/head.html")]
struct Head<'a> {
    t: texts::Publish,
    frame: &'a Frame,
    api: &'a str,
    name: &'a str,
    tile: Html,
    base: &'a str,
    is_changed: bool,
    tabs: Vec<(String, &'static str, bool, bool)>,
}

impl Head<'_> {
    fn url(&self) -> String {
        url(self.api)
    }
}

/// A section: a form, or something to read, and the changes beside it.
#[derive(Template)]
#[template(path = "publish/section.html")]
struct SectionPage {
    frame: Frame,
    t: texts::Publish,
    name: String,
    head: Html,
    changes: Html,
    /// Address that the form goes to.
    action: String,
    takes_file: bool,
    /// Fields of the form; none, no form.
    parts: Vec<Html>,
    /// Behind the form.
    below: Html,
}

/// An API on the desk.
pub struct Opened {
    pub desk: Desk,
    pub api: String,
    pub entry: Value,
}

impl Opened {
    /// The API of the address, if it is the person's to change.
    pub async fn new(visitor: &Visitor, Path(api): Path<String>) -> Result<Self, Failure> {
        let mut desk = Desk::open(visitor).await?;
        let entry = desk.entry(&api).await?;
        Ok(Self { desk, api, entry })
    }

    /// A member of the entry, as text.
    pub fn text(&self, member: &str) -> String {
        self.entry[member].as_str().unwrap_or_default().to_owned()
    }

    /// Members of a list of the entry.
    pub fn list(&self, member: &str) -> Vec<String> {
        let elements = self.entry[member].as_array().into_iter().flatten();
        elements
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// A file of the API.
    pub fn file(&self, name: &str) -> String {
        format!("apis/{}/{name}", self.api)
    }

    /// The page of a section.
    pub async fn page(
        mut self,
        visitor: &Visitor,
        tab: Tab,
        parts: Vec<Html>,
        below: Html,
    ) -> Result<Response, Failure> {
        if visitor.wants_json {
            return self.json(visitor).await;
        }
        let frame = visitor.frame(Entry::Publish).await;
        let t = texts::Publish(visitor.lang());
        let name = self.entry["name"].as_str().unwrap_or(&self.api).to_owned();
        let before = self.before().await?;
        let tabs = Tab::ALL.map(|one| {
            let is_changed = one.is_changed(&self.desk, &self.api, &before, &self.entry);
            (one.url(&self.api), one.label(t), one == tab, is_changed)
        });
        let head = Html::of(&Head {
            t,
            frame: &frame,
            api: &self.api,
            name: &name,
            tile: Tile::large(&self.api, &name),
            base: self.desk.base.get(..7).unwrap_or_default(),
            is_changed: tabs.iter().any(|(_, _, _, is_changed)| *is_changed),
            tabs: tabs.to_vec(),
        });
        let changes = changes::column(visitor, &mut self.desk, Some(&self.api)).await?;
        let page = SectionPage {
            frame,
            t,
            head,
            name,
            changes: changes.unwrap_or_else(|| Html::of(&Nothing { t })),
            action: tab.url(&self.api),
            takes_file: tab == Tab::Definition,
            parts,
            below,
        };
        Ok(ui::page(StatusCode::OK, &page))
    }

    /// The entry as it was.
    async fn before(&mut self) -> Result<Value, Failure> {
        let list = self.desk.original(APIS).await?.unwrap_or_default();
        let list: Value = serde_json::from_str(&list).unwrap_or_default();
        let place = [Step::from("apis"), Step::Id(self.api.clone())];
        Ok(document::get(&list, &place).unwrap_or_default())
    }

    /// The API for scripts.
    pub async fn json(mut self, visitor: &Visitor) -> Result<Response, Failure> {
        let config = self.file("config.json");
        let description = self.file("desc.md");
        let body = json!({
            "title": self.entry["name"],
            "api": self.entry,
            "config": self.desk.json(&config).await?,
            "description": self.desk.text(&description).await?,
            "draft": self.desk.draft(),
        });
        Ok(json::answer(visitor, StatusCode::OK, &body))
    }

    /// The draft is kept, and the section shown again.
    pub async fn saved(self, visitor: &Visitor, tab: Tab) -> Result<Response, Failure> {
        self.desk.save().await?;
        if visitor.wants_json {
            return self.json(visitor).await;
        }
        Ok(Redirect::to(&tab.url(&self.api)).into_response())
    }
}

/// There are no edits.
#[derive(Template)]
#[template(
    source = r#"<section class="card" aria-labelledby="changes"><div class="card-head"><h2 id="changes">{{ t.changes() }}</h2></div><p class="card-body muted">{{ t.no_changes() }}</p></section>"#,
    ext = "html"
)]
struct Nothing {
    t: texts::Publish,
}
