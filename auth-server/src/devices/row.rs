//! The table `auth_devices`.

use sea_orm::entity::prelude::*;

use crate::scopes;

use super::Device;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_devices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_hash: String,
    #[sea_orm(unique)]
    pub user_code_hash: String,
    pub client_id: String,
    pub scope: String,
    pub family: Option<String>,
    pub denied: bool,
    pub poll_seconds: i64,
    pub polled_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Device {
    fn from(row: Model) -> Self {
        Self {
            id: row.device_hash,
            client_id: row.client_id,
            scope: scopes::split(&row.scope),
            family: row.family,
            denied: row.denied,
            poll_seconds: row.poll_seconds,
            polled_at: row.polled_at,
            expires_at: row.expires_at,
            is_used: row.used_at.is_some(),
        }
    }
}
