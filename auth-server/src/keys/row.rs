//! The table `auth_keys`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// `ES256` or `RS256`.
    pub algorithm: String,
    /// PKCS#8, sealed; the kid is its context.
    pub private_key: String,
    /// As hex: the uncompressed point, or the PKCS #1 structure of an RSA key.
    pub public_key: String,
    pub created_at: DateTimeUtc,
    pub active_from: DateTimeUtc,
    pub active_until: DateTimeUtc,
    pub expires_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
