//! `GET /search`: the page with the results, and the same for scripts.

use askama::Template;
use axum::{Router, extract::Query, response::Response, routing::get};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use ui::{Entry, Frame, Html, Icon, Tile, texts};

use super::{
    index::{Hit, Kind},
    library::{self, Answer},
    mark::marked,
};
use crate::{failure::Failure, json, links, pager::Shown, state::App, visitor::Visitor};

/// Results of each kind on a page about all of them.
const EACH: usize = 8;
/// Results of a page about one kind.
const PAGE: usize = 25;
/// A question is no longer.
const MAX_QUESTION: usize = 200;

pub fn routes() -> Router<App> {
    Router::new().route("/search", get(show))
}

#[derive(Debug, Default, Deserialize)]
struct Question {
    #[serde(default)]
    q: String,
    #[serde(default, rename = "type")]
    kind: String,
    /// As it was typed, without correction.
    exact: Option<String>,
    #[serde(default)]
    page: String,
}

impl Question {
    fn text(&self) -> String {
        self.q.trim().chars().take(MAX_QUESTION).collect()
    }

    fn kind(&self) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.kind)
    }

    fn is_exact(&self) -> bool {
        matches!(self.exact.as_deref(), Some("1" | "on" | "true"))
    }
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    t: texts::Search,
    text: String,
    kind: Option<Kind>,
    exact: bool,
    corrected: Option<String>,
    is_partial: bool,
    total: usize,
    /// Kinds that occur, with their number.
    counts: Vec<(Kind, usize)>,
    groups: Vec<Group>,
    pager: Html,
}

/// Results of one kind.
struct Group {
    kind: Kind,
    count: usize,
    rows: Vec<Row>,
}

struct Row {
    url: String,
    title: Html,
    text: Html,
    tile: Option<Html>,
    /// Address and name of the API.
    api: Option<(String, String)>,
    method: &'static str,
    path: Html,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
impl SearchPage {
    fn url(&self, kind: Option<&Kind>, exact: bool) -> String {
        url(&self.text, kind.copied(), exact, 1)
    }

    fn is_kind(&self, kind: &Kind) -> bool {
        self.kind == Some(*kind)
    }

    fn name(&self, kind: &Kind) -> &'static str {
        match kind {
            Kind::Operation => self.t.operations(),
            Kind::Api => self.t.apis(),
            Kind::Guide => self.t.guides(),
            Kind::Page => self.t.pages(),
            Kind::Help => self.t.help(),
        }
    }
}

fn url(text: &str, kind: Option<Kind>, exact: bool, page: usize) -> String {
    let page = if page > 1 {
        page.to_string()
    } else {
        String::new()
    };
    links::with_query(
        "/search",
        [
            ("q", text),
            ("type", kind.map_or("", Kind::as_str)),
            ("exact", if exact { "1" } else { "" }),
            ("page", &page),
        ],
    )
}

impl Row {
    fn new(hit: &Hit, terms: &std::collections::HashSet<String>) -> Self {
        let document = &hit.document;
        let (method, path) = document
            .call
            .as_ref()
            .map_or(("", ""), |(m, p)| (*m, p.as_str()));
        let is_api = document.kind == Kind::Api;
        let api = document.api.as_ref();
        Self {
            url: document.url.clone(),
            title: marked(&document.title, terms),
            text: marked(&document.text, terms),
            tile: api
                .filter(|_| is_api)
                .map(|(id, name)| Tile::medium(id, name)),
            api: api
                .filter(|_| !is_api)
                .map(|(id, name)| (links::api(id), name.clone())),
            method,
            path: marked(path, terms),
        }
    }
}

/// The documents that a visitor may see and a question means, best first.
pub async fn find(visitor: &Visitor, question: &str) -> Result<Vec<Hit>, Failure> {
    Ok(library::ask(visitor, question, false).await?.found.hits)
}

/// `GET /search`
async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    let text = question.text();
    let Answer { found, is_partial } = library::ask(&visitor, &text, question.is_exact()).await?;
    let kind = question.kind();
    let counts: Vec<(Kind, usize)> = found.counts.iter().map(|(k, n)| (*k, *n)).collect();
    let total = found.counts.values().sum();
    let of_kind = |hit: &&Hit| Some(hit.document.kind) == kind;
    let of_kind = found.hits.iter().filter(of_kind).count();
    let pages = of_kind.div_ceil(PAGE).max(1);
    let page = question.page.parse().unwrap_or(1).clamp(1, pages);
    if visitor.wants_json {
        let wanted = |hit: &&Hit| kind.is_none_or(|kind| kind == hit.document.kind);
        let results = found.hits.iter().filter(wanted);
        let results: Vec<Value> = results
            .skip((page - 1) * PAGE)
            .take(PAGE)
            .map(as_json)
            .collect();
        let counts: serde_json::Map<String, Value> = counts
            .iter()
            .map(|(kind, count)| (kind.as_str().to_owned(), json!(count)))
            .collect();
        let body = json!({
            "title": texts::Search(visitor.lang()).title(), "query": text,
            "corrected": found.corrected, "count": total, "counts": counts,
            "partial": is_partial, "results": results,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let groups = counts
        .iter()
        .filter(|(known, _)| kind.is_none_or(|kind| kind == *known));
    let groups = groups.map(|(kind_of, count)| {
        let hits = found
            .hits
            .iter()
            .filter(|hit| hit.document.kind == *kind_of);
        let (from, count_shown) = match kind {
            Some(_) => ((page - 1) * PAGE, PAGE),
            None => (0, EACH),
        };
        let hits = hits.skip(from).take(count_shown);
        Group {
            kind: *kind_of,
            count: *count,
            rows: hits.map(|hit| Row::new(hit, &found.terms)).collect(),
        }
    });
    let t = texts::Search(visitor.lang());
    let groups: Vec<Group> = groups.collect();
    let other_pages = if kind.is_some() {
        let rows = groups.iter().map(|group| group.rows.len()).sum();
        Shown::of(page, PAGE, rows, of_kind as u64).pager(visitor.lang(), t.pages_of(), |page| {
            url(&text, kind, question.is_exact(), page)
        })
    } else {
        Html::default()
    };
    let page = SearchPage {
        t,
        groups,
        pager: other_pages,
        text,
        kind,
        exact: question.is_exact(),
        corrected: found.corrected,
        is_partial,
        total,
        counts,
        frame: Frame {
            own_search: true,
            ..visitor.frame(Entry::None).await
        },
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn as_json(hit: &Hit) -> Value {
    let document = &hit.document;
    let mut shown = json!({
        "type": document.kind.as_str(), "title": document.title, "url": document.url,
        "text": document.text,
    });
    if let Some((id, name)) = &document.api {
        shown["api"] = json!(id);
        shown["apiName"] = json!(name);
    }
    if let Some((method, path)) = &document.call {
        shown["method"] = json!(method.to_uppercase());
        shown["path"] = json!(path);
    }
    shown
}
