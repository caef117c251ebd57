//! Rows that have served their time are removed in small batches, so that no request waits for it.

use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use migrations::Retention;
use tokio_util::sync::CancellationToken;

use crate::{AppState, audit, credentials, events, idempotency, usage, users};

const INTERVAL: Duration = Duration::from_mins(1);
/// How often per interval the queues of listeners are measured.
const MEASURED: u32 = 4;

/// Every minute.
const RULES: &[Retention] = &[
    Retention::new("verifications", "digest", "expires_at", TimeDelta::zero()),
    Retention::new("invitations", "id", "expires_at", TimeDelta::days(30)),
    Retention::new("pool_invitations", "id", "expires_at", TimeDelta::days(30)),
    Retention::new(
        "login_attempts",
        "id, brake",
        "begun_at",
        TimeDelta::minutes(15),
    ),
    Retention::new(
        "idempotency_keys",
        "principal, idempotency_key",
        "started_at",
        idempotency::LIFETIME,
    ),
    Retention::new("usage_batches", "id", "received_at", TimeDelta::days(1)),
    Retention::new(
        "config_drafts",
        "user_id",
        "changed_at",
        TimeDelta::days(30),
    ),
];

/// Every hour: tables without an index for it, in which little ends. The audit log tells of them as
/// long as it is kept.
const SLOW_RULES: &[Retention] = &[
    Retention::new("credentials", "id", "revoked_at", TimeDelta::days(365)),
    Retention::new("credentials", "id", "expires_at", TimeDelta::days(365)),
];

/// Cleans up until `shutdown`.
pub async fn run(state: AppState, shutdown: CancellationToken) {
    let mut minutes = 0_u32;
    let mut listeners = HashSet::new();
    loop {
        state.limits.clean_up();
        let is_hourly = minutes.is_multiple_of(60);
        let slow = if is_hourly { SLOW_RULES } else { &[] };
        for rule in RULES.iter().chain(slow) {
            if let Err(error) = rule.apply(&state.db, service::clock::now()).await {
                tracing::warn!(%error, "housekeeping failed; it goes on in a minute");
            }
        }
        let now = service::clock::now();
        if is_hourly && let Err(error) = audit::shorten(&state, now).await {
            tracing::warn!(%error, "the audit log is not shortened; it goes on in an hour");
        }
        if is_hourly
            && let Some(days) = state.unconfirmed_days
            && let Err(error) = users::unconfirmed::end(&state, days, now).await
        {
            tracing::warn!(%error, "accounts that were never confirmed stay; it goes on in an hour");
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
