//! Whose account it is.

use std::net::IpAddr;

use axum::{extract::FromRequestParts, response::Response};
use http::{HeaderMap, StatusCode, header, request::Parts};
use sdk::types::User;
use service::{clock, keys::portal_clients, problem::Problem};

use crate::{
    address::Peer,
    interaction,
    local::login_url,
    pages::{Fault, PageError},
    scopes,
    state::AppState,
    tokens,
    visitor::Visitor,
};

use super::{Refused, database};

/// The owner of an account, as the portal shows him.
pub struct Owner {
    pub user: User,
    /// His log-in, from which the token came.
    pub sid: String,
    /// What the portal may do for him; a token of his own can have no more.
    pub scope: Vec<String>,
    pub address: IpAddr,
}

impl FromRequestParts<AppState> for Owner {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refused> {
        let Ok(peer) = Peer::from_request_parts(parts, state).await;
        let token = bearer(&parts.headers).ok_or_else(unauthorized)?;
        let found = tokens::find(state, token, clock::now()).await;
        let claims = found.map_err(database)?.ok_or_else(unauthorized)?;
        let portal = portal_clients(&state.settings.keys).map_err(|_| unauthorized())?;
        let is_portal = portal
            .iter()
            .any(|client| client.client_id == claims.client_id);
        // Other applications may act for a user, but not on his account; and a token without a log-in
        // behind it, such as one that a personal token was exchanged for, must not beget others.
        let Some(sid) = claims
            .sid
            .clone()
            .filter(|_| is_portal && claims.is_of_user())
        else {
            let text = "Only the portal may do this, for somebody who is logged in.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "portal-only", text).into());
        };
        let user = state.portal_api.user(&claims.sub).await.map_err(|error| {
            tracing::error!(%error, "portal-api failed");
            Problem::unavailable("The account cannot be read right now.")
        })?;
        let user = user
            .filter(|user| user.disabled != Some(true))
            .ok_or_else(unauthorized)?;
        Ok(Self {
            user,
            sid,
            scope: scopes::split(claims.scope.as_deref().unwrap_or_default()),
            address: peer.address,
        })
    }
}

/// Whether the caller shows a token, so that he gets JSON.
pub fn shows_token(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

fn unauthorized() -> Refused {
    let text = "An access token of the portal's user is needed.";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", text).into()
}

/// Who is logged in at a browser, with the method he used and the name of his session.
pub struct LoggedIn {
    pub user: User,
    pub method: String,
    pub sid: String,
}

/// The person at the browser; nothing if nobody is logged in.
pub async fn logged_in(state: &AppState, visitor: &Visitor) -> Result<Option<LoggedIn>, PageError> {
    let Some(session) = &visitor.session else {
        return Ok(None);
    };
    // Whom an API passes through has no account.
    let Some(login) = session.logins.iter().find(|one| !one.user_id.is_empty()) else {
        return Ok(None);
    };
    let user = state
        .portal_api
        .user(&login.user_id)
        .await
        .map_err(|error| PageError::portal_api(state, &error))?;
    let user = user.filter(|user| user.accepts_session_of(login.auth_time));
    Ok(user.map(|user| LoggedIn {
        user,
        method: login.method.clone(),
        sid: session.sid.clone(),
    }))
}

/// Sends somebody to the log-in, and back to `path` afterwards.
pub fn to_login(state: &AppState, visitor: Visitor, path: &str) -> Result<Response, PageError> {
    let configuration = state.configuration();
    let Some(method) = configuration.methods.first() else {
        return Err(PageError::new(state, Fault::NotFound));
    };
    let url = login_url(state, &method.id, path);
    Ok(visitor.finish(interaction::redirect(&url)))
}
