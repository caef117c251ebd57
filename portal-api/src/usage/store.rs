//! Rows of usage, in and out.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExprTrait,
    IntoActiveModel, entity::prelude::*, sea_query::OnConflict,
};

use super::{
    histogram,
    row::{batch, minute},
};
use crate::{credentials, subscriptions};

/// Rows per statement; databases limit the number of parameters.
const CHUNK: usize = 500;

/// Lets one batch at a time in: its rows are read, added up and written.
pub async fn lock_intake(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared("select pg_advisory_xact_lock(7776002)")
            .await?;
    }
    Ok(())
}

/// Remembers a batch, until housekeeping forgets it; `false` if it was counted already.
pub async fn insert_batch(
    txn: &DatabaseTransaction,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let row = batch::ActiveModel {
        id: Set(id.to_owned()),
        received_at: Set(now),
    };
    let once = OnConflict::column(batch::Column::Id)
        .do_nothing()
        .to_owned();
    let inserted = batch::Entity::insert(row)
        .on_conflict(once)
        .exec_without_returning(txn)
        .await;
    match inserted {
        Ok(rows) => Ok(rows > 0),
        Err(DbErr::RecordNotInserted) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Those of `ids` that are subscriptions, by id.
pub async fn existing(
    txn: &DatabaseTransaction,
    ids: HashSet<String>,
) -> Result<HashMap<String, subscriptions::row::Model>, DbErr> {
    let ids: Vec<String> = ids.into_iter().collect();
    let mut known = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let found = subscriptions::row::Entity::find()
            .filter(subscriptions::row::Column::Id.is_in(chunk))
            .all(txn)
            .await?;
        known.extend(found.into_iter().map(|row| (row.id.clone(), row)));
    }
    Ok(known)
}

/// One row per key, in the order of the key: two batches at once touch rows in the same order.
pub fn merge(rows: impl Iterator<Item = minute::Model>) -> Vec<minute::Model> {
    let mut merged = BTreeMap::new();
    for row in rows {
        merged
            .entry(key(&row))
            .and_modify(|sum| add_numbers(sum, &row))
            .or_insert(row);
    }
    merged.into_values().collect()
}

fn key(row: &minute::Model) -> (String, i64, String, String, String) {
    (
        row.subscription_id.clone(),
        row.minute,
        row.credential_id.clone(),
        row.operation.clone(),
        row.status.clone(),
    )
}

fn add_numbers(sum: &mut minute::Model, more: &minute::Model) {
    sum.calls = sum.calls.saturating_add(more.calls);
    sum.errors = sum.errors.saturating_add(more.errors);
    sum.request_bytes = sum.request_bytes.saturating_add(more.request_bytes);
    sum.response_bytes = sum.response_bytes.saturating_add(more.response_bytes);
    histogram::add(&mut sum.histogram.0, &more.histogram.0);
}

/// Removes these very rows.
pub async fn delete(txn: &DatabaseTransaction, rows: &[minute::Model]) -> Result<(), DbErr> {
    for row in rows {
        minute::Entity::delete_by_id(key(row)).exec(txn).await?;
    }
    Ok(())
}

/// Adds `rows` to what is stored.
pub async fn add(txn: &DatabaseTransaction, rows: Vec<minute::Model>) -> Result<(), DbErr> {
    let mut new = Vec::new();
    for row in rows {
        match minute::Entity::find_by_id(key(&row)).one(txn).await? {
            Some(mut stored) => {
                add_numbers(&mut stored, &row);
                stored.into_active_model().reset_all().update(txn).await?;
            }
            None => new.push(row.into_active_model()),
        }
    }
    for chunk in new.chunks(CHUNK) {
        minute::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(txn)
            .await?;
    }
    Ok(())
}

/// Writes when credentials were used last; never an earlier moment than the stored one.
pub async fn touch(
    txn: &DatabaseTransaction,
    used: HashMap<String, DateTime<Utc>>,
) -> Result<(), DbErr> {
    use credentials::row::{Column, Entity};
    for (id, at) in used {
        Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::value(at))
            .filter(Column::Id.eq(id))
            .filter(Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(at)))
            .exec(txn)
            .await?;
    }
    Ok(())
}

/// Calls `each` with the stored rows of `subscriptions` between two moments. One row at a time is
/// in memory.
pub async fn for_each(
    db: &migrations::Reader,
    subscriptions: &[String],
    from: i64,
    to: i64,
    mut each: impl FnMut(minute::Model),
) -> Result<(), DbErr> {
    let select = minute::Entity::find()
        .filter(minute::Column::SubscriptionId.is_in(subscriptions))
        .filter(minute::Column::Minute.gte(from))
        .filter(minute::Column::Minute.lt(to));
    let mut rows = select.stream(db.connection()).await?;
    while let Some(row) = rows.try_next().await? {
        each(row);
    }
    Ok(())
}
