//! Log-ins of providers that lead to an account which was made otherwise: its owner has said so, and
//! has logged in to it to prove it.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter, QueryOrder, sea_query::OnConflict,
};

use crate::secret;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "auth_links")]
    pub struct Model {
        /// Digest of `<method>:<id at the provider>`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub custom_hash: String,
        pub user_id: String,
        pub method: String,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A log-in that leads to somebody's account.
#[derive(Clone, Debug)]
pub struct OwnLink {
    pub id: String,
    pub method: String,
    pub created_at: DateTime<Utc>,
}

/// The account to which `<method>:<id at the provider>` leads.
pub async fn find(db: &impl ConnectionTrait, custom_id: &str) -> Result<Option<String>, DbErr> {
    let row = row::Entity::find_by_id(secret::digest(custom_id))
        .one(db)
        .await?;
    Ok(row.map(|row| row.user_id))
}

pub async fn insert(
    txn: &DatabaseTransaction,
    (custom_id, method): (&str, &str),
    user_id: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let new = row::ActiveModel {
        custom_hash: Set(secret::digest(custom_id)),
        user_id: Set(user_id.to_owned()),
        method: Set(method.to_owned()),
        created_at: Set(now),
    };
    // An older one led to an account that is gone, or it would have been followed.
    let conflict = OnConflict::column(row::Column::CustomHash)
        .update_columns([row::Column::UserId, row::Column::CreatedAt])
        .to_owned();
    row::Entity::insert(new)
        .on_conflict(conflict)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

pub async fn list(db: &impl ConnectionTrait, user_id: &str) -> Result<Vec<OwnLink>, DbErr> {
    let rows = row::Entity::find()
        .filter(row::Column::UserId.eq(user_id))
        .order_by_asc(row::Column::CreatedAt)
        .all(db)
        .await?;
    let own = |row: row::Model| OwnLink {
        id: row.custom_hash,
        method: row.method,
        created_at: row.created_at,
    };
    Ok(rows.into_iter().map(own).collect())
}

/// False: the user has no such link.
pub async fn delete(txn: &DatabaseTransaction, user_id: &str, id: &str) -> Result<bool, DbErr> {
    let deleted = row::Entity::delete_many()
        .filter(row::Column::UserId.eq(user_id))
        .filter(row::Column::CustomHash.eq(id))
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
