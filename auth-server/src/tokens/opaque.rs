//! Tokens that say nothing themselves: the table `auth_opaque_tokens` knows what they stand for.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter,
};

use crate::{
    families,
    secret::{self, Secret},
};

use super::{Claims, Issued};

/// What they begin with, so that they can be told from signed ones, and be found where they leaked.
const PREFIX: &str = "wgt_";

pub fn generate() -> String {
    format!("{PREFIX}{}", Secret::generate().expose())
}

pub fn is_opaque(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Keeps what a token stands for, if it is an opaque one. `family` is that of its user.
pub async fn keep(
    txn: &DatabaseTransaction,
    token: &Issued,
    family: Option<&str>,
) -> Result<(), DbErr> {
    let Some(claims) = &token.stands_for else {
        return Ok(());
    };
    let claims = serde_json::to_string(claims).map_err(|error| DbErr::Json(error.to_string()))?;
    row::Entity::insert(row::ActiveModel {
        token_hash: Set(secret::digest(&token.text)),
        family: Set(family.map(str::to_owned)),
        claims: Set(claims),
        expires_at: Set(token.expires_at),
    })
    .exec_without_returning(txn)
    .await?;
    Ok(())
}

/// What a living token stands for. One of a family that has ended stands for nothing.
pub async fn find(
    db: &impl ConnectionTrait,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<Claims>, DbErr> {
    let row = row::Entity::find_by_id(secret::digest(token))
        .filter(row::Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    if let Some(family) = &row.family
        && families::find(db, family)
            .await?
            .is_none_or(|family| family.revoked)
    {
        return Ok(None);
    }
    serde_json::from_str(&row.claims).map_err(|error| DbErr::Json(error.to_string()))
}

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "auth_opaque_tokens")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub family: Option<String>,
        pub claims: String,
        pub expires_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
