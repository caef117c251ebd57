//! Access tokens that ended before their time (auth-server, Part 4): how an auth server tells of
//! them, and the bounded list that those keep who check tokens without asking anybody.
//!
//! Entries end by themselves with the tokens they are about, so nothing is ever taken back.

mod list;
mod source;

use serde::{Deserialize, Serialize};

pub use list::{Gap, Names, RevocationList};
pub use source::{Source, Unavailable};

/// Seconds since the list of an issuer was last brought up to date; one value per reader.
pub const AGE: &str = "wicketgate_revocations_age_seconds";

/// Entries in one answer at most; a reader asks on at once.
pub const PORTION: u64 = 1000;

/// Longest name of a token, session or user.
pub const MAX_NAME: usize = 256;

/// Answer of `GET {B}/oauth2/revocations`, and body of the gateway's `PUT /wicketgate/revocations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Whose tokens it is about: their `iss`.
    pub issuer: String,
    /// Everything up to here the reader has to know already.
    pub after: i64,
    /// What to ask on from.
    pub seq: i64,
    pub revocations: Vec<Revocation>,
}

/// Tokens that no longer count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    #[serde(flatten)]
    pub what: Revoked,
    /// Unix seconds after which no such token is left.
    pub expires_at: i64,
}

/// Which tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Revoked {
    Token {
        jti: String,
    },
    /// All that came out of a log-in.
    Session {
        sid: String,
    },
    /// All of a user that were issued before.
    User {
        sub: String,
        /// Unix seconds.
        not_before: i64,
    },
}

impl Revoked {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Token { jti: name }
            | Self::Session { sid: name }
            | Self::User { sub: name, .. } => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_on_the_wire_is_the_stated_one() {
        let feed = json!({
            "issuer": "i", "after": 0, "seq": 3, "revocations": [
                {"jti": "t", "expires_at": 10}, {"sid": "s", "expires_at": 20},
                {"sub": "u", "not_before": 5, "expires_at": 30},
            ],
        });
        let read: Feed = serde_json::from_value(feed.clone()).unwrap();
        assert_eq!(
            read.revocations[2].what,
            Revoked::User {
                sub: "u".to_owned(),
                not_before: 5
            }
        );
        assert_eq!(serde_json::to_value(read).unwrap(), feed);
    }
}
