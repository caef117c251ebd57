//! Invitations to work on an application (portal-api B5).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Role, Secret, Timestamp};

/// Body of `POST /applications/{app}/invitations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewInvitation {
    #[serde(default)]
    pub email: String,
    /// Text, so that a wrong one gets an answer that names the right ones.
    #[serde(default)]
    pub role: String,
}

/// An open invitation. Its token stands in the mail only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    pub id: String,
    pub email: String,
    pub role: Role,
    pub created_at: Timestamp,
    /// Id of the user who invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    pub expires_at: Timestamp,
}

/// Body of `POST /invitations/accept`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptInvitation {
    pub token: Secret,
}
