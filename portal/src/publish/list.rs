//! `/publish`: the APIs of the person, and what waits to be saved.

use askama::Template;
use axum::{extract::Query, response::Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use ui::{Drawing, Entry, Frame, Html, Icon, Tile, texts};

use super::{
    changes,
    desk::{APIS, Desk},
    lifecycle, url,
};
use crate::{applications::Shown, failure::Failure, json, links, visitor::Visitor};

/// APIs of one page.
const PAGE_SIZE: usize = 50;

/// Which APIs are shown.
#[derive(Default, Deserialize)]
pub struct Question {
    #[serde(default)]
    q: String,
    #[serde(rename = "pageIndex", default)]
    page: String,
}

#[derive(Template)]
#[template(path = "publish/list.html")]
struct ListPage {
    frame: Frame,
    t: texts::Publish,
    rows: Vec<Row>,
    shown: Shown,
    /// What they were searched for.
    text: String,
    changes: Option<Html>,
}

impl ListPage {
    fn has_search(&self) -> bool {
        self.shown.pages > 1 || !self.text.is_empty()
    }

    fn range(&self) -> String {
        let (first, last) = self.shown.range();
        self.frame.t().range(first, last, self.shown.matching)
    }

    fn page_url(&self, page: usize) -> String {
        let number = page.to_string();
        links::with_query(
            "/publish",
            [("q", self.text.as_str()), ("pageIndex", &number)],
        )
    }
}

struct Row {
    url: String,
    tile: Html,
    name: String,
    id: String,
    version: String,
    state: String,
    owner: String,
    is_changed: bool,
}

/// `GET /publish`
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    let mut desk = Desk::open(&visitor).await?;
    let t = texts::Publish(visitor.lang());
    let entries = desk.own_entries().await?;
    if visitor.wants_json {
        let body = json!({"title": t.title(), "apis": entries, "draft": desk.draft()});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let before: Value = {
        let text = desk.original(APIS).await?.unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    };
    let changes = changes::column(&visitor, &mut desk, None).await?;
    let rows = entries.iter().map(|entry| row(t, &desk, &before, entry));
    let text = question.q.trim();
    let wanted = text.to_lowercase();
    let mut rows: Vec<Row> = rows
        .filter(|row| row.id.contains(&wanted) || row.name.to_lowercase().contains(&wanted))
        .collect();
    let page = question.page.parse().unwrap_or(1);
    let page = ListPage {
        shown: Shown::cut(&mut rows, page, PAGE_SIZE),
        rows,
        text: text.to_owned(),
        changes,
        frame: visitor.frame(Entry::Publish).await,
        t,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn row(t: texts::Publish, desk: &Desk, before: &Value, entry: &Value) -> Row {
    let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
    let id = text("id");
    let name = Some(text("name")).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| id.clone());
    let folder = format!("apis/{id}/");
    let was = before["apis"].as_array().into_iter().flatten();
    let state = lifecycle::state_of(entry);
    let state = lifecycle::states(t, state)
        .into_iter()
        .find(|choice| choice.is_chosen);
    Row {
        url: url(&id),
        tile: Tile::small(&id, &name),
        version: text("version"),
        owner: text("ownerGroup"),
        state: state.map(|choice| choice.label).unwrap_or_default(),
        is_changed: !was.into_iter().any(|old| old == entry)
            || desk.edited().any(|path| path.starts_with(&folder)),
        name,
        id,
    }
}
