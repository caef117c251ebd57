//! Log-in pages elsewhere: people are sent to a provider and come back with a code (19.3, 19.4).
//!
//! Whoever comes back has to be whom we sent, from the same browser, once: `state` is found by its
//! digest, belongs to one pending request and is used up. PKCE verifier and nonce are computed from
//! it and stand nowhere. No token of a provider is kept.

mod begin;
mod callback;
mod email_missing;
mod error;
mod exchange;
mod failure;
mod http;
mod oidc;
mod password;
mod profile;
pub mod states;

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::AppState;

pub use begin::begin;
pub use callback::enter;
pub use error::UpstreamError;
pub use failure::note as note_failure;
pub use oidc::Descriptions;
pub use password::verify;

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/failure", get(failure::show))
        .route("/{method}/callback", get(callback::callback))
        .route("/{method}/emailmissing", post(email_missing::submit))
}
