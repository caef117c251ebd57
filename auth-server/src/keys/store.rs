//! Rows of signing keys.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use migrations::Database;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    DbBackend, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};
use service::keys::Key;

use super::{
    KeysError,
    pair::{self, SigningKey},
    row,
    rules::{self, Life},
};

/// The keys that are published at `now`, after making the next one when it is time.
pub async fn load_or_prepare(
    database: &Database,
    seal: &Key,
    now: DateTime<Utc>,
) -> Result<Vec<Arc<SigningKey>>, KeysError> {
    let mut rows = list(database.read(), now).await?;
    if next_life(&rows, now).is_some() {
        let txn = database.write().await?;
        lock(&txn).await?;
        // Another instance may have been faster.
        rows = list(&txn, now).await?;
        if let Some(life) = next_life(&rows, now) {
            prepare(&txn, &rows, life, seal, now).await?;
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

fn next_life(rows: &[row::Model], now: DateTime<Utc>) -> Option<Life> {
    rules::next_key(rows.last().map(|row| row.active_until), now)
}

async fn prepare(
    txn: &DatabaseTransaction,
    rows: &[row::Model],
    life: Life,
    seal: &Key,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    // A key that signs on until the new one begins is also published longer.
    if let Some(last) = rows.last().filter(|last| last.active_until > now) {
        let longer = Life::between(last.active_from, life.active_from);
        row::ActiveModel {
            kid: Set(last.kid.clone()),
            active_until: Set(longer.active_until),
            expires_at: Set(longer.expires_at),
            ..Default::default()
        }
        .update(txn)
        .await?;
    }
    let key = pair::generate(life, seal, now);
    tracing::info!(key.id = %key.kid, key.active_from = %key.active_from, "signing key made");
    row::Entity::insert(key.into_active_model())
        .exec_without_returning(txn)
        .await?;
    row::Entity::delete_many()
        .filter(row::Column::ExpiresAt.lte(now))
        .exec(txn)
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
