//! Acknowledging.

use axum::extract::{Path, State};
use http::StatusCode;
use migrations::Database;
use sdk::types::listeners::BulkAck;
use sea_orm::DbErr;
use serde_json::Value;

use super::together;
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    events::{
        OPEN,
        listeners::{Writable, named::OfEvent},
    },
    extract::{Body, from_value},
    sql,
};

const MAX_IDS: usize = 1000;

/// `DELETE /webhooks/events/{listener}`: drops the whole queue, as it is now.
pub async fn flush(
    State(state): State<AppState>,
    Writable { listener, caller }: Writable,
) -> Result<StatusCode, ApiError> {
    let statement = "select max(event_seq) from deliveries where listener_id = $1";
    let values = [listener.id.clone().into()];
    let last = sql::number(state.db.read(), statement, values).await?;
    drop_up_to(&state.db, &listener.id, last.unwrap_or_default()).await?;
    let txn = state.db.write().await?;
    let entry = Entry::new(caller.actor(), "listener", "flush").about(&listener.id);
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that waits, up to number `last`.
pub async fn drop_up_to(db: &Database, listener: &str, last: i64) -> Result<(), DbErr> {
    let statement = format!(
        "update deliveries set state = 'acked', ended_at = $3, lease_until = null \
         where listener_id = $1 and event_seq in (select event_seq from deliveries \
         where listener_id = $1 and {OPEN} and event_seq <= $2 order by event_seq limit $4)"
    );
    let now = service::clock::now();
    db.in_chunks(&statement, &[listener.into(), last.into(), now.into()])
        .await?;
    Ok(())
}

/// `DELETE /webhooks/events/{listener}/{event}`: acknowledged; repeating it changes nothing.
pub async fn one(
    State(state): State<AppState>,
    Writable { listener, .. }: Writable,
    Path(OfEvent { event }): Path<OfEvent>,
) -> Result<StatusCode, ApiError> {
    together::acknowledge(&state, listener, vec![event]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /webhooks/events/{listener}/ack`
pub async fn many(
    State(state): State<AppState>,
    Writable { listener, .. }: Writable,
    Body(request): Body<Value>,
) -> Result<StatusCode, ApiError> {
    let request: BulkAck = from_value(request)?;
    if request.ids.is_empty() || request.ids.len() > MAX_IDS {
        return Err(ApiError::invalid(
            "ids",
            "size",
            "`ids` has to name 1 to 1000 events.",
        ));
    }
    together::acknowledge(&state, listener, request.ids).await?;
    Ok(StatusCode::NO_CONTENT)
}
