//! All addresses of the auth server in one place.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderName, HeaderValue, header};
use service::http::WickedMetrics;

use crate::{
    account, authorize, consent, content, cors, devices, introspection, invitations, keys, local,
    logout, metadata, openid,
    pages::{self, Fault, PageError},
    pushed, registration, resources, revocation, revoked, saml,
    state::AppState,
    token, upstream, userinfo,
};

/// Longest form or JSON body (3.1).
const MAX_BODY: usize = 100 * 1024;

/// Everything below the base path, and the metadata beside it. Health is answered before.
pub fn router(state: AppState) -> Router {
    let base = state.settings.base_path.clone();
    let about_clients = || middleware::from_fn_with_state(state.clone(), cors::for_clients);
    let of_one_person = Router::new()
        .merge(authorize::compatible_routes())
        .merge(token::compatible_routes().layer(about_clients()))
        .merge(userinfo::routes().layer(about_clients()))
        .merge(local::routes())
        .merge(upstream::routes())
        .merge(saml::routes())
        .merge(registration::routes())
        .merge(invitations::routes())
        .merge(consent::routes())
        .merge(logout::routes())
        .merge(account::routes())
        .merge(devices::routes())
        .merge(openid::routes())
        .layer(middleware::from_fn(never_keep));
    let below = Router::new()
        .merge(of_one_person)
        .merge(authorize::standard_routes())
        .merge(token::standard_routes().layer(about_clients()))
        .merge(pushed::routes().layer(about_clients()))
        .merge(introspection::routes())
        .merge(revocation::routes().layer(about_clients()))
        .merge(revoked::routes())
        .merge(keys::routes().layer(middleware::from_fn(cors::for_everybody)))
        .merge(resources::routes().layer(middleware::from_fn(cors::for_everybody)))
        .merge(metadata::routes().layer(middleware::from_fn(cors::for_everybody)))
        .merge(content::routes())
        .merge(ui::assets::router())
        .layer(DefaultBodyLimit::max(MAX_BODY));
    let measured = Arc::new(WickedMetrics::new("wicked_auth"));
    Router::new()
        .nest(&base, below)
        .merge(metadata::root_routes(&base).layer(middleware::from_fn(cors::for_everybody)))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            pages::introduce,
        ))
        .layer(middleware::from_fn(harden))
        .layer(middleware::from_fn_with_state(measured, measure))
        .with_state(state)
}

/// The metrics that existing dashboards read (section 20).
async fn measure(
    State(metrics): State<Arc<WickedMetrics>>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let (started, method) = (Instant::now(), request.method().clone());
    let response = next.run(request).await;
    let route = matched.as_ref().map(MatchedPath::as_str);
    metrics.note(route, &method, started, response.status());
    response
}

/// Browsers are told what our pages never do.
async fn harden(request: Request, next: Next) -> Response {
    let policy = ui::security::content_security_policy(&[]);
    ui::security::harden(next.run(request).await, &policy)
}

/// No cache on the way keeps what was answered to one person, however old it is (3.2).
async fn never_keep(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (
            header::CACHE_CONTROL,
            "no-store, no-cache, must-revalidate, proxy-revalidate",
        ),
        (header::PRAGMA, "no-cache"),
        (header::EXPIRES, "0"),
        (HeaderName::from_static("surrogate-control"), "no-store"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn unknown(State(state): State<AppState>) -> PageError {
    PageError::new(&state, Fault::NotFound)
}
