//! `POST /markdown`: a text as pages will show it, for those who are writing it (portal-ui 8.2).

use axum::{
    Router,
    extract::DefaultBodyLimit,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{StatusCode, header};
use serde_json::json;

use crate::{failure::Failure, form::Form, json, markdown, state::App, visitor::Visitor};

/// What is longer is cut when it is shown, too; a form writes some letters with three.
const MAX_FORM: usize = 2 << 20;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/markdown", post(show))
        .layer(DefaultBodyLimit::max(MAX_FORM))
}

async fn show(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    visitor.require_user()?;
    let html = markdown::render(form.exact("text").unwrap_or_default());
    if visitor.wants_json {
        let body = json!({"html": html.as_str()});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let answer = (kind, html.as_str().to_owned());
    Ok(ui::no_store(answer.into_response()))
}
