//! Rows of codes.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, sea_query::Expr,
};

use crate::secret::{self, Secret};

use super::{Code, LIFETIME, row};

/// What a code is bound to.
pub struct NewCode<'a> {
    pub family: &'a str,
    pub redirect_uri: &'a str,
    pub challenge: Option<&'a str>,
    pub nonce: Option<&'a str>,
    pub resource: Option<&'a str>,
}

/// Makes a code.
pub async fn insert(
    txn: &DatabaseTransaction,
    new: NewCode<'_>,
    now: DateTime<Utc>,
) -> Result<Secret, DbErr> {
    let code = Secret::generate();
    let row = row::Model {
        code_hash: code.digest(),
        family: new.family.to_owned(),
        redirect_uri: new.redirect_uri.to_owned(),
        challenge: new.challenge.map(str::to_owned),
        created_at: now,
        expires_at: now + LIFETIME,
        used_at: None,
        nonce: new.nonce.map(str::to_owned),
        resource: new.resource.map(str::to_owned),
    };
    row::Entity::insert(row.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(code)
}

pub async fn find(db: &impl ConnectionTrait, code: &str) -> Result<Option<Code>, DbErr> {
    let row = row::Entity::find_by_id(secret::digest(code))
        .one(db)
        .await?;
    Ok(row.map(Code::from))
}

/// Marks a code as used. False: somebody else was faster, so this is a second use.
pub async fn consume(
    txn: &DatabaseTransaction,
    code: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let updated = row::Entity::update_many()
        .col_expr(row::Column::UsedAt, Expr::value(Some(now)))
        .filter(row::Column::CodeHash.eq(secret::digest(code)))
        .filter(row::Column::UsedAt.is_null())
        .exec(txn)
        .await?;
    Ok(updated.rows_affected == 1)
}
