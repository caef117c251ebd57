//! The table `users`.

use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub email: String,
    pub custom_id: Option<String>,
    pub password_hash: Option<String>,
    pub validated: bool,
    pub must_change_password: bool,
    pub groups: Groups,
    pub created_at: DateTimeUtc,
    pub changed_at: DateTimeUtc,
    pub changed_by: Option<String>,
    /// Since when the account is locked.
    pub disabled_at: Option<DateTimeUtc>,
    pub disabled_reason: Option<String>,
    /// Sessions and tokens from before this moment no longer count (portal-api B8).
    pub sessions_ended_at: Option<DateTimeUtc>,
}

/// Group ids of a user, as they were given; not checked against the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Groups(pub Vec<String>);

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
