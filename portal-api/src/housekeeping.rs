//! Rows that have served their time are removed in small batches, so that no request waits for it.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use tokio_util::sync::CancellationToken;

use crate::{AppState, audit, credentials, idempotency, usage};

const INTERVAL: Duration = Duration::from_mins(1);
/// Rows removed in one transaction; keeps each below 20 ms.
const BATCH: u64 = 500;
/// Acknowledged events are kept this long for replay (events-and-adapters B2), and other listeners
/// than our own components have this long to take one (`maxAgeHours`).
const EVENTS_DAYS: i64 = 7;
/// Deliveries that were given up are kept this much longer (events-and-adapters B6).
const DEAD_DAYS: i64 = 30;

/// What is removed or given up: a statement with `$1` = the time before which rows have served and
/// `$2` = the batch.
type Rule = (&'static str, TimeDelta);

/// Every minute.
const RULES: &[Rule] = &[
    (
        "delete from verifications where digest in \
         (select digest from verifications where expires_at < $1 limit $2)",
        TimeDelta::zero(),
    ),
    (
        "delete from invitations where id in \
         (select id from invitations where expires_at < $1 limit $2)",
        TimeDelta::days(30),
    ),
    (
        "delete from deliveries where (listener_id, event_seq) in \
         (select d.listener_id, d.event_seq from deliveries d join events e on e.seq = d.event_seq \
          where d.state = 'acked' and e.occurred_at < $1 limit $2)",
        TimeDelta::days(EVENTS_DAYS),
    ),
    (
        // Of those who take their time; our own components get everything, whenever they come back.
        "update deliveries set state = 'dead', last_error = 'not acknowledged in time' \
         where state = 'pending' and (listener_id, event_seq) in \
         (select d.listener_id, d.event_seq from deliveries d join events e on e.seq = d.event_seq \
          where d.state = 'pending' and e.occurred_at < $1 \
          and d.listener_id not in ('kong-adapter', 'mailer', 'chatbot') limit $2)",
        TimeDelta::days(EVENTS_DAYS),
    ),
    (
        "delete from deliveries where (listener_id, event_seq) in \
         (select d.listener_id, d.event_seq from deliveries d join events e on e.seq = d.event_seq \
          where d.state = 'dead' and e.occurred_at < $1 limit $2)",
        TimeDelta::days(EVENTS_DAYS + DEAD_DAYS),
    ),
    (
        "delete from events where seq in \
         (select e.seq from events e where e.occurred_at < $1 \
          and not exists (select 1 from deliveries d where d.event_seq = e.seq) \
          and e.seq <> coalesce((select seq from events \
            where entity in ('application', 'subscription') order by seq desc limit 1), 0) \
          order by e.seq limit $2)",
        TimeDelta::days(EVENTS_DAYS),
    ),
    (
        "delete from login_attempts where (id, brake) in \
         (select id, brake from login_attempts where begun_at < $1 limit $2)",
        TimeDelta::minutes(15),
    ),
    (
        "delete from idempotency_keys where (principal, idempotency_key) in \
         (select principal, idempotency_key from idempotency_keys \
          where started_at < $1 limit $2)",
        idempotency::LIFETIME,
    ),
    (
        "delete from usage_batches where id in \
         (select id from usage_batches where received_at < $1 limit $2)",
        TimeDelta::days(1),
    ),
    (
        "delete from config_drafts where user_id in \
         (select user_id from config_drafts where changed_at < $1 limit $2)",
        TimeDelta::days(30),
    ),
];

/// Every hour: tables without an index for it, in which little ends.
const SLOW_RULES: &[Rule] = &[(
    // The audit log tells of them as long as it is kept.
    "delete from credentials where id in \
         (select id from credentials where revoked_at < $1 or expires_at < $1 limit $2)",
    TimeDelta::days(365),
)];

/// Cleans up until `shutdown`.
pub async fn run(state: AppState, shutdown: CancellationToken) {
    let mut minutes = 0_u32;
    loop {
        state.limits.clean_up();
        let is_hourly = minutes.is_multiple_of(60);
        let slow = if is_hourly { SLOW_RULES } else { &[] };
        for &(statement, age) in RULES.iter().chain(slow) {
            if let Err(error) = apply(&state, statement, age).await {
                tracing::warn!(%error, "housekeeping failed; it goes on in a minute");
            }
        }
        let now = service::clock::now();
        if is_hourly && let Err(error) = audit::shorten(&state, now).await {
            tracing::warn!(%error, "the audit log is not shortened; it goes on in an hour");
        }
        minutes = minutes.wrapping_add(1);
        if let Err(error) = usage::rollup::run(&state, now).await {
            tracing::warn!(%error, "usage is not rolled up; it goes on in a minute");
        }
        if let Err(error) = credentials::expiry::tell(&state, now).await {
            tracing::warn!(%error, "nobody was told of ended credentials; it goes on in a minute");
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn apply(state: &AppState, sql: &str, age: TimeDelta) -> Result<(), DbErr> {
    loop {
        let before = service::clock::now() - age;
        let txn = state.db.write().await?;
        let values = [before.into(), BATCH.cast_signed().into()];
        let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
        let removed = txn.execute_raw(statement).await?.rows_affected();
        txn.commit().await?;
        if removed < BATCH {
            return Ok(());
        }
    }
}
