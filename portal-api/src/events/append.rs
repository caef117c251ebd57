//! Writing an event: one row, one delivery per listener that wants it, one audit record.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
};
use serde_json::Value;
use service::keys::{Keys, Purpose};

use super::{Event, filter, listeners::store as listeners, row};
use crate::{
    ApiError, AppState,
    audit::{self, Actor},
};

/// Bytes of the data of one event (events-and-adapters B1).
const MAX_DATA: usize = 256 * 1024;
/// What an event takes in a request beside its data.
const FRAME: usize = 256;

/// Appends `event` to the outbox, in the transaction of the change that it tells of.
///
/// `actor` is who made the change; it goes to the audit log.
pub async fn append(
    txn: &DatabaseTransaction,
    state: &AppState,
    actor: &Actor,
    event: Event,
) -> Result<(), ApiError> {
    // This serializes, as `enqueue` does.
    audit::record(txn, state, audit::Entry::of_event(&event, actor)).await?;
    store(txn, state, event).await
}

/// The same for an event whose audit record is written already.
pub async fn enqueue(
    txn: &DatabaseTransaction,
    state: &AppState,
    event: Event,
) -> Result<(), ApiError> {
    // Numbers are taken in the order of commits: without the lock a reader could see number 8,
    // go on from there, and miss 7, whose transaction commits later.
    audit::serialize(txn).await?;
    store(txn, state, event).await
}

async fn store(txn: &DatabaseTransaction, state: &AppState, event: Event) -> Result<(), ApiError> {
    let now = service::clock::now();
    if txn.get_database_backend() == DbBackend::Postgres {
        // Heard by every instance at commit.
        txn.execute_unprepared("notify wicketgate_events").await?;
    }
    let application_id = event.application_id().map(str::to_owned);
    let listeners = listeners::concerned(txn, application_id.as_deref()).await?;
    let id = uuid::Uuid::now_v7().to_string();
    metrics::counter!(
        "wicketgate_events_created_total", "entity" => event.entity, "action" => event.action,
    )
    .increment(1);
    let wanted_by: Vec<row::listener::Model> = listeners
        .into_iter()
        .filter(|listener| filter::wants(listener, &event))
        .collect();
    let data = Value::Object(event.data.clone());
    let size = data.to_string().len() + FRAME;
    if size > MAX_DATA {
        let message = "This would make an event of more than 256 KiB, which no listener is sent. \
                       Do it in parts.";
        return Err(ApiError::conflict("event-too-large", message));
    }
    let ordering_key = event.ordering_key();
    let secret = event.secret.as_ref();
    let stored = row::event::ActiveModel {
        sealed: Set(seal(&event, &state.keys, &id)?),
        id: Set(id),
        entity: Set(event.entity.to_owned()),
        action: Set(event.action.to_owned()),
        occurred_at: Set(now),
        ordering_key: Set(ordering_key.clone()),
        application_id: Set(application_id),
        data: Set(data),
        correlation_id: Set(service::http::current_correlation_id()),
        size: Set(i32::try_from(size).unwrap_or(i32::MAX)),
        sealed_digest: Set(secret.map(|secret| secret.digest.clone())),
        sealed_until: Set(secret.map(|secret| secret.until)),
        ..Default::default()
    };
    let seq = row::event::Entity::insert(stored)
        .exec(txn)
        .await?
        .last_insert_id;
    queue(txn, &wanted_by, seq, &ordering_key, now).await?;
    Ok(())
}

/// The secret members, encrypted with the event's id as context.
fn seal(event: &Event, keys: &Keys, id: &str) -> Result<Option<String>, ApiError> {
    let Some(secret) = &event.secret else {
        return Ok(None);
    };
    let key = keys.derive(&Purpose::EventData)?;
    let plain = Value::Object(secret.members.clone()).to_string();
    Ok(Some(key.seal(plain.as_bytes(), id.as_bytes())))
}

async fn queue(
    txn: &DatabaseTransaction,
    listeners: &[row::listener::Model],
    seq: i64,
    ordering_key: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if listeners.is_empty() {
        return Ok(());
    }
    let rows = listeners.iter().map(|listener| row::delivery::ActiveModel {
        listener_id: Set(listener.id.clone()),
        event_seq: Set(seq),
        state: Set("pending".to_owned()),
        attempts: Set(0),
        next_attempt_at: Set(now),
        lease_until: Set(None),
        last_attempt_at: Set(None),
        last_status: Set(None),
        last_error: Set(None),
        ordering_key: Set(listener.is_ordered().then(|| ordering_key.to_owned())),
        replay: Set(false),
        ended_at: Set(None),
    });
    row::delivery::Entity::insert_many(rows)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}
