//! The visitor's applications, and the registration form.

use askama::Template;
use axum::{extract::Query, response::Response};
use http::StatusCode;
use sdk::types::Role;
use serde::Deserialize;
use serde_json::{Value, json};
use ui::{Drawing, Entry, Frame, Html, Icon, Kind, texts};

use super::{
    grid::{Column, Grid},
    register::{Fields, RegisterPage},
    role_name,
};
use crate::{
    failure::Failure,
    json,
    mine::{self, Mine},
    pager,
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "applications/list.html")]
struct ListPage {
    frame: Frame,
    t: texts::Applications,
    tagline: Option<String>,
    rows: Vec<Row>,
    grid: Grid,
    has_search: bool,
    pager: Html,
    /// All applications of the visitor.
    total: usize,
}

struct Row {
    id: String,
    name: String,
    role: &'static str,
    subscriptions: String,
    /// Just registered.
    new: bool,
}

impl ListPage {
    fn columns(&self) -> [(Column, &'static str); 3] {
        [
            (Column::Name, self.t.name()),
            (Column::Id, self.t.id()),
            (Column::Role, self.t.role()),
        ]
    }
}

#[derive(Deserialize)]
pub struct Question {
    register: Option<String>,
    swagger: Option<String>,
    #[serde(rename = "highlightApp")]
    highlight: Option<String>,
    /// The API to subscribe afterwards.
    api: Option<String>,
    #[serde(flatten)]
    list: pager::Question,
    #[serde(rename = "sortField", default)]
    sort_field: String,
    #[serde(rename = "sortOrder", default)]
    sort_order: String,
}

/// `GET /applications`
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    if visitor.wants_json {
        return composed(&visitor).await;
    }
    let is_set = |flag: &Option<String>| flag.as_deref() == Some("true");
    if is_set(&question.register) || is_set(&question.swagger) {
        return register(visitor, question).await;
    }
    let t = texts::Applications(visitor.lang());
    let mut own = mine::all(&visitor).await?;
    let total = own.len();
    let user = visitor.user();
    let role = |mine: &Mine| {
        let user = user.as_ref();
        user.and_then(|user| mine.application.role_of(&user.id))
    };
    let list = &question.list;
    let grid = Grid::new(&list.text(), &question.sort_field, &question.sort_order);
    let new = question.highlight.as_deref();
    let shown = grid.arrange(&mut own, role, list.page(), new);
    let is_admin = user.as_ref().is_some_and(|user| user.admin);
    let rows = own.into_iter().map(|mine| Row {
        role: role_name(role(&mine), is_admin, t),
        subscriptions: t.subscription_count(mine.subscriptions.len()),
        new: new == Some(&mine.application.id),
        id: mine.application.id,
        name: mine.application.name,
    });
    let rows = rows.collect();
    let page = ListPage {
        frame: visitor.frame(Entry::Applications).await,
        t,
        tagline: visitor.installation.views.applications.clone(),
        rows,
        has_search: list.has_search(shown),
        pager: shown.pager(t.0, t.title(), |page| grid.page_url(page)),
        grid,
        total,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// The form for a new one; for an API console with its redirect URI.
async fn register(visitor: Visitor, question: Question) -> Result<Response, Failure> {
    let me = visitor.require_user()?;
    let fields = match question.swagger.as_deref() {
        Some("true") => Fields::for_console(&visitor.installation.gateway),
        _ => Fields::for_api(question.api.unwrap_or_default()),
    };
    let person = visitor.client().user(&me.id).await?;
    let mut frame = visitor.frame(Entry::Applications).await;
    let t = texts::Applications(visitor.lang());
    if person.validated == Some(false) {
        frame = frame.with_message(Kind::Waiting, t.mail_unconfirmed());
    }
    let confirm = visitor.installation.endpoints(&me.method).verify_email;
    let confirm = (person.validated == Some(false)).then_some(confirm);
    let page = RegisterPage::new(&visitor, frame, fields).await;
    Ok(ui::page(StatusCode::OK, &page.with_confirm_url(confirm)))
}

/// The same for scripts, with the visitor's role (portal-ui 5.7).
async fn composed(visitor: &Visitor) -> Result<Response, Failure> {
    let t = texts::Applications(visitor.lang());
    let Some(user) = visitor.user() else {
        let body = json!({"title": t.title(), "applications": [], "message": t.guest()});
        return Ok(json::answer(visitor, StatusCode::OK, &body));
    };
    let applications = mine::all(visitor).await?;
    let applications: Vec<Value> = applications
        .into_iter()
        .map(|mine| {
            let application = mine.application;
            let role: Option<Role> = application.role_of(&user.id);
            let mut application = json!(application);
            application["userRole"] = json!(role);
            application
        })
        .collect();
    let body = json!({"title": t.title(), "applications": applications});
    Ok(json::answer(visitor, StatusCode::OK, &body))
}
