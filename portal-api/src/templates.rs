//! Templates of mails, chat messages and pages of the auth server, for administrators and the services
//! that fill them in (portal-api 19.4).

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::HeaderMap;

use crate::{
    ApiError, AppState,
    caller::Caller,
    rendered::{JSON, TEXT, respond},
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/templates/auth", get(auth_pages))
        .route("/templates/texts", get(texts))
        .route("/templates/chatbot", get(chatbot))
        .route("/templates/email", get(emails))
        .route("/templates/email/{name}", get(email))
}

/// `GET /templates/auth`: the operator's own pages of the auth server, by name.
async fn auth_pages(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&caller)?;
    let configuration = state.configuration();
    Ok(respond(&headers, &configuration.templates.auth_pages, JSON))
}

/// `GET /templates/texts`: texts of the portal and the log-in pages in the operator's words, by
/// language. Everybody reads them on pages.
async fn texts(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope("read_content")?;
    Ok(respond(
        &headers,
        &state.configuration().templates.texts,
        JSON,
    ))
}

async fn chatbot(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&caller)?;
    Ok(respond(
        &headers,
        &state.configuration().templates.rendered,
        JSON,
    ))
}

/// `GET /templates/email`: all templates of mails by name. The mailer reads them together, so that
/// the languages and forms of one mail fit each other.
async fn emails(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&caller)?;
    let configuration = state.configuration();
    Ok(respond(&headers, &configuration.templates.all_emails, JSON))
}

async fn email(
    State(state): State<AppState>,
    Path(name): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&caller)?;
    let configuration = state.configuration();
    let template = configuration
        .templates
        .email(&name)
        .ok_or_else(|| ApiError::not_found("There is no such mail template."))?;
    Ok(respond(&headers, template, TEXT))
}

fn check(caller: &Caller) -> Result<(), ApiError> {
    caller.require_scope("read_templates")?;
    caller.require_admin()
}
