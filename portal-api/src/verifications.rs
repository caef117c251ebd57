//! Verifications: proofs by mail that an address belongs to a user (portal-api 17).
//!
//! The id is the secret of the mail. The one invariant (D10): it is stored as digest to find it
//! by, beside a ciphertext that goes with the row when it is used or has expired.

mod apply;
mod routes;
pub mod row;
pub mod rules;
mod secret;
mod store;
mod take_over;

use axum::{
    Router,
    routing::{get, post},
};

pub use apply::patch_user;
pub use rules::LIFETIME;
pub use take_over::{Open, take_over};

use crate::AppState;

/// Carries a verification id on `PATCH /users/{user}`.
pub const HEADER: &str = "x-verificationid";

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/verifications", get(routes::list).post(routes::create))
        .route("/verifications/consume", post(apply::consume))
        .route(
            "/verifications/{id}",
            get(routes::read).delete(routes::remove),
        )
}
