//! Access tokens: what is in them, how they are signed and how our own are verified.

mod claims;
mod mode;
mod opaque;
mod verify;

use std::time::Duration;

use chrono::{DateTime, Utc};
use service::random;

use crate::keys::SigningKeys;

pub use claims::{Audience, Claims, Subject, UserSession};
pub use mode::{TokenMode, UnsupportedMode};
pub use opaque::keep;
#[cfg(test)]
pub use verify::verify;
pub use verify::{decode, find};

/// Header `typ` of access tokens (RFC 9068).
pub const TYPE: &str = "at+jwt";

/// Longest life of a token: nobody but us sees a revocation before the token ends (Part 4).
pub const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// What a token is to say.
pub struct NewToken<'a> {
    pub client_id: &'a str,
    pub audience: Audience,
    pub subject: Subject<'a>,
    pub scope: &'a [String],
    pub lifetime: Duration,
}

/// A new token.
pub struct Issued {
    pub text: String,
    pub jti: String,
    pub expires_at: DateTime<Utc>,
    /// What an opaque one stands for. It counts from when this is kept.
    pub stands_for: Option<Claims>,
}

/// Makes an access token of our own.
pub fn make(
    mode: TokenMode,
    keys: &SigningKeys,
    issuer: &str,
    token: NewToken,
    now: DateTime<Utc>,
) -> Issued {
    if mode == TokenMode::Opaque {
        let key = keys.signing(now);
        let claims = Claims::new(issuer, &key.kid, token, random::token(16), now);
        return Issued {
            text: opaque::generate(),
            jti: claims.jti.clone(),
            expires_at: claims.expires_at(),
            stands_for: Some(claims),
        };
    }
    sign(keys, issuer, token, now)
}

/// Signs an access token with the current key.
fn sign(keys: &SigningKeys, issuer: &str, token: NewToken, now: DateTime<Utc>) -> Issued {
    let key = keys.signing(now);
    let claims = Claims::new(issuer, &key.kid, token, random::token(16), now);
    Issued {
        text: key.sign(TYPE, &claims),
        expires_at: claims.expires_at(),
        jti: claims.jti,
        stands_for: None,
    }
}
