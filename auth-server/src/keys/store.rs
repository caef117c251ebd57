//! Rows of signing keys.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use migrations::Database;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    DbBackend, DbErr, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
};
use service::keys::Key;

use super::{
    KeysError,
    algorithm::SigningAlgorithm,
    pair::{NewPair, SigningKey},
    row,
    rules::{self, Last, Life},
};

/// The keys that are published at `now`, after making the next one when it is time, or when another
/// algorithm is wanted than the next one has.
pub async fn load_or_prepare(
    database: &Database,
    seal: &Key,
    algorithm: SigningAlgorithm,
    now: DateTime<Utc>,
) -> Result<Vec<Arc<SigningKey>>, KeysError> {
    let mut rows = list(database.read(), now).await?;
    if next_life(&rows, algorithm, now).is_some() {
        let pair = NewPair::generate(algorithm).await?;
        let txn = database.write().await?;
        lock(&txn).await?;
        // Another instance may have been faster.
        rows = list(&txn, now).await?;
        if let Some(life) = next_life(&rows, algorithm, now) {
            prepare(&txn, &rows, pair.into_row(life, seal, now), now).await?;
            rows = list(&txn, now).await?;
        }
        txn.commit().await?;
    }
    rows.iter()
        .map(|row| SigningKey::from_row(row, seal).map(Arc::new))
        .collect()
}

async fn list(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::ExpiresAt.gt(now))
        .order_by_asc(row::Column::ActiveFrom)
        .order_by_asc(row::Column::Kid)
        .all(db)
        .await
}

fn next_life(rows: &[row::Model], algorithm: SigningAlgorithm, now: DateTime<Utc>) -> Option<Life> {
    let last = standing(rows, algorithm.name(), now).last();
    let last = last.map(|row| Last {
        active_until: row.active_until,
        is_wanted: row.algorithm == algorithm.name(),
    });
    rules::next_key(last, now)
}

/// The keys that sign, did, or are to: not those of another algorithm whose time has not come.
fn standing<'r>(
    rows: &'r [row::Model],
    algorithm: &str,
    now: DateTime<Utc>,
) -> impl Iterator<Item = &'r row::Model> {
    rows.iter()
        .filter(move |row| row.active_from <= now || row.algorithm == algorithm)
}

async fn prepare(
    txn: &DatabaseTransaction,
    rows: &[row::Model],
    key: row::Model,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let last = standing(rows, &key.algorithm, now).last();
    // A key that signs on until the new one begins is published as long as its tokens live.
    if let Some(last) = last.filter(|last| last.active_until > now) {
        let life = Life::between(last.active_from, key.active_from);
        row::ActiveModel {
            kid: Set(last.kid.clone()),
            active_until: Set(life.active_until),
            expires_at: Set(life.expires_at),
            ..Default::default()
        }
        .update(txn)
        .await?;
    }
    let has_ended = row::Column::ExpiresAt.lte(now);
    let is_not_wanted = row::Column::ActiveFrom
        .gt(now)
        .and(row::Column::Algorithm.ne(key.algorithm.as_str()));
    row::Entity::delete_many()
        .filter(has_ended.or(is_not_wanted))
        .exec(txn)
        .await?;
    tracing::info!(
        key.id = %key.kid, key.algorithm, key.active_from = %key.active_from, "signing key made"
    );
    row::Entity::insert(key.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Two instances that start at once must not both make a key. SQLite has one writer anyway.
async fn lock(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared("lock table auth_keys in exclusive mode")
            .await?;
    }
    Ok(())
}
