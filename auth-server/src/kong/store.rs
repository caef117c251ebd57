//! Rows of tokens that Kong keeps.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use crate::{
    families::{self, Family},
    secret::digest,
};

use super::{Kept, row};

/// Remembers tokens of a family; `ended`: nobody was given them, so they only have to be deleted.
pub async fn insert(
    txn: &DatabaseTransaction,
    family: &str,
    kept: &Kept,
    ended: Option<DateTime<Utc>>,
) -> Result<(), DbErr> {
    let row = row::Model {
        id: kept.id.to_string(),
        family: family.to_owned(),
        access_hash: digest(&kept.token.access_token),
        refresh_hash: kept.token.refresh_token.as_deref().map(digest),
        expires_at: kept.token.expires_at,
        ended_at: ended,
    };
    row::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// The authorization that an access token belongs to, if both live.
pub async fn find_by_access(
    db: &impl ConnectionTrait,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<Family>, DbErr> {
    let row = row::Entity::find()
        .filter(row::Column::AccessHash.eq(digest(token)))
        .filter(row::Column::EndedAt.is_null())
        .filter(row::Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let family = families::find(db, &row.family).await?;
    Ok(family.filter(|family| !family.revoked))
}

/// Whether an access token is in the table, living or not.
pub async fn is_known(db: &impl ConnectionTrait, token: &str) -> Result<bool, DbErr> {
    let found = row::Entity::find()
        .filter(row::Column::AccessHash.eq(digest(token)))
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Ends the tokens beside an access token. False: it is not in our table.
pub async fn end_token(
    txn: &DatabaseTransaction,
    token: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let hash = digest(token);
    let updated = row::Entity::update_many()
        .col_expr(row::Column::EndedAt, Expr::value(Some(now)))
        .filter(row::Column::AccessHash.eq(hash))
        .exec(txn)
        .await?;
    Ok(updated.rows_affected > 0)
}

/// Ends all tokens of these families.
pub async fn end_of_families(
    txn: &DatabaseTransaction,
    families: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    row::Entity::update_many()
        .col_expr(row::Column::EndedAt, Expr::value(Some(now)))
        .filter(row::Column::Family.is_in(families))
        .filter(row::Column::EndedAt.is_null())
        .exec(txn)
        .await?;
    Ok(())
}

/// Forgets the tokens that Kong replaced when this refresh token was used.
pub async fn forget_refreshed(txn: &DatabaseTransaction, refresh_token: &str) -> Result<(), DbErr> {
    row::Entity::delete_many()
        .filter(row::Column::RefreshHash.eq(digest(refresh_token)))
        .exec(txn)
        .await?;
    Ok(())
}

/// Some tokens that Kong has to delete, the oldest first.
pub async fn ended(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Uuid>, DbErr> {
    let ids: Vec<String> = row::Entity::find()
        .select_only()
        .column(row::Column::Id)
        .filter(row::Column::EndedAt.is_not_null())
        .order_by_asc(row::Column::EndedAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
}

pub async fn delete(txn: &DatabaseTransaction, ids: &[Uuid]) -> Result<(), DbErr> {
    row::Entity::delete_many()
        .filter(row::Column::Id.is_in(ids.iter().map(Uuid::to_string)))
        .exec(txn)
        .await?;
    Ok(())
}

/// Those of `ids` that are in the table.
pub async fn known(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<String>, DbErr> {
    row::Entity::find()
        .select_only()
        .column(row::Column::Id)
        .filter(row::Column::Id.is_in(ids.iter().map(Uuid::to_string)))
        .into_tuple()
        .all(db)
        .await
}
