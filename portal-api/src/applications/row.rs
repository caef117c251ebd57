//! The table `applications`.

use sdk::types::{ClientType, applications::OauthSettings};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "applications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub main_url: Option<String>,
    pub client_type: String,
    pub redirect_uris: RedirectUris,
    pub created_at: DateTimeUtc,
    pub changed_at: DateTimeUtc,
    pub changed_by: Option<String>,
    pub team_id: Option<String>,
    pub oauth: Option<Oauth>,
}

/// Checked redirect URIs; the first one is the old single-valued `redirectUri`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct RedirectUris(pub Vec<String>);

/// Checked settings of an OAuth client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Oauth(pub OauthSettings);

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The type of client; what an older release wrote and this one does not know counts as
    /// unable to keep a secret.
    pub fn client_type(&self) -> ClientType {
        super::rules::client_type(&self.client_type).unwrap_or_default()
    }
}
