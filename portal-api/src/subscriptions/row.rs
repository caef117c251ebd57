//! The table `subscriptions`.

use sdk::types::subscriptions::ScopesMode;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriptions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub application_id: String,
    pub api_id: String,
    pub plan_id: String,
    /// Required group of the API when the subscription was made.
    pub api_group: Option<String>,
    pub auth: String,
    pub approved: bool,
    pub trusted: bool,
    pub allowed_scopes_mode: Option<String>,
    pub allowed_scopes: Option<Scopes>,
    pub created_at: DateTimeUtc,
    pub changed_at: DateTimeUtc,
    pub changed_by: Option<String>,
}

/// Scopes that the client may ask for in mode `select`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Scopes(pub Vec<String>);

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn scopes_mode(&self) -> Option<ScopesMode> {
        let stored = self.allowed_scopes_mode.as_deref()?;
        [ScopesMode::All, ScopesMode::None, ScopesMode::Select]
            .into_iter()
            .find(|mode| mode.as_str() == stored)
    }
}
