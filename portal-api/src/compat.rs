//! What existing clients rely on around every operation (portal-api 3): tolerant addresses, version
//! checks, media types, metrics.

mod answer;
mod observe;
mod paths;
pub mod statements;
mod versions;

use std::sync::Arc;

use axum::{Router, extract::Request, middleware, response::IntoResponse};
use http::Uri;
use tower::{ServiceBuilder, ServiceExt};

use crate::{AppState, conditional, extract, idempotency, limits};

/// Wraps the routes. The path is mended before it is matched, hence a router around the router.
pub fn layers(router: Router, state: AppState) -> Router {
    // As one stack: layers that are added to the router one by one are boxed one by one.
    let inner = router.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn(service::http::expose_route))
            .layer(middleware::from_fn(answer::within_time))
            .layer(middleware::from_fn_with_state(
                state.clone(),
                versions::check,
            ))
            .layer(middleware::from_fn_with_state(state.clone(), limits::layer))
            .layer(middleware::from_fn(conditional::layer))
            .layer(middleware::from_fn_with_state(state, idempotency::layer)),
    );
    Router::new()
        .fallback(async move |mut request: Request| {
            if has_null_character(request.uri()) {
                return Ok(extract::null_character().into_response());
            }
            if let Some(uri) = paths::mended(request.uri()) {
                *request.uri_mut() = uri;
            }
            inner.oneshot(request).await
        })
        .layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn_with_state(
                    Arc::default(),
                    observe::layer,
                ))
                .layer(middleware::from_fn(answer::finish)),
        )
}

fn has_null_character(uri: &Uri) -> bool {
    uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00"))
}
