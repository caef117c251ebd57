//! Verification of tokens that this server issued, for userinfo, introspection and revocation.

use chrono::{DateTime, Utc};
use jsonwebtoken::Validation;
use sea_orm::DbErr;
use serde::de::DeserializeOwned;

use crate::{keys::SigningKeys, revoked, state::AppState};

use super::{Claims, TYPE, opaque};

/// The token is not one of ours, or no longer valid. Callers learn no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidToken;

/// Longer texts are not looked at.
const MAX_LENGTH: usize = 8 * 1024;

/// What a token of ours says or stands for, whichever kind it is, if it counts now: it has not ended,
/// by itself or before its time.
pub async fn find(
    state: &AppState,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<Claims>, DbErr> {
    let db = state.database.read();
    let claims = if opaque::is_opaque(token) {
        opaque::find(db, token, now).await?
    } else {
        verify(&state.keys, &state.configuration().issuer, token, now).ok()
    };
    Ok(match claims {
        Some(claims) if !revoked::contains(db, &claims).await? => Some(claims),
        _ => None,
    })
}

/// The claims of a valid signed access token.
pub fn verify(
    keys: &SigningKeys,
    issuer: &str,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Claims, InvalidToken> {
    let claims: Claims = decode(keys, TYPE, issuer, token, now)?;
    if claims.exp <= now.timestamp() {
        return Err(InvalidToken);
    }
    Ok(claims)
}

/// The claims of a token that this server signed, however old it is.
///
/// The type is fixed, the key is one of ours by its id, and each key has one algorithm: nothing in
/// the header can choose another key, another algorithm or none.
pub fn decode<T: DeserializeOwned>(
    keys: &SigningKeys,
    typ: &str,
    issuer: &str,
    token: &str,
    now: DateTime<Utc>,
) -> Result<T, InvalidToken> {
    if token.len() > MAX_LENGTH {
        return Err(InvalidToken);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| InvalidToken)?;
    let kid = header.kid.as_deref().ok_or(InvalidToken)?;
    let key = keys.find(kid, now).ok_or(InvalidToken)?;
    let algorithm = key.algorithm.into();
    if header.typ.as_deref() != Some(typ) || header.alg != algorithm {
        return Err(InvalidToken);
    }
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["iss", "sub", "exp"]);
    // The audience is the caller's question, and time comes from our own clock.
    validation.validate_aud = false;
    validation.validate_exp = false;
    jsonwebtoken::decode::<T>(token, &key.decoding, &validation)
        .map(|data| data.claims)
        .map_err(|_| InvalidToken)
}
