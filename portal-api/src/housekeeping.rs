//! Rows that have served their time are removed in small batches, so that no request waits for it.

use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{AppState, audit, credentials, events, idempotency, usage};

const INTERVAL: Duration = Duration::from_mins(1);
/// How often per interval the queues of listeners are measured.
const MEASURED: u32 = 4;
/// What is removed: a statement with `$1` = the time before which rows have served and
/// `$2` = the most rows at a time.
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
        "delete from pool_invitations where id in \
         (select id from pool_invitations where expires_at < $1 limit $2)",
        TimeDelta::days(30),
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
    let mut listeners = HashSet::new();
    loop {
        state.limits.clean_up();
        let is_hourly = minutes.is_multiple_of(60);
        let slow = if is_hourly { SLOW_RULES } else { &[] };
        for &(statement, age) in RULES.iter().chain(slow) {
            let before = service::clock::now() - age;
            if let Err(error) = state.db.in_chunks(statement, &[before.into()]).await {
                tracing::warn!(%error, "housekeeping failed; it goes on in a minute");
            }
        }
        let now = service::clock::now();
        if is_hourly && let Err(error) = audit::shorten(&state, now).await {
            tracing::warn!(%error, "the audit log is not shortened; it goes on in an hour");
        }
        minutes = minutes.wrapping_add(1);
        if let Err(error) = events::upkeep(&state).await {
            tracing::warn!(%error, "the queues of listeners are not looked after; it goes on in a minute");
        }
        if let Err(error) = usage::rollup::run(&state, now).await {
            tracing::warn!(%error, "usage is not rolled up; it goes on in a minute");
        }
        if let Err(error) = credentials::expiry::tell(&state, now).await {
            tracing::warn!(%error, "nobody was told of ended credentials; it goes on in a minute");
        }
        for _ in 0..MEASURED {
            if let Err(error) = events::measure(&state, &mut listeners).await {
                tracing::debug!(%error, "the queues of listeners are not measured");
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL / MEASURED) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }
}
