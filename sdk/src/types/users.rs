//! Users and logins (portal-api 8 and 9).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Application, Approval, ChangedDate, Grant, Registration, Secret, Team, Timestamp,
    audit::AuditRecord, links::Links, page::Id,
};

/// An item of `GET /users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserSummary {
    pub id: String,
    pub email: String,
    /// `<auth method>:<id>` of a federated user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
}

/// A user. Names are not here; they live in registrations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "id": "3f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a00", "email": "ada@example.org", "validated": true,
    "groups": ["dev"], "mustChangePassword": false, "applications": [{"id": "web-shop"}],
    "admin": false, "approver": false, "changedDate": "2026-11-21T08:30:00.000Z",
    "_links": {"self": {"href": "/users/3f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a00"},
        "groups": {"href": "/groups"}}
})))]
/// Somebody with an account.
pub struct User {
    pub id: String,
    pub email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
    /// Whether the mail address is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<bool>,
    #[serde(default, deserialize_with = "super::lenient::null_default")]
    pub groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_change_password: Option<bool>,
    /// All applications in which the user has a role.
    #[serde(default, deserialize_with = "super::lenient::null_default")]
    pub applications: Vec<Id>,
    /// Member of a group with `adminGroup`. Computed.
    #[serde(default)]
    pub admin: bool,
    /// Member of a group with `approverGroup`. Computed.
    #[serde(default)]
    pub approver: bool,
    /// Only in `GET /users/{id}`, and only when true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_password: Option<bool>,
    /// Whether the account is locked; absent when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// Sessions and tokens from before this moment no longer count. For services only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_ended_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_date: Option<ChangedDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    #[serde(rename = "_links", default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
}

impl User {
    /// Whether a session that began at `since` still counts for this user. The clocks of two
    /// services may differ a little; a login right after the change must not be refused.
    pub fn accepts_session_of(&self, since: DateTime<Utc>) -> bool {
        let leeway = chrono::TimeDelta::seconds(2);
        let is_old = |end: Timestamp| end.0 > since + leeway;
        self.disabled != Some(true) && !self.sessions_ended_at.is_some_and(is_old)
    }
}

/// Answer of `GET /users/{id}/export`: what is stored about one user, without secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserExport {
    pub user: User,
    pub created_at: Timestamp,
    pub registrations: Vec<Registration>,
    /// With the user's own role as their only owner.
    pub applications: Vec<Application>,
    /// With the user himself as their only member.
    pub teams: Vec<Team>,
    pub grants: Vec<Grant>,
    /// Requests that he made.
    pub requests: Vec<Approval>,
    /// What he did, as the audit log has it.
    pub activity: Vec<AuditRecord>,
}

/// Body of `POST /users` and `POST /users/machine`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateUser {
    /// Only for callers with a bootstrap right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// `password` is a hash in one of the readable formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_is_hashed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_change_password: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Becomes the language of the user's preferences: `de`, `pt-br`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Body of `PATCH /users/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchUser {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_is_hashed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_password_update: Option<bool>,
    /// Verified when sent (portal-api D7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_change_password: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Locks the account, or unlocks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Why it is locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Which mails a user wants, by the name of the mail; those that are not named come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preferences {
    #[serde(default)]
    pub mails: BTreeMap<String, bool>,
    /// Several in one mail, where that makes sense.
    #[serde(default)]
    pub digest: bool,
    /// Language of mails (`de`, `pt-br`); absent for the installation's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// An item of `GET /apis/{api}/subscribers`: an owner of applications that use an API, with what a
/// mail to him needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Subscriber {
    pub id: String,
    pub email: String,
    /// In the portal's own pool.
    #[serde(default)]
    pub registrations: Vec<Registration>,
    #[serde(default)]
    pub preferences: Preferences,
}

/// Body of `POST /unsubscribe`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unsubscribe {
    /// From the link in the mail; it names a user and a mail.
    pub token: String,
}

/// Answer of `POST /unsubscribe`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unsubscribed {
    /// The mail that the user does not get any more.
    pub mail: String,
}

/// Body of `POST /login`. `email` wins over `username`; both mean the mail address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Login {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_from_before_a_change_and_of_locked_users_do_not_count() {
        let since = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let mut user = User::default();
        assert!(user.accepts_session_of(since(100)));
        user.sessions_ended_at = Some(since(200).into());
        assert!(!user.accepts_session_of(since(100)));
        assert!(user.accepts_session_of(since(200)));
        user.disabled = Some(true);
        assert!(!user.accepts_session_of(since(300)));
    }
}
