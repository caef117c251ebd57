//! The table `verifications`.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "verifications")]
pub struct Model {
    /// Of the id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: String,
    /// The id, encrypted with the digest as context.
    pub sealed_id: Option<String>,
    /// `email` or `lostpassword`.
    pub kind: String,
    pub email: String,
    pub user_id: String,
    /// Holds the literal `{{id}}`.
    pub link: String,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
}

/// Digest and ciphertext do not belong in a log.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verification({} of user {})", self.kind, self.user_id)
    }
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
