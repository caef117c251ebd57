//! Writing an event: one row, one delivery per listener that wants it, one audit record.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
};
use serde_json::Value;
use service::keys::{Keys, Purpose};

use super::{Event, filter, row};
use crate::{
    ApiError, AppState,
    audit::{self, Actor},
};

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
    let listeners = row::listener::Entity::find().all(txn).await?;
    let id = uuid::Uuid::now_v7().to_string();
    metrics::counter!(
        "wicketgate_events_created_total", "entity" => event.entity, "action" => event.action,
    )
    .increment(1);
    let wanted_by: Vec<String> = listeners
        .into_iter()
        .filter(|listener| filter::wants(listener, &event))
        .map(|listener| listener.id)
        .collect();
    let sealed = seal(&event, &state.keys, &id)?;
    let ordering_key = event.ordering_key();
    let application_id = event
        .data
        .get("applicationId")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let stored = row::event::ActiveModel {
        id: Set(id),
        entity: Set(event.entity.to_owned()),
        action: Set(event.action.to_owned()),
        occurred_at: Set(now),
        ordering_key: Set(ordering_key),
        application_id: Set(application_id),
        data: Set(Value::Object(event.data)),
        sealed: Set(sealed),
        correlation_id: Set(service::http::current_correlation_id()),
        ..Default::default()
    };
    let seq = row::event::Entity::insert(stored)
        .exec(txn)
        .await?
        .last_insert_id;
    queue(txn, &wanted_by, seq, now).await?;
    Ok(())
}

/// The secret members, encrypted with the event's id as context.
fn seal(event: &Event, keys: &Keys, id: &str) -> Result<Option<String>, ApiError> {
    let Some(secret) = &event.secret else {
        return Ok(None);
    };
    let key = keys.derive(&Purpose::EventData)?;
    let plain = Value::Object(secret.clone()).to_string();
    Ok(Some(key.seal(plain.as_bytes(), id.as_bytes())))
}

async fn queue(
    txn: &DatabaseTransaction,
    listeners: &[String],
    seq: i64,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if listeners.is_empty() {
        return Ok(());
    }
    let rows = listeners.iter().map(|listener| row::delivery::ActiveModel {
        listener_id: Set(listener.clone()),
        event_seq: Set(seq),
        state: Set("pending".to_owned()),
        attempts: Set(0),
        next_attempt_at: Set(now),
        lease_until: Set(None),
        last_attempt_at: Set(None),
        last_status: Set(None),
        last_error: Set(None),
    });
    row::delivery::Entity::insert_many(rows)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}
