//! Applications and who may do what with them (portal-api 13).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChangedDate, Subscription, links::Links};

/// How an application can keep a secret, which decides the OAuth flows open to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientType {
    Confidential,
    #[default]
    PublicSpa,
    PublicNative,
}

impl ClientType {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::PublicSpa => "public_spa",
            Self::PublicNative => "public_native",
        }
    }
}

/// The role of a user on one application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Collaborator,
    Reader,
}

impl Role {
    /// The strongest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Collaborator, Self::Reader];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Collaborator => "collaborator",
            Self::Reader => "reader",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An application. In lists with `embed` it comes without `owners` but with one owner's id and
/// address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "id": "web-shop", "name": "Web shop", "clientType": "confidential", "confidential": true,
    "redirectUris": ["https://shop.example.org/callback"],
    "redirectUri": "https://shop.example.org/callback",
    "owners": [{"userId": "3f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a00",
        "email": "ada@example.org", "role": "owner"}],
    "changedDate": "2026-11-21T08:30:00.000Z", "_links": {"self": {"href": "/applications/web-shop"}}
})))]
/// What developers register, and what subscribes to APIs.
pub struct Application {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main_url: Option<String>,
    #[serde(default, deserialize_with = "super::lenient::null_default")]
    pub redirect_uris: Vec<String>,
    /// Always the first of `redirect_uris`, empty when there is none. Old single-valued form.
    #[serde(default, deserialize_with = "super::lenient::null_default")]
    pub redirect_uri: String,
    #[serde(default)]
    pub client_type: ClientType,
    #[serde(default)]
    pub confidential: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthSettings>,
    /// The team to which it belongs; its members have their roles here, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<Owner>>,
    /// Only in lists with `embed`: the earliest user with role `owner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_date: Option<ChangedDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    #[serde(rename = "_links", default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
}

impl Application {
    /// The role of a user, if `owners` came along: the strongest, if he has one of his own and one
    /// by the team.
    pub fn role_of(&self, user_id: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| {
            let mut owners = self.owners.iter().flatten();
            owners.any(|owner| owner.user_id == user_id && owner.role == *role)
        })
    }
}

/// An item of `GET /users/{user}/applications`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationOfUser {
    #[serde(flatten)]
    pub application: Application,
    /// Without secrets.
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
}

impl ApplicationOfUser {
    /// Its subscription to an API.
    pub fn subscription(&self, api: &str) -> Option<&Subscription> {
        let mut subscriptions = self.subscriptions.iter();
        subscriptions.find(|subscription| subscription.api == api)
    }

    /// Whether the user may add a subscription.
    pub fn may_subscribe(&self) -> bool {
        self.application.links.contains_key("addSubscription")
    }
}

/// What an application says about itself as an OAuth client, beyond its redirect URIs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct OauthSettings {
    /// Where the browser may be sent after a log-out; compared exactly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// Is told when a session of one of its users ends (OpenID Connect Back-Channel Logout).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Public keys, as a JSON Web Key Set, with which it proves who it is (`private_key_jwt`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub jwks: Option<serde_json::Value>,
}

/// A user with a role on an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    pub user_id: String,
    pub email: String,
    pub role: Role,
    /// `team`: he has the role as a member of the application's team, and it changes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    #[serde(rename = "_links", default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
}

/// Body of `POST /applications`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateApplication {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uris: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Text, so that a wrong one gets an answer that names the right ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidential: Option<bool>,
    /// Replaced as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthSettings>,
    /// A team of the caller in which he is owner or collaborator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// Body of `PATCH /applications/{app}`; `id` must repeat the path. As in [`CreateApplication`],
/// but `mainUrl` cannot be changed in the compatible form.
pub type PatchApplication = CreateApplication;

/// Body of `POST /applications/{app}/owners`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddOwner {
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub role: String,
}

/// Body of `PATCH /applications/{app}/owners/{user}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeRole {
    #[serde(default)]
    pub role: String,
}

/// An entry of `GET /applications/roles`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleDescription {
    pub role: Role,
    pub desc: String,
}
