//! Acknowledging.

use axum::extract::{Path, State};
use http::StatusCode;
use sdk::types::listeners::BulkAck;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use serde_json::Value;

use super::secrets;
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::Caller,
    events::{
        listeners::{known, stats},
        row::listener,
        sql::{self, OPEN},
    },
    extract::{Body, from_value},
};

const MAX_IDS: usize = 1000;
/// Rows that are touched in one transaction.
const CHUNK: u64 = 2000;

/// `DELETE /webhooks/events/{listener}`: drops the whole queue, as it is now.
pub async fn flush(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    known(&state, &caller, &id).await?;
    let last = last(&state, &id).await?;
    loop {
        let txn = state.db.write().await?;
        let dropped = drop_some(&txn, &id, last).await?;
        if dropped < CHUNK {
            let entry = Entry::new(caller.actor(), "listener", "flush").about(&id);
            audit::record(&txn, &state, entry).await?;
            state.commit(txn).await?;
            return Ok(StatusCode::NO_CONTENT);
        }
        txn.commit().await?;
    }
}

async fn last(state: &AppState, listener: &str) -> Result<i64, DbErr> {
    let db = state.db.read();
    let statement =
        "select coalesce(max(event_seq), 0) as last from deliveries where listener_id = $1";
    let row = db
        .query_one_raw(sql::statement(db, statement, [listener.into()]))
        .await?;
    row.map_or(Ok(0), |row| row.try_get("", "last"))
}

/// The oldest ones up to number `last`; how many they were.
pub async fn drop_some(txn: &DatabaseTransaction, listener: &str, last: i64) -> Result<u64, DbErr> {
    let statement = format!(
        "update deliveries set state = 'acked', ended_at = $3, lease_until = null \
         where listener_id = $1 and event_seq in (select event_seq from deliveries \
         where listener_id = $1 and {OPEN} and event_seq <= $2 order by event_seq limit {CHUNK})"
    );
    let now = service::clock::now();
    sql::run(txn, &statement, [listener.into(), last.into(), now.into()]).await
}

/// `DELETE /webhooks/events/{listener}/{event}`: acknowledged; repeating it changes nothing.
pub async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, event)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let listener = known(&state, &caller, &id).await?;
    acknowledge(&state, &listener, &[event]).await
}

/// `POST /webhooks/events/{listener}/ack`
pub async fn many(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Value>,
) -> Result<StatusCode, ApiError> {
    let listener = known(&state, &caller, &id).await?;
    let request: BulkAck = from_value(request)?;
    if request.ids.is_empty() || request.ids.len() > MAX_IDS {
        return Err(ApiError::invalid(
            "ids",
            "size",
            "`ids` has to name 1 to 1000 events.",
        ));
    }
    acknowledge(&state, &listener, &request.ids).await
}

/// Unknown events are no error.
async fn acknowledge(
    state: &AppState,
    listener: &listener::Model,
    ids: &[String],
) -> Result<StatusCode, ApiError> {
    let now = service::clock::now();
    let txn = state.db.write().await?;
    let named = sql::texts(&txn, 2);
    let statement = format!(
        "update deliveries set state = 'acked', ended_at = $3, lease_until = null \
         where listener_id = $1 and {OPEN} \
         and event_seq in (select seq from events where id in {named})"
    );
    let values = [listener.id.clone().into(), sql::json(&ids), now.into()];
    let acked = sql::run(&txn, &statement, values).await?;
    if acked > 0 {
        let acked = usize::try_from(acked).unwrap_or_default();
        stats::add(&txn, &listener.id, now, acked, 0).await?;
        if listener.sensitive {
            secrets::erase_named(&txn, ids).await?;
        }
    }
    txn.commit().await?;
    // There is room for the next events of its queue.
    state.bell.ring();
    Ok(StatusCode::NO_CONTENT)
}
