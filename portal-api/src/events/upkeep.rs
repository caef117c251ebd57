//! What has to be looked after from time to time: queues that are too long, listeners that are gone,
//! rows that have served, figures for the operator.

use std::collections::HashSet;

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{
    OPEN,
    deliver::label,
    listeners::{self, store},
    own, queue,
    row::{delivery, event, listener},
};
use crate::{ApiError, AppState, sql};

/// Rows that are touched in one transaction; keeps each below 20 ms.
const CHUNK: u64 = 500;
/// Requests that are kept in the log of each listener, and for how long.
const LOG_ROWS: i64 = 10_000;
const LOG_DAYS: i64 = 7;
/// For listeners that do not say (events-and-adapters B1).
const MAX_AGE_HOURS: i64 = 168;
/// Deliveries that were given up are kept this long.
const DEAD_DAYS: i64 = 30;

/// One round; called every minute.
pub async fn run(state: &AppState) -> Result<(), ApiError> {
    let lengths = queue::lengths(state.db.read()).await?;
    let listeners = listener::Entity::find().all(state.db.read()).await?;
    for listener in &listeners {
        let own = lengths.iter().find(|one| one.listener_id == listener.id);
        let length = own.map_or(0, |own| own.events);
        if length > listener.max_queue {
            shorten(state, listener, length - listener.max_queue).await?;
        }
        give_up_old(state, listener).await?;
        trim_log(state, &listener.id).await?;
        if is_hopeless(state, listener) {
            let reason = "every attempt failed for days";
            let txn = state.db.write().await?;
            store::set_enabled(&txn, &listener.id, Some(reason)).await?;
            queue::tell_disabled(&txn, state, listener, reason).await?;
            state.commit(txn).await?;
        }
    }
    let now = service::clock::now();
    let retention = TimeDelta::days(state.events.retention_days.into());
    for (statement, age) in [
        (
            "delete from deliveries where (listener_id, event_seq) in \
             (select listener_id, event_seq from deliveries where state = 'acked' \
              and event_seq <= coalesce((select seq from events where occurred_at < $1 \
                order by occurred_at desc, seq desc limit 1), 0) limit $2)",
            retention,
        ),
        (
            "delete from deliveries where (listener_id, event_seq) in \
             (select listener_id, event_seq from deliveries \
              where state = 'dead' and ended_at < $1 limit $2)",
            TimeDelta::days(DEAD_DAYS),
        ),
        (
            "delete from events where seq in (select e.seq from events e where e.occurred_at < $1 \
             and not exists (select 1 from deliveries d where d.event_seq = e.seq) \
             and e.seq <> coalesce((select seq from events \
               where entity in ('application', 'subscription') order by seq desc limit 1), 0) \
             order by e.seq limit $2)",
            retention,
        ),
        (
            // What they open is no longer there.
            "update events set sealed = null where seq in (select seq from events \
             where sealed is not null and sealed_until < $1 limit $2)",
            TimeDelta::zero(),
        ),
        (
            "delete from listener_secrets where id in \
             (select id from listener_secrets where ends_at < $1 limit $2)",
            TimeDelta::zero(),
        ),
    ] {
        state.db.in_chunks(statement, &[(now - age).into()]).await?;
    }
    listeners::stats::forget_old(state).await?;
    Ok(())
}

/// Takes the oldest out of a queue that is too long, or all of them for a word that there was more.
async fn shorten(
    state: &AppState,
    listener: &listener::Model,
    mut surplus: i64,
) -> Result<(), ApiError> {
    tracing::warn!(
        listener.id = listener.id,
        "the queue is longer than {}",
        listener.max_queue
    );
    if listener.overflow == "collapse" {
        return collapse(state, listener).await;
    }
    while surplus > 0 {
        let part = surplus.min(CHUNK.cast_signed());
        let statement = format!(
            "update deliveries set state = 'dead', ended_at = $3, \
             last_error = 'the queue was too long' where listener_id = $1 and event_seq in \
             (select event_seq from deliveries where listener_id = $1 and {OPEN} \
              order by event_seq limit $2)"
        );
        let now = service::clock::now();
        let values = [listener.id.clone().into(), part.into(), now.into()];
        let txn = state.db.write().await?;
        let dead = sql::run(&txn, &statement, values).await?;
        txn.commit().await?;
        metrics::counter!("wicketgate_event_dead_total", "listener" => label(listener))
            .increment(dead);
        surplus -= part;
    }
    Ok(())
}

/// One `queue.overflow` instead of everything that waits: it comes first, so that nothing is lost if
/// this ends half-way.
async fn collapse(state: &AppState, listener: &listener::Model) -> Result<(), ApiError> {
    let txn = state.db.write().await?;
    let word = tell_overflow(&txn, &listener.id).await?;
    state.commit(txn).await?;
    Ok(queue::ack::drop_up_to(&state.db, &listener.id, word - 1).await?)
}

/// The number of the event. For this listener alone, and in no audit log: nothing was changed.
async fn tell_overflow(txn: &DatabaseTransaction, listener: &str) -> Result<i64, ApiError> {
    use sea_orm::ActiveValue::Set;
    crate::audit::serialize(txn).await?;
    let now = service::clock::now();
    let data = serde_json::json!({"listenerId": listener});
    let row = event::ActiveModel {
        id: Set(uuid::Uuid::now_v7().to_string()),
        entity: Set("queue".to_owned()),
        action: Set("overflow".to_owned()),
        occurred_at: Set(now),
        ordering_key: Set(format!("listener:{listener}")),
        data: Set(data),
        size: Set(256),
        ..Default::default()
    };
    let seq = event::Entity::insert(row).exec(txn).await?.last_insert_id;
    let row = delivery::ActiveModel {
        listener_id: Set(listener.to_owned()),
        event_seq: Set(seq),
        state: Set("pending".to_owned()),
        attempts: Set(0),
        next_attempt_at: Set(now),
        replay: Set(false),
        ..Default::default()
    };
    delivery::Entity::insert(row)
        .exec_without_returning(txn)
        .await?;
    Ok(seq)
}

/// Events that are too old for a listener. Our own components get everything, whenever they come
/// back.
async fn give_up_old(state: &AppState, listener: &listener::Model) -> Result<(), ApiError> {
    if own::is_component(&listener.id) {
        return Ok(());
    }
    let hours = listener.max_age_hours.map_or(MAX_AGE_HOURS, i64::from);
    let statement = format!(
        "update deliveries set state = 'dead', ended_at = $3, \
         last_error = 'not acknowledged in time' where listener_id = $1 and event_seq in \
         (select event_seq from deliveries where listener_id = $1 and {OPEN} and not replay \
          and event_seq <= coalesce((select seq from events where occurred_at < $2 \
            order by occurred_at desc, seq desc limit 1), 0) order by event_seq limit $4)"
    );
    let now = service::clock::now();
    let values = [
        listener.id.clone().into(),
        (now - TimeDelta::hours(hours)).into(),
        now.into(),
    ];
    state.db.in_chunks(&statement, &values).await?;
    Ok(())
}

async fn trim_log(state: &AppState, listener: &str) -> Result<(), ApiError> {
    let old = "delete from delivery_attempts where id in (select id from delivery_attempts \
         where listener_id = $1 and started_at < $2 order by id limit $3)";
    let since = service::clock::now() - TimeDelta::days(LOG_DAYS);
    state
        .db
        .in_chunks(old, &[listener.into(), since.into()])
        .await?;
    let many = "delete from delivery_attempts where id in (select id from delivery_attempts \
         where listener_id = $1 and id <= coalesce((select id from delivery_attempts \
           where listener_id = $1 order by id desc limit 1 offset $2), 0) \
         order by id limit $3)";
    state
        .db
        .in_chunks(many, &[listener.into(), LOG_ROWS.into()])
        .await?;
    Ok(())
}

/// Whether nothing but failures came from a listener for days. Our own components are waited for.
fn is_hopeless(state: &AppState, listener: &listener::Model) -> bool {
    let patience = TimeDelta::from_std(state.events.disable_after).unwrap_or(TimeDelta::MAX);
    listener.enabled
        && !own::is_component(&listener.id)
        && listener
            .failing_since
            .is_some_and(|since| service::clock::now() - since > patience)
}

/// Sets the figures of all queues; called some times a minute.
pub async fn measure(state: &AppState, known: &mut HashSet<String>) -> Result<(), ApiError> {
    let db = state.db.read();
    let lengths = queue::lengths(db).await?;
    let listeners = listener::Entity::find()
        .filter(listener::Column::ApplicationId.is_null())
        .all(db)
        .await?;
    let oldest: Vec<i64> = lengths.iter().map(|one| one.oldest).collect();
    let events = event::Entity::find()
        .filter(event::Column::Seq.is_in(oldest))
        .all(db)
        .await?;
    let now = service::clock::now();
    let mut seen = HashSet::new();
    for listener in &listeners {
        let own = lengths.iter().find(|one| one.listener_id == listener.id);
        let since = own.and_then(|own| events.iter().find(|event| event.seq == own.oldest));
        let age = since.map_or(0, |event| (now - event.occurred_at).num_milliseconds());
        set(
            &listener.id,
            own.map_or(0, |own| own.events),
            age,
            listener.enabled,
        );
        seen.insert(listener.id.clone());
    }
    for gone in known.difference(&seen) {
        set(gone, 0, 0, false);
    }
    *known = seen;
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "lengths and milliseconds are far below 2^53"
)]
fn set(listener: &str, length: i64, age_ms: i64, enabled: bool) {
    let label = || listener.to_owned();
    metrics::gauge!("wicketgate_event_queue_length", "listener" => label()).set(length as f64);
    metrics::gauge!("wicketgate_event_oldest_seconds", "listener" => label())
        .set(age_ms as f64 / 1000.0);
    let enabled = if enabled { 1.0 } else { 0.0 };
    metrics::gauge!("wicketgate_event_listener_enabled", "listener" => label()).set(enabled);
}
