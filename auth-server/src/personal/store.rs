//! Rows of personal access tokens.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    families::{self, RevokeReason},
    scopes, secret,
};

use super::{
    PersonalToken, generate,
    row::{Column, Entity, Model},
};

/// A busy token is written at most this often.
const MARK_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Makes a token; answers it with its text, of which only the digest is kept.
pub async fn insert(
    txn: &DatabaseTransaction,
    user_id: &str,
    name: &str,
    scope: &[String],
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(PersonalToken, String), DbErr> {
    let token = generate();
    let row = Model {
        id: Uuid::now_v7().to_string(),
        user_id: user_id.to_owned(),
        name: name.to_owned(),
        token_hash: secret::digest(&token),
        last4: token[token.len() - 4..].to_owned(),
        scope: scopes::join(scope),
        created_at: now,
        expires_at,
        last_used_at: None,
    };
    Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok((row.into(), token))
}

/// The living tokens of a user, the newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: &str,
    now: DateTime<Utc>,
) -> Result<Vec<PersonalToken>, DbErr> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::ExpiresAt.gt(now))
        .order_by_desc(Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(PersonalToken::from).collect())
}

/// The living token with this text.
pub async fn find(
    db: &impl ConnectionTrait,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<PersonalToken>, DbErr> {
    let row = Entity::find()
        .filter(Column::TokenHash.eq(secret::digest(token)))
        .filter(Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    Ok(row.map(PersonalToken::from))
}

/// Remembers that a token was used.
pub async fn mark_used(
    txn: &DatabaseTransaction,
    token: &PersonalToken,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if token.last_used_at.is_some_and(|at| at > now - MARK_EVERY) {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(Some(now)))
        .filter(Column::Id.eq(&token.id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Ends one token of a user, and what it was exchanged for. False: he has no such token.
pub async fn delete(
    txn: &DatabaseTransaction,
    user_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let deleted = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::UserId.eq(user_id))
        .exec(txn)
        .await?;
    if deleted.rows_affected == 0 {
        return Ok(false);
    }
    families::revoke_of_personal(txn, id, RevokeReason::Revoked, now).await?;
    Ok(true)
}

/// Ends all tokens of a user who is gone.
pub async fn delete_of(txn: &DatabaseTransaction, user_id: &str) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user_id))
        .exec(txn)
        .await?;
    Ok(())
}
