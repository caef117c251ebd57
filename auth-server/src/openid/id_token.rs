//! ID tokens (OpenID Connect Core 2, 3.1.3.6).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service::crypto;

use crate::{families::Family, state::AppState, tokens};

/// Header `typ`: an access token does not pass for an ID token, nor the other way round.
const TYPE: &str = "JWT";

/// How long one is good for. Clients read it once, at the log-in.
const LIFETIME: Duration = Duration::from_mins(10);

/// What an ID token is to say.
pub struct NewIdToken<'a> {
    pub client_id: &'a str,
    /// The authorization it comes from.
    pub family: &'a Family,
    /// As the client sent it; not after a refresh.
    pub nonce: Option<&'a str>,
    /// The token beside which it is given out.
    pub access_token: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

/// A signed ID token.
pub fn id_token(state: &AppState, new: &NewIdToken<'_>, now: DateTime<Utc>) -> String {
    let configuration = state.configuration();
    let family = new.family;
    let iat = now.timestamp();
    let claims = Claims {
        iss: &configuration.issuer,
        sub: &family.user_id,
        aud: new.client_id,
        exp: iat + LIFETIME.as_secs().cast_signed(),
        iat,
        auth_time: family.auth_time.map(|time| time.timestamp()),
        nonce: new.nonce,
        amr: Some(family.proof.amr()).filter(|amr| !amr.is_empty()),
        acr: family.proof.acr(),
        at_hash: at_hash(new.access_token),
        sid: family.sid.as_deref(),
    };
    state.keys.signing(now).sign(TYPE, &claims)
}

/// The left half of the hash that the signature uses, too.
fn at_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&crypto::sha256(access_token.as_bytes())[..16])
}

/// What an ID token says that a client sends back.
#[derive(Clone, Debug, Deserialize)]
pub struct Hint {
    pub sub: String,
    /// The client to which it was issued.
    pub aud: String,
}

/// Reads an ID token of this server. It may have ended: it proves nothing, it only says who is meant.
pub fn read_hint(state: &AppState, text: &str, now: DateTime<Utc>) -> Option<Hint> {
    let issuer = &state.configuration().issuer;
    tokens::decode(&state.keys, TYPE, issuer, text, now).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_of_an_access_token_is_that_of_the_standard() {
        // OpenID Connect Core, appendix A.3.
        assert_eq!(
            super::at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
