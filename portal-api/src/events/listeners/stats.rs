//! How a listener has been doing (events-and-adapters B11).

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use sdk::types::listeners::{HourStats, Stats};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult};

use super::Readable;
use crate::{ApiError, AppState, events::queue, sql};

const HOUR: i64 = 3600;
const HOURS: i64 = 24;
/// Requests that the percentile is made of.
const SAMPLE: i64 = 2000;

/// Counts what was acknowledged and what failed.
pub async fn add(
    txn: &DatabaseTransaction,
    listener: &str,
    now: DateTime<Utc>,
    delivered: usize,
    failed: usize,
) -> Result<(), DbErr> {
    if delivered == 0 && failed == 0 {
        return Ok(());
    }
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let statement = "insert into listener_hours (listener_id, hour, delivered, failed) \
         values ($1, $2, $3, $4) on conflict (listener_id, hour) do update set \
         delivered = listener_hours.delivered + excluded.delivered, \
         failed = listener_hours.failed + excluded.failed";
    let values = [
        listener.into(),
        (now.timestamp() / HOUR).into(),
        number(delivered).into(),
        number(failed).into(),
    ];
    sql::run(txn, statement, values).await?;
    Ok(())
}

/// Removes the hours that nobody is shown any more.
pub async fn forget_old(state: &AppState) -> Result<(), DbErr> {
    let statement = "delete from listener_hours where (listener_id, hour) in \
         (select listener_id, hour from listener_hours where hour < $1 limit $2)";
    let first = service::clock::now().timestamp() / HOUR - 2 * HOURS;
    state.db.in_chunks(statement, &[first.into()]).await?;
    Ok(())
}

/// `GET …/{listener}/stats`
pub async fn show(
    State(state): State<AppState>,
    Readable(listener): Readable,
) -> Result<Json<Stats>, ApiError> {
    let db = state.db.read();
    let now = service::clock::now();
    let first = now.timestamp() / HOUR - HOURS + 1;
    let hours = hours(db, &listener.id, first).await?;
    let total = |part: fn(&HourStats) -> u64| hours.iter().map(part).sum();
    Ok(Json(Stats {
        waiting: queue::waiting(db, &listener.id).await?,
        dead: queue::dead::count(db, &listener.id).await?,
        delivered_24h: total(|hour| hour.delivered),
        failed_24h: total(|hour| hour.failed),
        p95_ms: p95(db, &listener.id, now - TimeDelta::hours(HOURS)).await?,
        hours,
    }))
}

#[derive(FromQueryResult)]
struct Row {
    hour: i64,
    delivered: i64,
    failed: i64,
}

/// Every hour from `first` on, also those without any request.
async fn hours(
    db: &impl ConnectionTrait,
    listener: &str,
    first: i64,
) -> Result<Vec<HourStats>, DbErr> {
    let statement = "select hour, delivered, failed from listener_hours \
         where listener_id = $1 and hour >= $2";
    let values = [listener.into(), first.into()];
    let rows = Row::find_by_statement(sql::statement(db, statement, values))
        .all(db)
        .await?;
    let hours = (first..first + HOURS).filter_map(|hour| {
        let row = rows.iter().find(|row| row.hour == hour);
        Some(HourStats {
            hour: DateTime::from_timestamp(hour * HOUR, 0)?.into(),
            delivered: row.map_or(0, |row| row.delivered.unsigned_abs()),
            failed: row.map_or(0, |row| row.failed.unsigned_abs()),
        })
    });
    Ok(hours.collect())
}

async fn p95(
    db: &impl ConnectionTrait,
    listener: &str,
    since: DateTime<Utc>,
) -> Result<Option<u64>, DbErr> {
    let statement = "select duration_ms from (select id, duration_ms, started_at \
         from delivery_attempts where listener_id = $1 order by id desc limit $2) newest \
         where started_at >= $3 order by duration_ms";
    let values = [listener.into(), SAMPLE.into(), since.into()];
    let rows = db
        .query_all_raw(sql::statement(db, statement, values))
        .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let place = (rows.len() * 95).div_ceil(100).saturating_sub(1);
    let duration: i32 = rows[place].try_get("", "duration_ms")?;
    Ok(u64::try_from(duration).ok())
}
