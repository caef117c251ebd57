//! Users: accounts with an address, with or without a local password.

mod change;
mod create;
pub mod email;
mod error;
mod read;
pub mod row;
pub mod rules;
pub mod store;
pub mod wire;

use axum::{
    Router,
    routing::{delete, get, post},
};

pub use create::added;
pub use error::UserError;

use crate::{
    AppState,
    audit::{Actor, Entry},
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/users", get(read::list).post(create::create))
        .route("/users/machine", post(create::create_machine))
        .route(
            "/users/{user}",
            get(read::read).patch(change::patch).delete(change::remove),
        )
        .route("/users/{user}/password", delete(change::remove_password))
}

/// A record about a user for what is no event.
pub fn audit_entry(action: &str, actor: Actor) -> Entry {
    Entry {
        at: service::clock::now(),
        actor,
        action: action.to_owned(),
        entity: "user".to_owned(),
        entity_id: None,
        data: None,
        outcome: "ok",
    }
}
