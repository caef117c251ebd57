//! The table `pool_invitations`.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pool_invitations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub pool_id: String,
    /// Empty in pools without namespaces.
    pub namespace: String,
    pub email: String,
    /// Of the token.
    pub digest: String,
    pub created_at: DateTimeUtc,
    pub created_by: Option<String>,
    pub expires_at: DateTimeUtc,
}

/// The digest does not belong in a log.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PoolInvitation({} to {})", self.id, self.pool_id)
    }
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
