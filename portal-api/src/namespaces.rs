//! Namespaces of registration pools: tenants that registrations belong to (portal-api 12).

mod routes;
pub mod row;
pub mod rules;
mod store;

use axum::{Router, routing::get};
use sea_orm::ConnectionTrait;

use crate::{ApiError, AppState};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/pools/{pool}/namespaces", get(routes::list))
        .route(
            "/pools/{pool}/namespaces/{namespace}",
            get(routes::read).put(routes::put).delete(routes::remove),
        )
}

/// Refuses a namespace that nobody has created.
pub async fn require(
    db: &impl ConnectionTrait,
    pool: &str,
    namespace: &str,
) -> Result<(), ApiError> {
    if store::find(db, pool, namespace).await?.is_some() {
        return Ok(());
    }
    Err(ApiError::invalid(
        "namespace",
        "unknown",
        format!("The pool `{pool}` has no namespace `{namespace}`."),
    ))
}
