//! The table `auth_kong_tokens`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_kong_tokens")]
pub struct Model {
    /// Kong's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub family: String,
    #[sea_orm(unique)]
    pub access_hash: String,
    #[sea_orm(unique)]
    pub refresh_hash: Option<String>,
    /// Of the access token.
    pub expires_at: DateTimeUtc,
    /// Nobody may use it any more; Kong has not been told yet.
    pub ended_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
