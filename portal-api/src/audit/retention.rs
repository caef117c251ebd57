//! Shortening the log: by hand (portal-api 22.3), and by `globals.auditlog.logdays`.
//!
//! That it was shortened is itself on record, with the hash of the last record that went: the chain
//! of what is left begins there.

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::FromQueryResult;
use serde_json::json;

use super::{Actor, Entry, chain, list, record};
use crate::{ApiError, AppState, caller::Caller, sql};

/// `DELETE /auditlog/{date}`: the number of records that went.
#[tracing::instrument(skip_all)]
pub async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(date): Path<String>,
) -> Result<Json<u64>, ApiError> {
    caller.require_scope("write_auditlog")?;
    caller.require_admin()?;
    let before = list::moment("date", &date)?;
    delete_before(&state, caller.actor(), before)
        .await
        .map(Json)
}

/// Deletes what is older than the configuration wants it kept.
pub async fn shorten(state: &AppState, now: DateTime<Utc>) -> Result<(), ApiError> {
    let days = state.configuration().globals.auditlog_days;
    let days = TimeDelta::try_days(days.clamp(1, 36_500).cast_signed()).unwrap_or(TimeDelta::MAX);
    let deleted = delete_before(state, Actor::system(), now - days).await?;
    if deleted > 0 {
        tracing::info!(deleted, "old records of the audit log removed");
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Doomed {
    records: i64,
    last_seq: Option<i64>,
}

#[derive(FromQueryResult)]
struct Hash {
    hash: Option<String>,
}

async fn delete_before(
    state: &AppState,
    actor: Actor,
    before: DateTime<Utc>,
) -> Result<u64, ApiError> {
    let sql =
        "select count(*) as records, max(seq) as last_seq from audit_log where occurred_at < $1";
    let txn = state.db.write().await?;
    let statement = sql::statement(&txn, sql, [before.into()]);
    // Nobody else shortens or writes meanwhile, so the numbers are right.
    chain::serialize(&txn).await?;
    let doomed = Doomed::find_by_statement(statement).one(&txn).await?;
    let Some(Doomed {
        records,
        last_seq: Some(last),
    }) = doomed
    else {
        return Ok(0);
    };
    let statement = sql::statement(
        &txn,
        "select hash from audit_log where seq = $1",
        [last.into()],
    );
    let hash = Hash::find_by_statement(statement).one(&txn).await?;
    let data = json!({
        "before": before, "records": records, "lastHash": hash.and_then(|found| found.hash),
    });
    record(
        &txn,
        state,
        Entry::new(actor, "auditlog", "delete").with_data(data),
    )
    .await?;
    state.commit(txn).await?;
    // The record of this very deletion stays, whatever `before` is.
    let statement = "delete from audit_log where seq in (select seq from audit_log \
         where occurred_at < $1 and seq <= $2 order by seq limit $3)";
    Ok(state
        .db
        .in_chunks(statement, &[before.into(), last.into()])
        .await?)
}
