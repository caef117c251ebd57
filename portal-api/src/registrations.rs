//! Registrations: what users told a pool about themselves (portal-api 11).

pub mod invitations;
mod read;
pub mod row;
pub mod rules;
pub mod store;
mod value;
pub mod wire;
mod write;

use axum::{Router, routing::get};

use crate::AppState;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/registrations/pools/{pool}", get(read::of_pool))
        .route(
            "/registrations/pools/{pool}/users/{user}",
            get(read::of_pool_and_user)
                .put(write::put)
                .delete(write::remove),
        )
        .route("/registrations/users/{user}", get(read::of_user))
        .merge(invitations::routes())
}
