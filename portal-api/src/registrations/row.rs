//! The table `registrations`.

use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "registrations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub pool_id: String,
    pub user_id: String,
    /// Empty in pools without namespaces: unique indexes ignore nulls.
    pub namespace: String,
    /// Copy of the property `name`, to order by.
    pub name: String,
    pub email: String,
    pub custom_id: Option<String>,
    pub properties: Properties,
    pub changed_at: DateTimeUtc,
    pub changed_by: Option<String>,
}

/// The properties of the pool, `name` among them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Properties(pub Map<String, Value>);

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
