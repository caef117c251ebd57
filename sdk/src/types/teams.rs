//! Teams: people who own applications together (portal-api B16).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChangedDate, Role, page::Id};

/// A team. In lists it comes without `members` and `applications`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "id": "shop-crew", "name": "The people of the shop",
    "members": [{"userId": "3f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a00",
        "email": "ada@example.org", "role": "owner"}],
    "applications": [{"id": "web-shop"}], "changedDate": "2026-11-21T08:30:00.000Z"
})))]
pub struct Team {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<TeamMember>>,
    /// The applications that belong to the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<Id>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_date: Option<ChangedDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
}

/// A user in a team. His role is the one he has on every application of the team; owners change
/// the team, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TeamMember {
    pub user_id: String,
    pub email: String,
    pub role: Role,
}

/// Body of `POST /teams`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewTeam {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
}

/// Body of `PATCH /teams/{team}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PatchTeam {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
