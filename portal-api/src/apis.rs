//! APIs as the configuration describes them (portal-api 18). Read only: they change in git.

pub mod access;
mod announcements;
mod context;
mod definition;
mod docs;
mod read;
pub mod scopes;
mod subscribers;

use axum::{
    Router,
    routing::{get, post},
};

use crate::AppState;

pub use definition::FetchedDefinitions;
pub use scopes::LookedUpScopes;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/apis", get(read::list))
        .route("/apis/desc", get(read::overview))
        .route("/apis/{api}", get(read::one))
        .route("/apis/{api}/config", get(read::gateway_config))
        .route("/apis/{api}/desc", get(read::description))
        .route("/apis/{api}/docs", get(docs::tree))
        .route("/apis/{api}/docs/{*path}", get(docs::page))
        .route("/apis/{api}/context", get(context::context))
        .route("/apis/{api}/announcements", post(announcements::announce))
        .route("/apis/{api}/subscribers", get(subscribers::list))
        .route("/apis/{api}/plans", get(read::plans))
        .route("/apis/{api}/swagger", get(definition::show))
}
