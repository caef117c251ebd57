//! `/publish`: the APIs of the person, and what waits to be saved.

use askama::Template;
use axum::{extract::Query, response::Response};
use http::StatusCode;
use serde_json::{Value, json};
use ui::{Drawing, Entry, Frame, Html, Icon, Tile, texts};

use super::{
    changes,
    desk::{APIS, Desk},
    lifecycle, url,
};
use crate::{
    failure::Failure,
    json,
    pager::{Question, Shown},
    visitor::Visitor,
};

/// APIs of one page.
const PAGE_SIZE: usize = 50;

#[derive(Template)]
#[template(path = "publish/list.html")]
struct ListPage {
    frame: Frame,
    t: texts::Publish,
    rows: Vec<Row>,
    has_search: bool,
    pager: Html,
    /// What they were searched for.
    text: String,
    changes: Option<Html>,
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
    let text = question.text();
    let wanted = text.to_lowercase();
    let mut rows: Vec<Row> = rows
        .filter(|row| row.id.contains(&wanted) || row.name.to_lowercase().contains(&wanted))
        .collect();
    let shown = Shown::cut(&mut rows, question.page(), PAGE_SIZE);
    let page = ListPage {
        has_search: question.has_search(shown),
        pager: shown.pager(t.0, t.title(), |page| question.url("/publish", &[], page)),
        rows,
        text,
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
