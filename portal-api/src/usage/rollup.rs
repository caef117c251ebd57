//! Minutes become hours after a day, hours become days after three months (portal-api 29.3). The
//! wide rows stay in the same table, at the beginning of their hour or day, so reading needs not
//! know how old something is.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{DbErr, QueryOrder, QuerySelect, entity::prelude::*};

use super::{query::Step, row::minute, store};
use crate::AppState;

/// Rows per transaction; keeps each below 20 ms.
const BATCH: u64 = 200;

/// Adds up what is old enough, in small transactions.
pub async fn run(state: &AppState, now: DateTime<Utc>) -> Result<(), DbErr> {
    roll_up(state, Step::Hour, now - TimeDelta::hours(25)).await?;
    roll_up(state, Step::Day, now - TimeDelta::days(91)).await
}

/// Adds rows before `until` up to `step`.
async fn roll_up(state: &AppState, step: Step, until: DateTime<Utc>) -> Result<(), DbErr> {
    // Only whole hours or days, so that none is half in minutes.
    let until = until.timestamp() - until.timestamp().rem_euclid(step.seconds());
    // Spelled like the partial index that finds these rows.
    let is_narrow = match step {
        Step::Day => "minute % 86400 <> 0",
        Step::Hour | Step::Minute => "minute % 3600 <> 0",
    };
    loop {
        let txn = state.db.write().await?;
        store::lock_intake(&txn).await?;
        let rows = minute::Entity::find()
            .filter(minute::Column::Minute.lt(until))
            .filter(Expr::cust(is_narrow))
            .order_by_asc(minute::Column::Minute)
            .limit(BATCH)
            .all(&txn)
            .await?;
        let is_last = (rows.len() as u64) < BATCH;
        if !rows.is_empty() {
            store::delete(&txn, &rows).await?;
            store::add(
                &txn,
                store::merge(rows.into_iter().map(|row| widened(row, step))),
            )
            .await?;
            txn.commit().await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

fn widened(row: minute::Model, step: Step) -> minute::Model {
    minute::Model {
        minute: row.minute - row.minute.rem_euclid(step.seconds()),
        ..row
    }
}
