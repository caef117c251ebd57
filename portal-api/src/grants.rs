//! Grants: which scopes of an API a user allowed an application to use for him (portal-api 16).

pub mod routes;
pub mod row;
pub mod rules;
pub mod store;

use axum::{Router, routing::get};

use crate::AppState;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/grants/{user}",
            get(routes::list).delete(routes::remove_all),
        )
        .route(
            "/grants/{user}/applications/{application}/apis/{api}",
            get(routes::read).put(routes::put).delete(routes::remove),
        )
}
