//! The visitor's applications, and the registration form.

use askama::Template;
use axum::{extract::Query, response::Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use ui::{Drawing, Entry, Frame, Icon, texts};

use super::{
    register::{Fields, RegisterPage},
    role_name,
};
use crate::{failure::Failure, json, mine, visitor::Visitor};

#[derive(Template)]
#[template(path = "applications/list.html")]
struct ListPage {
    frame: Frame,
    t: texts::Applications,
    tagline: Option<String>,
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
    if visitor.wants_json {
        return composed(&visitor).await;
    }
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
        tagline: visitor.installation.views.applications.clone(),
        rows,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// The same for scripts, with the visitor's role (portal-ui 5.7).
async fn composed(visitor: &Visitor) -> Result<Response, Failure> {
    let t = texts::Applications(visitor.lang());
    let Some(user) = visitor.user() else {
        let body = json!({"title": t.title(), "applications": [], "message": t.guest()});
        return Ok(json::answer(visitor, StatusCode::OK, &body));
    };
    let applications = mine::applications(visitor).await?;
    let applications: Vec<Value> = applications
        .into_iter()
        .map(|application| {
            let role = application.role_of(&user.id);
            let mut application = json!(application);
            application["userRole"] = json!(role);
            application
        })
        .collect();
    let body = json!({"title": t.title(), "applications": applications});
    Ok(json::answer(visitor, StatusCode::OK, &body))
}
