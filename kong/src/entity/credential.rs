//! What proves a consumer's identity, and the groups it belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Reference, entity};

/// An API key, in clear (Kong) or as digest (embedded gateway only).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyAuth {
    pub id: Uuid,
    pub consumer: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Hex of the key's HMAC-SHA256 under the plugin's `digest_key`. Kong does not know this
    /// field, so it is left out of what is sent unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_digest: Option<String>,
    /// Seconds that the key is still valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
}

/// A key that verifies tokens; `key` is the text by which a token names it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JwtSecret {
    pub id: Uuid,
    pub consumer: Option<Reference>,
    pub key: String,
    /// Only for the HS algorithms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    pub algorithm: String,
    /// PEM of the public key, for all other algorithms (the name is Kong's, also for ES256).
    pub rsa_public_key: Option<String>,
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
}

/// A client of Kong's own OAuth 2.0 plugin.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Oauth2 {
    pub id: Uuid,
    pub consumer: Option<Reference>,
    pub name: String,
    pub client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    pub redirect_uris: Option<Vec<String>>,
    /// `confidential` or `public`.
    pub client_type: String,
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
}

/// Membership of a consumer in a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Acl {
    pub id: Uuid,
    pub consumer: Option<Reference>,
    pub group: String,
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
}

entity!(KeyAuth, KeyAuth, |credential| credential.key.as_deref());
entity!(JwtSecret, JwtSecret, |credential| Some(&credential.key));
entity!(Oauth2, Oauth2, |credential| Some(&credential.client_id));
entity!(Acl, Acl, |_| None);

/// Without the key, and without its digest: neither belongs into a log.
impl fmt::Debug for KeyAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyAuth")
            .field("id", &self.id)
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

/// Without the secret.
impl fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSecret")
            .field("id", &self.id)
            .field("consumer", &self.consumer)
            .field("key", &self.key)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Without the secret.
impl fmt::Debug for Oauth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oauth2")
            .field("id", &self.id)
            .field("consumer", &self.consumer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
