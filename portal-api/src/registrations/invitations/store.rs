//! Rows of `pool_invitations`, in and out. Expired ones do not exist, whether or not they have been
//! removed yet.

use chrono::{DateTime, Utc};
use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    entity::prelude::*,
};

use super::row;
use crate::events::queue;

fn living(now: DateTime<Utc>) -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::ExpiresAt.gt(now))
}

/// The open invitations into a pool, the oldest first.
pub async fn list(
    db: &impl ConnectionTrait,
    pool: &str,
    now: DateTime<Utc>,
) -> Result<Vec<row::Model>, DbErr> {
    living(now)
        .filter(row::Column::PoolId.eq(pool))
        .order_by_asc(row::Column::CreatedAt)
        .order_by_asc(row::Column::Id)
        .all(db)
        .await
}

pub async fn count(
    db: &impl ConnectionTrait,
    pool: &str,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    living(now)
        .filter(row::Column::PoolId.eq(pool))
        .count(db)
        .await
}

/// One into this very pool, expired ones too: they can be sent again.
pub async fn find(
    db: &impl ConnectionTrait,
    pool: &str,
    id: &str,
) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find_by_id(id)
        .filter(row::Column::PoolId.eq(pool))
        .one(db)
        .await
}

pub async fn find_by_digest(
    db: &impl ConnectionTrait,
    digest: &str,
    now: DateTime<Utc>,
) -> Result<Option<row::Model>, DbErr> {
    living(now)
        .filter(row::Column::Digest.eq(digest))
        .one(db)
        .await
}

/// Makes room for a new invitation of somebody whose old one has expired.
pub async fn delete_expired(
    txn: &DatabaseTransaction,
    new: &row::Model,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    row::Entity::delete_many()
        .filter(row::Column::PoolId.eq(&new.pool_id))
        .filter(row::Column::Namespace.eq(&new.namespace))
        .filter(row::Column::Email.eq(&new.email))
        .filter(row::Column::ExpiresAt.lte(now))
        .exec(txn)
        .await?;
    Ok(())
}

pub async fn insert(txn: &DatabaseTransaction, new: row::Model) -> Result<(), DbErr> {
    row::Entity::insert(new.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

pub async fn update(txn: &DatabaseTransaction, changed: row::Model) -> Result<(), DbErr> {
    changed.into_active_model().reset_all().update(txn).await?;
    Ok(())
}

/// Whether there was something to delete; of two at the same time only one is told so.
pub async fn delete(txn: &DatabaseTransaction, invitation: &row::Model) -> Result<bool, DbErr> {
    // The events that carry the token are of no further use, either.
    queue::erase_opened(txn, &invitation.digest).await?;
    let deleted = row::Entity::delete_by_id(&invitation.id).exec(txn).await?;
    Ok(deleted.rows_affected > 0)
}

/// Withdraws all into a namespace that is deleted.
pub async fn delete_namespace(
    txn: &DatabaseTransaction,
    pool: &str,
    namespace: &str,
) -> Result<(), DbErr> {
    let of_namespace = row::Entity::find()
        .filter(row::Column::PoolId.eq(pool))
        .filter(row::Column::Namespace.eq(namespace))
        .all(txn)
        .await?;
    for invitation in &of_namespace {
        delete(txn, invitation).await?;
    }
    Ok(())
}
