//! Requests for approval (portal-api 15 and B4).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChangedDate, Timestamp, users::UserSummary};

/// A request, open or decided. Names are copies from the time of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "id": "6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a003f0c7d0f",
    "subscriptionId": "9a7d1c2b3a4f5e6d7c8b9a003f0c7d0f6c4f5b8e",
    "user": {"id": "3f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a00", "email": "ada@example.org"},
    "api": {"id": "petstore", "name": "Pet Store"}, "plan": {"id": "team", "name": "Team"},
    "application": {"id": "web-shop", "name": "Web shop", "trusted": false}, "state": "open"
})))]
/// A request that waits for an approver, or was decided.
pub struct Approval {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    pub user: Requester,
    pub api: RequestedApi,
    pub application: RequestingApplication,
    pub plan: RequestedPlan,
    /// What the requester wrote for the approver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_date: Option<ChangedDate>,
    /// `open`, `approved`, `declined` or `withdrawn`; absent from servers without history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// Id of the user who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Id of the user who takes care of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// What was said about it, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
}

/// A remark of somebody who may decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    pub id: String,
    pub user: Requester,
    pub text: String,
    pub created_at: Timestamp,
}

/// Body of `POST /approvals/{id}/comments`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewComment {
    #[serde(default)]
    pub text: String,
}

/// Body of `PATCH /approvals/{id}`; `None` takes the request from whoever had it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    pub assignee: Option<String>,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Requester {
    pub id: String,
    #[serde(default)]
    pub email: String,
}

impl From<UserSummary> for Requester {
    fn from(user: UserSummary) -> Self {
        Self {
            id: user.id,
            email: user.email,
        }
    }
}

/// The API that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestedApi {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_group: Option<String>,
}

/// The application that shall subscribe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestingApplication {
    pub id: String,
    #[serde(default)]
    pub name: String,
    /// Whether the request asks for a trusted subscription.
    #[serde(default, deserialize_with = "super::lenient::null_default")]
    pub trusted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The plan that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestedPlan {
    pub id: String,
    #[serde(default)]
    pub name: String,
}

/// Body of `POST /approvals/{id}/approve` and `…/decline`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<bool>,
}
