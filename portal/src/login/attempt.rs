//! One log-in that was begun in this browser.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Time to log in before one has to begin anew.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// Kept in the session between the redirect and the callback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    state: String,
    verifier: String,
    /// The beginning of the id of the client in whose name it is; that of the portal if empty.
    #[serde(default)]
    pub client: String,
    /// Path to go to afterwards.
    pub target: String,
    begun: DateTime<Utc>,
}

impl Attempt {
    pub fn new(target: &str, now: DateTime<Utc>) -> Self {
        Self {
            state: service::random::token(20),
            verifier: service::random::token(32),
            client: String::new(),
            target: target.to_owned(),
            begun: now,
        }
    }

    /// The state of the request: the way of logging in, and what nobody else knows.
    pub fn state_of(&self, method: &str) -> String {
        format!("{method}!{}", self.state)
    }

    /// Sent with the code (RFC 7636).
    pub fn verifier(&self) -> &str {
        &self.verifier
    }

    /// Sent with the authorization request: the verifier's SHA-256.
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// Whether a whole state belongs to this attempt.
    pub fn is_state(&self, state: &str) -> bool {
        state.split_once('!').is_some_and(|(_, own)| self.is(own))
    }

    pub fn is(&self, state: &str) -> bool {
        self.state == state
    }

    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        now - self.begun < LIFETIME
    }

    #[cfg(test)]
    pub fn sample(state: &str, begun: DateTime<Utc>) -> Self {
        Self {
            state: state.to_owned(),
            verifier: "verifier".to_owned(),
            client: String::new(),
            target: "/".to_owned(),
            begun,
        }
    }
}
