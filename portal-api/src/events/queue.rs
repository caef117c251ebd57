//! The queues of listeners: `/webhooks/events`, `/dead`, `/replay`, `/deliveries` and `/stream`
//! (events-and-adapters A1, B6, B11, B13).

pub mod ack;
pub mod dead;
pub mod log;
pub mod read;
pub mod replay;
mod secrets;
mod stream;
mod together;

use axum::{
    Router,
    routing::{delete, get, post},
};
use sea_orm::DatabaseTransaction;

use super::{Event, row::listener};
use crate::{ApiError, AppState, audit::Actor};
pub use read::{lengths, waiting};
pub use secrets::{erase as erase_sealed, erase_opened};
pub use together::Acks;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/webhooks/events/{listener}",
            get(read::list).delete(ack::flush),
        )
        .route("/webhooks/events/{listener}/ack", post(ack::many))
        .route("/webhooks/events/{listener}/{event}", delete(ack::one))
        .route("/webhooks/stream/{listener}", get(stream::stream))
        .route(
            "/webhooks/dead/{listener}",
            get(dead::list).delete(dead::drop_all),
        )
        .route("/webhooks/dead/{listener}/retry", post(dead::retry_all))
        .route("/webhooks/dead/{listener}/{event}", delete(dead::drop_one))
        .route(
            "/webhooks/dead/{listener}/{event}/retry",
            post(dead::retry_one),
        )
        .route("/webhooks/replay/{listener}", post(replay::replay))
        .route("/webhooks/deliveries/{listener}", get(log::list))
        .route("/webhooks/deliveries/{listener}/{event}", get(log::show))
}

/// Tells everybody who wants to know that a listener was switched off.
pub async fn tell_disabled(
    txn: &DatabaseTransaction,
    state: &AppState,
    listener: &listener::Model,
    reason: &str,
) -> Result<(), ApiError> {
    tracing::warn!(listener.id = listener.id, "listener switched off: {reason}");
    let event = Event::listener_disabled(&listener.id, listener.application_id.as_deref(), reason);
    super::append(txn, state, &Actor::system(), event).await
}
