//! The static configuration while it is served: looking for newer ones, taking them over without a
//! restart, and what is known about them (portal-api B13, 29.3).
//!
//! A new configuration is read and checked beside the one in force and replaces it as a whole, or
//! not at all. Requests hold the one they began with.

pub mod access;
mod announce;
mod commits;
mod drafts;
pub mod files;
mod follow;
mod hook;
mod in_force;
mod kong;
mod orphans;
mod reload;
mod signature;
mod status;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::{AppState, extract::MAX_UPLOAD};

pub use announce::announce;
pub use follow::follow;
pub(crate) use in_force::InForce;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/config/commits",
            get(commits::history)
                .post(commits::create)
                .layer(DefaultBodyLimit::max(MAX_UPLOAD)),
        )
        .route(
            "/config/draft",
            get(drafts::read)
                .put(drafts::write)
                .delete(drafts::remove)
                .layer(DefaultBodyLimit::max(MAX_UPLOAD)),
        )
        .route("/config/files/{*path}", get(files::show))
        .route("/config/status", get(status::show))
        .route("/config/fetch", post(reload::fetch))
        .route("/config/hook", post(hook::receive))
        .route("/kill", post(reload::kill))
}
