//! The table `user_preferences`.

use std::collections::BTreeMap;

use sdk::types::users::Preferences;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_preferences")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub mails: Mails,
    pub digest: bool,
    pub language: Option<String>,
    pub changed_at: DateTimeUtc,
}

/// Whether a mail of this name is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Mails(pub BTreeMap<String, bool>);

impl From<Model> for Preferences {
    fn from(row: Model) -> Self {
        Self {
            mails: row.mails.0,
            digest: row.digest,
            language: row.language,
        }
    }
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
