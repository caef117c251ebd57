//! The table `auth_pushed_requests`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_pushed_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub uri_hash: String,
    pub client_id: String,
    /// JSON.
    pub parameters: String,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
