//! Rows of passkeys.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};
use service::crypto;

use super::row::passkey as row;

/// A passkey of an account.
#[derive(Clone, Debug)]
pub struct Passkey {
    pub id: String,
    pub credential_id: String,
    pub user_id: String,
    pub name: String,
    /// COSE.
    pub public_key: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// One that is about to be stored.
pub struct NewPasskey<'a> {
    pub user_id: &'a str,
    pub name: &'a str,
    pub credential_id: &'a [u8],
    pub public_key: &'a [u8],
    pub sign_count: u32,
}

impl From<row::Model> for Passkey {
    fn from(row: row::Model) -> Self {
        Self {
            id: row.id_hash,
            credential_id: row.credential_id,
            user_id: row.user_id,
            name: row.name,
            public_key: URL_SAFE_NO_PAD.decode(row.public_key).unwrap_or_default(),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

fn name_of(credential_id: &[u8]) -> String {
    hex::encode(crypto::sha256(credential_id))
}

/// False: there is one with this id already.
pub async fn insert(
    txn: &DatabaseTransaction,
    new: &NewPasskey<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let row = row::ActiveModel {
        id_hash: Set(name_of(new.credential_id)),
        credential_id: Set(URL_SAFE_NO_PAD.encode(new.credential_id)),
        user_id: Set(new.user_id.to_owned()),
        name: Set(new.name.to_owned()),
        public_key: Set(URL_SAFE_NO_PAD.encode(new.public_key)),
        sign_count: Set(i64::from(new.sign_count)),
        created_at: Set(now),
        last_used_at: Set(None),
    };
    let conflict = OnConflict::column(row::Column::IdHash)
        .do_nothing()
        .to_owned();
    let inserted = row::Entity::insert(row)
        .on_conflict(conflict)
        .exec_without_returning(txn)
        .await?;
    Ok(inserted == 1)
}

pub async fn find(
    db: &impl ConnectionTrait,
    credential_id: &[u8],
) -> Result<Option<Passkey>, DbErr> {
    let row = row::Entity::find_by_id(name_of(credential_id))
        .one(db)
        .await?;
    Ok(row.map(Passkey::from))
}

/// Those of a user, the oldest first.
pub async fn list(db: &impl ConnectionTrait, user_id: &str) -> Result<Vec<Passkey>, DbErr> {
    let rows = row::Entity::find()
        .filter(row::Column::UserId.eq(user_id))
        .order_by_asc(row::Column::CreatedAt)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(Passkey::from).collect())
}

pub async fn count(db: &impl ConnectionTrait, user_id: &str) -> Result<u64, DbErr> {
    row::Entity::find()
        .filter(row::Column::UserId.eq(user_id))
        .count(db)
        .await
}

/// Remembers the counter of an authenticator. False: it has not risen since, so there are two with
/// the same key.
pub async fn mark_used(
    txn: &DatabaseTransaction,
    id: &str,
    sign_count: u32,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let count = i64::from(sign_count);
    let mut update = row::Entity::update_many()
        .col_expr(row::Column::SignCount, Expr::value(count))
        .col_expr(row::Column::LastUsedAt, Expr::value(now))
        .filter(row::Column::IdHash.eq(id));
    // Those of today mostly do not count at all.
    update = if count == 0 {
        update.filter(row::Column::SignCount.eq(0))
    } else {
        update.filter(row::Column::SignCount.lt(count))
    };
    Ok(update.exec(txn).await?.rows_affected == 1)
}

/// Removes a passkey of this user. False: he has none with this id.
pub async fn delete(txn: &DatabaseTransaction, user_id: &str, id: &str) -> Result<bool, DbErr> {
    let deleted = row::Entity::delete_many()
        .filter(row::Column::UserId.eq(user_id))
        .filter(row::Column::IdHash.eq(id))
        .exec(txn)
        .await?;
    Ok(deleted.rows_affected == 1)
}

pub async fn delete_of(txn: &DatabaseTransaction, user_id: &str) -> Result<(), DbErr> {
    row::Entity::delete_many()
        .filter(row::Column::UserId.eq(user_id))
        .exec(txn)
        .await?;
    Ok(())
}
