//! Templates of mails, chat messages and pages of the auth server, for administrators and the services
//! that fill them in (portal-api 19.4).

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{MethodRouter, get},
};
use config::{Rendered, Templates};
use http::HeaderMap;

use crate::{
    ApiError, AppState,
    caller::Caller,
    rendered::{JSON, TEXT, respond},
};

pub fn routes() -> Router<AppState> {
    Router::new()
        // The operator's own pages of the auth server, by name.
        .route("/templates/auth", all(|templates| &templates.auth_pages))
        .route("/templates/chatbot", all(|templates| &templates.rendered))
        // By name. The mailer reads them together, so that the languages and forms of one mail fit
        // each other.
        .route("/templates/email", all(|templates| &templates.all_emails))
        .route("/templates/email/{name}", get(email))
}

/// Answers what `pick` takes out of the templates.
fn all(pick: fn(&Templates) -> &Rendered) -> MethodRouter<AppState> {
    get(
        async move |State(state): State<AppState>, caller: Caller, headers: HeaderMap| {
            check(&caller)?;
            let configuration = state.configuration();
            let answer = respond(&headers, pick(&configuration.templates), JSON);
            Ok::<Response, ApiError>(answer)
        },
    )
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
