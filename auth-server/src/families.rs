//! Token families: everything that came out of one authorization of a user, revoked as a whole.
//!
//! Refresh tokens rotate. A token that was replaced and is presented again is a sign of theft
//! (RFC 9700 4.14), apart from the one repetition that a lost answer causes.

mod row;
mod rules;
mod store;

use chrono::{DateTime, Utc};

use crate::{factors::Proof, subject::KeptProfile};

pub use rules::{Presented, Verdict};
pub use store::{
    NewTokens, REPLACED_KEPT, begin, extend, find, find_by_access, insert_tokens, list_living,
    mark, name_of_personal, present, renew, revoke, revoke_before, revoke_of_personal,
    revoke_of_session, revoke_of_user,
};

/// One authorization of a user for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    pub id: String,
    pub client_id: String,
    pub api: String,
    pub method: String,
    pub user_id: String,
    pub namespace: Option<String>,
    /// What was granted, without the scopes of groups: those are looked up at each issue (F22).
    pub scope: Vec<String>,
    pub sid: Option<String>,
    pub auth_time: Option<DateTime<Utc>>,
    /// When the user proved who he is, or at least when the family was made.
    pub began_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked: bool,
    /// What names the user to the backend, where it is not made of user and namespace.
    pub verbatim: Option<String>,
    /// What of the user's profile nobody can be asked for later.
    pub profile: Option<KeptProfile>,
    /// How the user has shown who he is.
    pub proof: Proof,
}

impl Family {
    /// Whether its user is not stored anywhere else.
    pub fn is_passthrough(&self) -> bool {
        let profile = self.profile.as_ref();
        profile.is_some_and(|profile| profile.passthrough)
    }

    /// The text that names the user to the backend (section 12).
    pub fn authenticated_userid(&self) -> String {
        if let Some(text) = &self.verbatim {
            return text.clone();
        }
        match &self.namespace {
            Some(namespace) => format!("sub={};namespace={namespace}", self.user_id),
            None => format!("sub={}", self.user_id),
        }
    }
}

/// Why a family ended before its time; stored and logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeReason {
    CodeReused,
    RefreshTokenReused,
    Revoked,
    LoggedOut,
    ConsentWithdrawn,
    /// The user left the group that the API is for.
    GroupLeft,
    PasswordChanged,
    UserGone,
}

impl RevokeReason {
    /// Whether the user is logged out by it, and not only one client's access ended.
    pub const fn ends_session(self) -> bool {
        matches!(
            self,
            Self::LoggedOut | Self::PasswordChanged | Self::UserGone
        )
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CodeReused => "code-reused",
            Self::RefreshTokenReused => "refresh-token-reused",
            Self::Revoked => "revoked",
            Self::LoggedOut => "logged-out",
            Self::ConsentWithdrawn => "consent-withdrawn",
            Self::GroupLeft => "group-left",
            Self::PasswordChanged => "password-changed",
            Self::UserGone => "user-gone",
        }
    }
}
