//! The table `audit_log`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub id: String,
    pub occurred_at: DateTimeUtc,
    pub actor_id: Option<String>,
    pub actor_type: String,
    pub actor_email: Option<String>,
    pub actor_name: Option<String>,
    pub actor_role: Option<String>,
    pub via: Option<String>,
    pub action: String,
    pub entity: String,
    pub entity_id: Option<String>,
    pub api_id: Option<String>,
    pub application_id: Option<String>,
    pub plan_id: Option<String>,
    pub before_state: Option<Json>,
    pub after_state: Option<Json>,
    pub data: Option<Json>,
    pub source_address: Option<String>,
    pub correlation_id: Option<String>,
    pub outcome: String,
    /// Of the user whom the old view shows (portal-api 22.1): `data.userId`, else the actor.
    pub user_name: Option<String>,
    pub user_email: Option<String>,
    pub user_role: Option<String>,
    /// Hash of the record before this one.
    pub previous_hash: Option<String>,
    pub hash: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
