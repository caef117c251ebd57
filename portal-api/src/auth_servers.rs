//! Auth servers and their log-in methods (portal-api 19.3).
//!
//! Ids are looked up in the loaded list, never used as file names; and the methods' secrets go to
//! the auth server alone (portal-api D6).

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use config::{Rendered, auth_servers::AuthServer};
use http::HeaderMap;
use service::ServiceName;

use crate::{
    ApiError, AppState,
    caller::Caller,
    paging::{self, Parameters},
    rendered::{JSON, respond},
};

const SCOPE: &str = "read_auth_servers";

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/auth-servers", get(list))
        .route("/auth-servers/{server}", get(one))
}

/// `GET /auth-servers`: ids, sorted.
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let servers = configuration.auth_servers.iter();
    let ids = servers.map(|server| server.id.as_str()).collect();
    paging::array(ids, &parameters, |id| id)
}

/// `GET /auth-servers/{server}`
async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let server = configuration
        .auth_server(&id)
        .ok_or_else(|| ApiError::not_found(format!("There is no auth server `{id}`.")))?;
    Ok(respond(&headers, view(server, &caller), JSON))
}

fn view<'s>(server: &'s AuthServer, caller: &Caller) -> &'s Rendered {
    let is_auth_server = caller.acting_service() == Some(ServiceName::AuthServer);
    // A component of wicked comes as a machine user with administrator's rights.
    let is_old_component = caller.is_trusted_peer() && caller.is_internal() && caller.is_admin();
    if is_auth_server || is_old_component {
        &server.full
    } else if caller.is_admin() {
        &server.admin
    } else {
        &server.public
    }
}
