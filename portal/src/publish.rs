//! `/publish/…`: owners and administrators change APIs, and what they change becomes a commit of the
//! configuration repository (portal-ui 27.2).
//!
//! Every form changes the person's draft, which portal-api keeps; nothing is served before it was
//! checked and committed. Files are changed place by place (`document`), so the difference beside each
//! page is what the person did. Newer commits of others are merged or shown, never overwritten.

#![expect(clippy::unused_self, reason = "templates call methods of the page")]

mod access;
mod changes;
mod commit;
mod create;
mod definition;
mod desk;
mod diff;
mod docs;
mod document;
mod fields;
mod general;
mod history;
mod lifecycle;
mod list;
mod merge;
mod plans;
mod plugins;
mod preview;
mod shell;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::{links, state::App};
pub use history::{History, date};

/// A definition of 5 MiB, written as a form.
const MAX_FORM: usize = 16 << 20;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/publish", get(list::show))
        .route("/publish/new", get(create::show).post(create::create))
        .route("/publish/commit", post(commit::commit))
        .route("/publish/rebase", post(commit::rebase))
        .route("/publish/discard", post(commit::discard))
        .route(
            "/publish/apis/{api}",
            get(general::show).post(general::save),
        )
        .route(
            "/publish/apis/{api}/access",
            get(access::show).post(access::save),
        )
        .route(
            "/publish/apis/{api}/definition",
            get(definition::show).post(definition::save),
        )
        .route(
            "/publish/apis/{api}/plans",
            get(plans::show).post(plans::save),
        )
        .route(
            "/publish/apis/{api}/plugins",
            get(plugins::show).post(plugins::save),
        )
        .route("/publish/apis/{api}/plans/one", post(plans::save_one))
        .route(
            "/publish/apis/{api}/lifecycle",
            get(lifecycle::show).post(lifecycle::save),
        )
        .route("/publish/apis/{api}/docs", get(docs::show).post(docs::save))
        .route("/publish/apis/{api}/history", get(history::show))
        .route(
            "/publish/apis/{api}/preview",
            get(preview::show).post(preview::show),
        )
        .route("/publish/apis/{api}/discard", post(commit::discard_api))
        .layer(DefaultBodyLimit::max(MAX_FORM))
}

/// Where an API is edited.
pub fn url(api: &str) -> String {
    format!("/publish/apis/{}", links::segment(api))
}
