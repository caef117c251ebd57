//! The documents that describe this server (RFC 8414, OpenID Connect Discovery).

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::header;
use sdk::types::grants::IDENTITY_SCOPES;
use serde_json::json;
use service::clock;

use crate::{
    PasswordGrant,
    assertions::ALGORITHMS,
    factors::{ACR_MULTI, ACR_SINGLE},
    state::AppState,
};

/// At the root of the host: the well-known name stands before the issuer's path.
pub fn root_routes(base_path: &str) -> Router<AppState> {
    Router::new()
        .route(
            &format!("/.well-known/oauth-authorization-server{base_path}"),
            get(metadata),
        )
        .route(
            &format!("/.well-known/openid-configuration{base_path}"),
            get(metadata),
        )
}

/// Below the base path: OpenID Connect appends the name to the issuer.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/.well-known/oauth-authorization-server", get(metadata))
}

/// `GET …/.well-known/oauth-authorization-server` and its OpenID counterpart.
async fn metadata(State(state): State<AppState>) -> impl IntoResponse {
    let configuration = state.configuration();
    let issuer = configuration.issuer.clone();
    let languages = configuration.languages.all().iter();
    let languages: Vec<_> = languages.map(|lang| lang.tag()).collect();
    let url = |path: &str| format!("{issuer}{path}");
    let grants = state.settings.grants;
    let signed_with = state.keys.algorithms(clock::now());
    let signed_with: Vec<_> = signed_with.iter().map(|one| one.name()).collect();
    let mut response_types = vec!["code"];
    let mut response_modes = vec!["query", "form_post"];
    let mut grant_types = vec![
        "authorization_code",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    ];
    if grants.implicit {
        response_types.push("token");
        response_modes.push("fragment");
        grant_types.push("implicit");
    }
    if grants.password != PasswordGrant::None {
        grant_types.push("password");
    }
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": url("/oauth2/authorize"),
        "token_endpoint": url("/oauth2/token"),
        "pushed_authorization_request_endpoint": url("/oauth2/par"),
        "require_pushed_authorization_requests": false,
        "jwks_uri": url("/oauth2/jwks"),
        "userinfo_endpoint": url("/oauth2/userinfo"),
        "introspection_endpoint": url("/oauth2/introspect"),
        "revocation_endpoint": url("/oauth2/revoke"),
        "end_session_endpoint": url("/oauth2/logout"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "device_authorization_endpoint": url("/oauth2/device_authorization"),
        "scopes_supported": IDENTITY_SCOPES,
        "id_token_signing_alg_values_supported": signed_with,
        "claim_types_supported": ["normal"],
        "claims_supported": CLAIMS,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        // Its default would be true. Pushed requests are no addresses of others.
        "request_uri_parameter_supported": false,
        "response_types_supported": response_types,
        "response_modes_supported": response_modes,
        "grant_types_supported": grant_types,
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "prompt_values_supported": ["none", "login", "consent", "create"],
        "acr_values_supported": [ACR_SINGLE, ACR_MULTI],
        "subject_types_supported": ["public"],
        "ui_locales_supported": languages,
    });
    (
        [(header::CACHE_CONTROL, "public, max-age=300")],
        Json(document),
    )
}

/// Pools may export more.
const CLAIMS: [&str; 14] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "amr",
    "acr",
    "at_hash",
    "sid",
    "name",
    "email",
    "email_verified",
];

const AUTH_METHODS: [&str; 4] = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "none",
];
