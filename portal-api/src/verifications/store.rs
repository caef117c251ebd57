//! Rows of `verifications`, in and out. Expired ones do not exist, whether or not they have been
//! removed yet.

use chrono::{DateTime, Utc};
use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    entity::prelude::*,
};

use super::{row, secret};

/// Most rows of one answer.
const MAX: u64 = 10_000;

pub async fn insert(txn: &DatabaseTransaction, new: row::Model) -> Result<(), DbErr> {
    row::Entity::insert(new.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

pub async fn list(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<row::Model>, DbErr> {
    living(now)
        .order_by_asc(row::Column::CreatedAt)
        .limit(MAX)
        .all(db)
        .await
}

/// The verification with this id.
pub async fn find(
    db: &impl ConnectionTrait,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<row::Model>, DbErr> {
    living(now)
        .filter(row::Column::Digest.eq(secret::digest(id)))
        .one(db)
        .await
}

/// As [`find`]; takes a fingerprint as well.
pub async fn find_by_any_name(
    db: &impl ConnectionTrait,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<row::Model>, DbErr> {
    match secret::digest_prefix(id) {
        Some(prefix) => {
            living(now)
                .filter(row::Column::Digest.starts_with(prefix))
                .one(db)
                .await
        }
        None => find(db, id, now).await,
    }
}

/// Whether there was something to delete; of two at the same time only one is told so.
pub async fn delete(txn: &DatabaseTransaction, digest: &str) -> Result<bool, DbErr> {
    Ok(row::Entity::delete_by_id(digest)
        .exec(txn)
        .await?
        .rows_affected
        > 0)
}

fn living(now: DateTime<Utc>) -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::ExpiresAt.gt(now))
}
