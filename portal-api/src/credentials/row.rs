//! The table `credentials`.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credentials")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub subscription_id: String,
    /// `key` or `client`.
    pub kind: String,
    pub name: String,
    pub note: Option<String>,
    /// Shown again with its subscription, as wicked did.
    pub classic: bool,
    pub client_id: Option<String>,
    /// Finds the secret without knowing it.
    pub digest: String,
    /// The secret, encrypted with the id as context.
    pub sealed: Option<String>,
    pub prefix: String,
    pub last4: String,
    pub created_at: DateTimeUtc,
    pub created_by: Option<String>,
    pub expires_at: Option<DateTimeUtc>,
    pub last_used_at: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
    pub revoked_reason: Option<String>,
}

/// Neither digest nor ciphertext belong in a log.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({} {})", self.kind, self.id)
    }
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
