//! The visitor's applications, and the registration form.

use askama::Template;
use axum::{extract::Query, response::Response};
use http::StatusCode;
use serde::Deserialize;
use ui::{Drawing, Entry, Frame, Icon, texts};

use super::{
    register::{Fields, RegisterPage},
    role_name,
};
use crate::{failure::Failure, mine, visitor::Visitor};

#[derive(Template)]
#[template(path = "applications/list.html")]
struct ListPage {
    frame: Frame,
    t: texts::Applications,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    name: String,
    role: &'static str,
    subscriptions: String,
    /// Just registered.
    new: bool,
}

#[derive(Deserialize)]
pub struct Question {
    register: Option<String>,
    #[serde(rename = "highlightApp")]
    highlight: Option<String>,
    /// The API to subscribe afterwards.
    api: Option<String>,
}

/// `GET /applications`
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    if question.register.as_deref() == Some("true") {
        visitor.require_user()?;
        let fields = Fields::for_api(question.api.unwrap_or_default());
        let page = RegisterPage::new(visitor.frame(Entry::Applications).await, fields);
        return Ok(ui::page(StatusCode::OK, &page));
    }
    let t = texts::Applications(visitor.lang());
    let user = visitor.user();
    let mine = mine::all(&visitor).await?;
    let rows = mine
        .into_iter()
        .map(|mine| Row {
            role: role_name(
                user.as_ref()
                    .and_then(|user| mine.application.role_of(&user.id)),
                user.as_ref().is_some_and(|user| user.admin),
                t,
            ),
            subscriptions: t.subscription_count(mine.subscriptions.len()),
            new: question.highlight.as_deref() == Some(&mine.application.id),
            id: mine.application.id,
            name: mine.application.name,
        })
        .collect();
    let page = ListPage {
        frame: visitor.frame(Entry::Applications).await,
        t,
        rows,
    };
    Ok(ui::page(StatusCode::OK, &page))
}
