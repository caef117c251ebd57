//! Rows of usage, in and out.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::TryStreamExt;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, IntoActiveModel,
    Iterable, entity::prelude::*, sea_query::OnConflict,
};

use super::{
    histogram,
    row::{batch, minute},
};
use crate::{sql, subscriptions};

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
    let statement = format!("delete from usage_minutes where {}", is_one_of(txn));
    sql::run(txn, &statement, [keys(rows)]).await?;
    Ok(())
}

/// Adds `rows`, one per key, to what is stored.
pub async fn add(txn: &DatabaseTransaction, rows: Vec<minute::Model>) -> Result<(), DbErr> {
    let select = format!("select * from usage_minutes where {}", is_one_of(txn));
    for chunk in rows.chunks(CHUNK) {
        let stored = minute::Entity::find()
            .from_raw_sql(sql::statement(txn, &select, [keys(chunk)]))
            .all(txn)
            .await?;
        let sums = merge(stored.into_iter().chain(chunk.iter().cloned()));
        minute::Entity::insert_many(sums.into_iter().map(IntoActiveModel::into_active_model))
            .on_conflict(replaced())
            .exec_without_returning(txn)
            .await?;
    }
    Ok(())
}

fn replaced() -> OnConflict {
    use minute::Column;
    OnConflict::columns(minute::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column))
        .update_columns([
            Column::Calls,
            Column::Errors,
            Column::RequestBytes,
            Column::ResponseBytes,
            Column::Histogram,
        ])
        .to_owned()
}

/// Whether the key of a row of `usage_minutes` is one of [`keys`], parameter 1.
fn is_one_of(db: &impl ConnectionTrait) -> String {
    let keys = match db.get_database_backend() {
        DbBackend::Postgres => {
            "select k->>0, (k->>1)::bigint, k->>2, k->>3, k->>4 from jsonb_array_elements($1::jsonb) k"
        }
        _ => "select value->>0, value->>1, value->>2, value->>3, value->>4 from json_each($1)",
    };
    format!("(subscription_id, minute, credential_id, operation, status) in ({keys})")
}

fn keys(rows: &[minute::Model]) -> Value {
    let keys: Vec<_> = rows.iter().map(key).collect();
    sql::json(&keys)
}

/// Writes when credentials were used last; never an earlier moment than the stored one.
pub async fn touch(
    txn: &DatabaseTransaction,
    used: HashMap<String, DateTime<Utc>>,
) -> Result<(), DbErr> {
    let used: Vec<_> = used
        .into_iter()
        // As SQLite has moments.
        .map(|(id, at)| (id, at.to_rfc3339_opts(SecondsFormat::AutoSi, false)))
        .collect();
    let pairs = match txn.get_database_backend() {
        DbBackend::Postgres => {
            "select k->>0 as id, (k->>1)::timestamptz as at from jsonb_array_elements($1::jsonb) k"
        }
        _ => "select value->>0 as id, value->>1 as at from json_each($1)",
    };
    let update = format!(
        "update credentials set last_used_at = used.at from ({pairs}) used \
         where credentials.id = used.id \
         and (last_used_at is null or last_used_at < used.at)"
    );
    sql::run(txn, &update, [sql::json(&used)]).await?;
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
