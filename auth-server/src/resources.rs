//! APIs as resources: which address names one (RFC 8707), and what a client can read about it
//! (RFC 9728).

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;
use serde_json::json;

use crate::{
    apis::ApiPolicy,
    oauth::OAuthError,
    pages::{Fault, PageError},
    portal_api::PortalApiError,
    state::AppState,
};

/// Longest `resource` that is looked at.
const MAX_RESOURCE: usize = 2048;

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/.well-known/oauth-protected-resource/{api}", get(metadata))
}

/// Whether `resource`, if there is one, is an address of the API. One below it is the API, too: clients
/// send what they are about to call.
pub async fn is_of(
    state: &AppState,
    api: &ApiPolicy,
    resource: Option<&str>,
) -> Result<bool, PortalApiError> {
    let Some(resource) = resource else {
        return Ok(true);
    };
    if resource.len() > MAX_RESOURCE || resource.contains(['#', '?']) {
        return Ok(false);
    }
    let addresses = addresses(state, &api.id).await?;
    Ok(addresses.iter().any(|address| covers(address, resource)))
}

fn covers(address: &str, resource: &str) -> bool {
    let address = address.trim_end_matches('/');
    resource
        .strip_prefix(address)
        .is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && !rest.contains("/.."))
}

/// Where the gateway publishes the API.
async fn addresses(state: &AppState, api: &str) -> Result<Vec<String>, PortalApiError> {
    let configuration = state.configuration();
    let origin = configuration
        .issuer
        .strip_suffix(&state.settings.base_path)
        .unwrap_or(&configuration.issuer);
    let paths = state.portal_api.paths_of(api).await?;
    Ok(paths.iter().map(|path| format!("{origin}{path}")).collect())
}

/// `GET {B}/.well-known/oauth-protected-resource/{api}`
async fn metadata(State(state): State<AppState>, Path(api): Path<String>) -> Response {
    let found = async {
        let Some(api) = state.portal_api.api(&api).await? else {
            return Ok(None);
        };
        let addresses = addresses(&state, &api.id).await?;
        Ok::<_, PortalApiError>(addresses.into_iter().next().map(|address| (api, address)))
    };
    let (api, resource) = match found.await {
        Ok(Some(found)) => found,
        Ok(None) => return PageError::new(&state, Fault::NotFound).into_response(),
        Err(error) => {
            tracing::error!(%error, "portal-api failed");
            return OAuthError::unavailable().into_response();
        }
    };
    let document = json!({
        "resource": resource,
        "resource_name": api.name,
        "authorization_servers": [state.configuration().issuer],
        "scopes_supported": api.scope_ids(),
        "bearer_methods_supported": ["header"],
    });
    (
        [(header::CACHE_CONTROL, "public, max-age=300")],
        Json(document),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_resource_lies_at_or_below_the_address_of_its_api() {
        let address = "https://api.example/orders";
        for (resource, is_covered) in [
            ("https://api.example/orders", true),
            ("https://api.example/orders/", true),
            ("https://api.example/orders/v1", true),
            ("https://api.example/orders-of-others", false),
            ("https://api.example/orders/../pets", false),
            ("https://api.example/", false),
            ("https://api.example.evil/orders", false),
            ("orders", false),
        ] {
            assert_eq!(covers(address, resource), is_covered, "{resource}");
        }
        assert!(covers(
            "https://api.example/orders/",
            "https://api.example/orders"
        ));
    }
}
