//! The table `auth_codes`.

use sea_orm::entity::prelude::*;

use super::Code;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code_hash: String,
    pub family: String,
    pub redirect_uri: String,
    pub challenge: Option<String>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
    pub nonce: Option<String>,
    pub resource: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Code {
    fn from(row: Model) -> Self {
        Self {
            family: row.family,
            redirect_uri: row.redirect_uri,
            challenge: row.challenge,
            expires_at: row.expires_at,
            used_at: row.used_at,
            nonce: row.nonce,
            resource: row.resource,
        }
    }
}
