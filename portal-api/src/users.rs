//! Users: accounts with an address, with or without a local password.

mod applications;
mod change;
mod create;
pub mod email;
mod error;
mod export;
mod handover;
mod read;
pub mod row;
pub mod rules;
pub mod store;
pub mod unconfirmed;
pub mod wire;

use axum::{
    Router,
    routing::{delete, get, post},
};

pub use create::added;
pub use error::UserError;
pub use read::not_found;

use crate::AppState;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/users", get(read::list).post(create::create))
        .route("/users/machine", post(create::create_machine))
        .route(
            "/users/{user}",
            get(read::read).patch(change::patch).delete(change::remove),
        )
        .route("/users/{user}/applications", get(applications::list))
        .route("/users/{user}/export", get(export::export))
        .route("/users/{user}/password", delete(change::remove_password))
}
