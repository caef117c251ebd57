//! What people see, or the client hears, when a provider does not vouch for somebody.

use ::http::StatusCode;
use axum::{extract::State, response::Response};
use service::clock;

use crate::{
    configuration::{OnFailure, RedirectSettings},
    flows::{Flow, FormSource},
    interaction,
    oauth::{ErrorCode, OAuthError},
    pages::{self, Fault, NoticeKind, NoticePage, PageError, Shell},
    records::{self, Act},
    state::AppState,
    visitor::Visitor,
};

use super::UpstreamError;

/// `GET {B}/failure`
pub async fn show(State(state): State<AppState>, visitor: Visitor) -> Response {
    let shell = Shell::new(&state, &visitor, "", FormSource::Login, None);
    let page = NoticePage::new(shell, NoticeKind::LoginFailed, None);
    pages::show(visitor, StatusCode::OK, &page, &[])
}

/// The provider is away, or what it says is not believed.
pub async fn answer(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    settings: &RedirectSettings,
    error: &UpstreamError,
) -> Result<Response, PageError> {
    let (code, fault) = match error {
        UpstreamError::Database(error) => return Err(PageError::database(state, error)),
        UpstreamError::Away(_) => (ErrorCode::TemporarilyUnavailable, Fault::Unavailable),
        UpstreamError::Unbelievable(_) | UpstreamError::Key(_) => {
            (ErrorCode::ServerError, Fault::LoginFailed)
        }
    };
    tracing::warn!(method = flow.method, %error, "log-in at a provider failed");
    note(state, &visitor, &flow.method).await?;
    let goal = flow.authorize();
    let tells_client = |silent: bool| silent || settings.on_failure == OnFailure::Client;
    if let Some(goal) = goal.filter(|goal| tells_client(goal.silent)) {
        let error = OAuthError::new(code, "The log-in at the provider failed.");
        return Ok(interaction::refuse(state, visitor, goal, &error));
    }
    if settings.on_failure == OnFailure::FailurePage {
        return Ok(to_failure_page(state, visitor));
    }
    let link = settings.error_link.clone();
    Err(PageError::new(state, fault).with_link(link))
}

/// The provider says itself that it did not work, or the person said no there. `error` is in its
/// words.
pub fn refuse(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    settings: &RedirectSettings,
    (error, description): (&str, Option<&str>),
) -> Response {
    let code = if is_code(error) {
        error
    } else {
        "server_error"
    };
    tracing::info!(method = flow.method, code, "a provider let nobody in");
    let goal = flow.authorize();
    let is_told = |silent: bool| silent || settings.on_failure != OnFailure::FailurePage;
    let Some(goal) = goal.filter(|goal| is_told(goal.silent)) else {
        return to_failure_page(state, visitor);
    };
    let description: String = description
        .unwrap_or("The provider did not log the user in.")
        .chars()
        .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
        .take(200)
        .collect();
    interaction::refuse_in_words(state, visitor, goal, (code, &description))
}

/// RFC 6749 4.1.2.1, as far as codes go that anybody uses.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

pub fn to_failure_page(state: &AppState, visitor: Visitor) -> Response {
    let url = format!("{}/failure", state.settings.base_path);
    visitor.finish(interaction::redirect(&url))
}

/// Puts on record that a provider has vouched for nobody.
pub async fn note(state: &AppState, visitor: &Visitor, method: &str) -> Result<(), PageError> {
    metrics::counter!("wicketgate_auth_logins", "outcome" => "failed").increment(1);
    record(state, visitor, method)
        .await
        .map_err(|error| PageError::database(state, &error))
}

async fn record(state: &AppState, visitor: &Visitor, method: &str) -> Result<(), sea_orm::DbErr> {
    let act = Act::LoginRefused { username: "" };
    let txn = state.database.write().await?;
    records::insert(&txn, act, method, visitor.peer.address, clock::now()).await?;
    txn.commit().await?;
    state.records.notify_one();
    Ok(())
}
