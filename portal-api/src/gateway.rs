//! The gateway's side: what it has to know, what it has in force, and which adapter is in charge.

mod leases;
mod row;
mod snapshot;
mod status;

use axum::{
    Router,
    routing::{get, put},
};
use tower_http::compression::CompressionLayer;

use crate::AppState;
pub use snapshot::of_configuration;
pub use status::health;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/gateway/snapshot", get(snapshot::read))
        .layer(CompressionLayer::new())
        .route("/gateway/status", get(status::read).put(status::write))
        .route("/leases/{name}", put(leases::take).delete(leases::release))
}
