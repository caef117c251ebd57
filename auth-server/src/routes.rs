//! All addresses of the auth server in one place.

use crate::{
    authorize, consent, introspection, keys, local, logout, metadata, pages, registration,
    revocation, state::AppState, token, userinfo,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderMap, Uri};

/// Longest form or JSON body (3.1).
const MAX_BODY: usize = 100 * 1024;

/// Everything below the base path, and the metadata beside it. Health is answered before.
pub fn router(state: AppState) -> Router {
    let base = state.settings.base_path.clone();
    let below = Router::new()
        .merge(authorize::standard_routes())
        .merge(authorize::compatible_routes())
        .merge(token::standard_routes())
        .merge(token::compatible_routes())
        .merge(introspection::routes())
        .merge(revocation::routes())
        .merge(userinfo::routes())
        .merge(keys::routes())
        .merge(metadata::routes())
        .merge(local::routes())
        .merge(registration::routes())
        .merge(consent::routes())
        .merge(logout::routes())
        .merge(ui::assets::router())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(harden));
    Router::new()
        .nest(&base, below)
        .merge(metadata::root_routes(&base))
        .fallback(unknown)
        .with_state(state)
}

/// Browsers are told what our pages never do.
async fn harden(request: Request, next: Next) -> Response {
    let policy = ui::security::content_security_policy(&[]);
    ui::security::harden(next.run(request).await, &policy)
}

async fn unknown(State(state): State<AppState>, headers: HeaderMap, uri: Uri) -> Response {
    pages::not_found(&state, &headers, &uri)
}
