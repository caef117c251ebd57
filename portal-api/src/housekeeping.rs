//! Rows that have served their time are removed in small batches, so that no request waits for it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use tokio_util::sync::CancellationToken;

use crate::{AppState, audit, credentials, idempotency, usage};

const INTERVAL: Duration = Duration::from_mins(1);
/// Rows removed in one transaction; keeps each below 20 ms.
const BATCH: u64 = 500;
/// Acknowledged events are kept this long for replay (events-and-adapters B2).
const EVENTS_DAYS: i64 = 7;

/// What is removed: a statement with `$1` = the time before which rows go and `$2` = the batch.
const RULES: &[(&str, chrono::TimeDelta)] = &[
    (
        "delete from verifications where digest in \
         (select digest from verifications where expires_at < $1 limit $2)",
        chrono::TimeDelta::zero(),
    ),
    (
        "delete from invitations where id in \
         (select id from invitations where expires_at < $1 limit $2)",
        chrono::TimeDelta::days(30),
    ),
    (
        "delete from deliveries where (listener_id, event_seq) in \
         (select d.listener_id, d.event_seq from deliveries d join events e on e.seq = d.event_seq \
          where d.state = 'acked' and e.occurred_at < $1 limit $2)",
        chrono::TimeDelta::days(EVENTS_DAYS),
    ),
    (
        "delete from events where seq in \
         (select e.seq from events e where e.occurred_at < $1 \
          and not exists (select 1 from deliveries d where d.event_seq = e.seq) \
          and e.seq <> coalesce((select seq from events \
            where entity in ('application', 'subscription') order by seq desc limit 1), 0) \
          order by e.seq limit $2)",
        chrono::TimeDelta::days(EVENTS_DAYS),
    ),
    (
        "delete from login_attempts where (id, brake) in \
         (select id, brake from login_attempts where begun_at < $1 limit $2)",
        chrono::TimeDelta::minutes(15),
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
        chrono::TimeDelta::days(1),
    ),
    (
        "delete from config_drafts where user_id in \
         (select user_id from config_drafts where changed_at < $1 limit $2)",
        chrono::TimeDelta::days(30),
    ),
];

/// Cleans up until `shutdown`.
pub async fn run(state: AppState, shutdown: CancellationToken) {
    let mut minutes = 0_u32;
    loop {
        state.limits.clean_up();
        for &(statement, age) in RULES {
            if let Err(error) = apply(&state, statement, age).await {
                tracing::warn!(%error, "housekeeping failed; it goes on in a minute");
            }
        }
        let now = service::clock::now();
        if minutes.is_multiple_of(60)
            && let Err(error) = audit::shorten(&state, now).await
        {
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

async fn apply(state: &AppState, sql: &str, age: chrono::TimeDelta) -> Result<(), DbErr> {
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
