//! Rows of `verifications`, in and out. Expired ones do not exist, whether or not they have been
//! removed yet.

use chrono::{DateTime, Utc};
use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, Order, QueryFilter, entity::prelude::*,
    sea_query::Expr,
};

use super::{row, secret};
use crate::{
    ApiError, events,
    paging::{self, Fields, ListQuery, Listed, Sort},
};

pub async fn insert(txn: &DatabaseTransaction, new: row::Model) -> Result<(), DbErr> {
    row::Entity::insert(new.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Those that have not expired, the oldest first.
pub async fn list(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    query: &ListQuery,
) -> Result<Listed<row::Model>, ApiError> {
    let column = |column: row::Column| Expr::col(column);
    let fields = Fields::new()
        .with("type", column(row::Column::Kind))
        .with("email", column(row::Column::Email))
        .with("userId", column(row::Column::UserId))
        .with_time("utc", column(row::Column::CreatedAt));
    let oldest_first = Sort::by_time(column(row::Column::CreatedAt), Order::Asc);
    // In the contract the list has neither pages nor a filter.
    let (query, id) = (query.whole(), column(row::Column::Digest));
    paging::page(db, living(now), &query, &fields, oldest_first, id).await
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

/// Whether there was something to delete; of two at the same time only one is told so. Its id is
/// erased from the events that carry it.
pub async fn delete(txn: &DatabaseTransaction, digest: &str) -> Result<bool, DbErr> {
    events::queue::erase_opened(txn, digest).await?;
    Ok(row::Entity::delete_by_id(digest)
        .exec(txn)
        .await?
        .rows_affected
        > 0)
}

fn living(now: DateTime<Utc>) -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::ExpiresAt.gt(now))
}
