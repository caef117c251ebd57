//! Subscriptions of applications to APIs (portal-api 14).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Application, ChangedDate, Credential, Role, Secret, links::Links};

/// Which scopes a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScopesMode {
    All,
    None,
    Select,
}

impl ScopesMode {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::None => "none",
            Self::Select => "select",
        }
    }
}

/// A subscription: one application, one API, one plan, and its credentials. Credentials and scopes
/// that there are not are written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "id": "9a7d1c2b3a4f5e6d7c8b9a003f0c7d0f6c4f5b8e", "application": "web-shop", "api": "petstore",
    "plan": "free", "auth": "key-auth", "approved": true, "trusted": false,
    "apikey": "wg_8e9a7d1c2b3a4f5e6d7c8b9a003f0c7d", "clientId": null, "clientSecret": null,
    "allowedScopesMode": null, "allowedScopes": null, "changedDate": 1_795_249_800,
    "_links": {"self": {"href": "/applications/web-shop/subscriptions/petstore"}}
})))]
/// The right of an application to call an API within a plan.
pub struct Subscription {
    pub id: String,
    pub application: String,
    pub api: String,
    pub plan: String,
    /// Required group of the API when the subscription was made.
    #[serde(rename = "api_group", default, skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    #[serde(default)]
    pub approved: bool,
    /// In clear, for those who may see it and as far as it is kept readable.
    #[serde(default)]
    pub apikey: Option<Secret>,
    /// The last four characters, where the key itself is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apikey_hint: Option<String>,
    #[serde(default)]
    pub client_id: Option<String>,
    #[serde(default)]
    pub client_secret: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<bool>,
    #[serde(default)]
    pub allowed_scopes_mode: Option<ScopesMode>,
    #[serde(default)]
    pub allowed_scopes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_date: Option<ChangedDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// Only where they were asked for, and without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<Credential>>,
    #[serde(rename = "_links", default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
}

/// An item of `GET /subscriptions?embed=1`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionWithOwners {
    #[serde(flatten)]
    pub subscription: Subscription,
    #[serde(default)]
    pub application_name: String,
    /// Addresses of all users with a role, separated by blanks.
    #[serde(default, deserialize_with = "super::lenient::null_default")]
    pub owner: String,
    /// Registered names of the same users.
    #[serde(default, deserialize_with = "super::lenient::null_default")]
    pub user: String,
    #[serde(default)]
    pub owner_data: Option<Vec<OwnerData>>,
}

/// A user with a role, as lists of subscriptions show him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerData {
    pub applications_id: String,
    pub users_id: String,
    pub role: Role,
    pub email: String,
    pub name: String,
}

/// Answer of `DELETE /apis/{api}/subscriptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    pub deleted: u64,
    /// Those that are left, because something went wrong.
    pub failed: u64,
}

/// Body of `POST /applications/{app}/subscriptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateSubscription {
    #[serde(default)]
    pub application: String,
    #[serde(default)]
    pub api: String,
    #[serde(default)]
    pub plan: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apikey: Option<Secret>,
    /// For the approver, up to 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// Body of `PATCH /applications/{app}/subscriptions/{api}`, as clients send it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchSubscription {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<bool>,
    /// Replaces the credentials of an approved subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_scopes_mode: Option<ScopesMode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_scopes: Option<Vec<String>>,
    /// Changes the plan (portal-api B3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// Answer of `GET /subscriptions/{clientId}` and `POST /subscriptions/{clientId}/verify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionOfClient {
    pub subscription: Subscription,
    pub application: Application,
    /// Which credential matched; only in the answer of `verify`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<String>,
}

/// Body of `POST /subscriptions/{clientId}/verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyClient {
    #[serde(default)]
    pub client_secret: Secret,
}
