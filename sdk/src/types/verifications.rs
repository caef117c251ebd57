//! Proofs that a mail address belongs to a user (portal-api 17).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Secret;

/// What the proof is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = VerificationKind)]
pub enum Kind {
    /// Confirms an address.
    Email,
    /// Allows a new password.
    LostPassword,
}

impl Kind {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::LostPassword => "lostpassword",
        }
    }
}

/// A verification. Its `id` is the secret itself for services; others see a fingerprint that
/// begins with `~`. `Debug` shows neither the id nor the link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub email: String,
    pub user_id: String,
    /// Holds the literal `{{id}}`, which the mailer replaces.
    #[serde(default)]
    pub link: String,
    /// Unix seconds of creation.
    pub utc: i64,
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification")
            .field("kind", &self.kind)
            .field("user_id", &self.user_id)
            .field("utc", &self.utc)
            .finish_non_exhaustive()
    }
}

/// Body of `POST /verifications`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateVerification {
    /// Text, so that a wrong one gets an answer that names the right ones.
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default)]
    pub email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Language of the page from which the mail is asked for (`de`, `pt-br`); the event carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Body of `POST /verifications/consume`: single use, bound to its type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsumeVerification {
    #[serde(default)]
    pub token: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}
