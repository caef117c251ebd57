//! Clients that prove by a signature who they are (`private_key_jwt`, RFC 7523): the private key never
//! leaves them, and each proof is good for one request.

mod row;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::Jwk};
use sea_orm::{ActiveValue::Set, DatabaseTransaction, DbErr, EntityTrait, sea_query::OnConflict};
use serde::Deserialize;
use service::clock;

use crate::{clients::Client, secret, state::AppState};

/// `client_assertion_type`
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Algorithms of the keys that applications may register.
pub const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::PS256,
    Algorithm::RS256,
    Algorithm::EdDSA,
];

/// Longer ones are not looked at.
const MAX_LENGTH: usize = 8 * 1024;
/// An assertion is made for the request at hand: used ones have to be remembered for as long.
const MAX_LIFE: TimeDelta = TimeDelta::minutes(5);
/// Clocks differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(10);

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Why an assertion proves nothing. Logged; the client learns only that it does not.
#[derive(Debug, thiserror::Error)]
pub enum AssertionError {
    #[error("it is no JWT, or longer than {MAX_LENGTH} characters")]
    Malformed,
    #[error("its algorithm is not accepted")]
    Algorithm,
    #[error("the application has no key that fits")]
    Key,
    #[error("the signature is wrong, or a claim is missing")]
    Signature,
    #[error("`{0}` is wrong")]
    Claim(&'static str),
    #[error("it was used before")]
    Replayed,
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// The client that an assertion claims to be of: for requests that do not name one beside it.
pub fn claimed_client(assertion: &str) -> Option<String> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }

    if assertion.len() > MAX_LENGTH {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    let subject: Subject = serde_json::from_slice(&claims).ok()?;
    Some(subject.sub)
}

/// Checks that `client` has made `assertion`, for this server and this request.
pub async fn verify(
    state: &AppState,
    client: &Client,
    assertion: &str,
) -> Result<(), AssertionError> {
    let issuer = state.configuration().issuer.clone();
    let now = clock::now();
    let claims = signed_claims(client, assertion)?;
    let ends = check(&claims, &client.client_id, &issuer, now)?;
    let txn = state.database.write().await?;
    let is_new = remember(&txn, &client.client_id, &claims.jti, ends).await?;
    txn.commit().await?;
    if is_new {
        Ok(())
    } else {
        Err(AssertionError::Replayed)
    }
}

/// Key and algorithm are the registered ones; the header only says which of them.
fn signed_claims(client: &Client, assertion: &str) -> Result<Claims, AssertionError> {
    if assertion.len() > MAX_LENGTH {
        return Err(AssertionError::Malformed);
    }
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| AssertionError::Malformed)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(AssertionError::Algorithm);
    }
    let keys = keys_of(client);
    let mut validation = Validation::new(header.alg);
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    let mut error = AssertionError::Key;
    for key in keys {
        let names_another = match (&header.kid, &key.common.key_id) {
            (Some(wanted), Some(kid)) => wanted != kid,
            _ => false,
        };
        let Ok(decoding) = DecodingKey::from_jwk(&key) else {
            continue;
        };
        if names_another || decoding.family() != header.alg.family() {
            continue;
        }
        match jsonwebtoken::decode::<Claims>(assertion, &decoding, &validation) {
            Ok(data) => return Ok(data.claims),
            Err(_) => error = AssertionError::Signature,
        }
    }
    Err(error)
}

/// Keys that cannot be read are left out: they may be of a kind that only other servers know.
fn keys_of(client: &Client) -> Vec<Jwk> {
    let jwks = client.oauth.jwks.as_ref();
    let keys = jwks.and_then(|jwks| jwks.get("keys")?.as_array());
    keys.into_iter()
        .flatten()
        .filter_map(|key| Jwk::deserialize(key).ok())
        .collect()
}

/// Answers when the assertion ends.
fn check(
    claims: &Claims,
    client_id: &str,
    issuer: &str,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, AssertionError> {
    if claims.iss != client_id {
        return Err(AssertionError::Claim("iss"));
    }
    if claims.sub != client_id {
        return Err(AssertionError::Claim("sub"));
    }
    let token_endpoint = format!("{issuer}/oauth2/token");
    let is_us = |audience: &String| *audience == issuer || *audience == token_endpoint;
    let is_for_us = match &claims.aud {
        Audience::One(one) => is_us(one),
        // One that others accept, too, could be presented by them.
        Audience::Many(many) => !many.is_empty() && many.iter().all(is_us),
    };
    if !is_for_us {
        return Err(AssertionError::Claim("aud"));
    }
    let at = |seconds| DateTime::from_timestamp(seconds, 0);
    let ends = at(claims.exp).ok_or(AssertionError::Claim("exp"))?;
    if ends + LEEWAY <= now || ends > now + MAX_LIFE + LEEWAY {
        return Err(AssertionError::Claim("exp"));
    }
    let begins = claims
        .nbf
        .map(|seconds| at(seconds).ok_or(AssertionError::Claim("nbf")));
    if begins
        .transpose()?
        .is_some_and(|begins| begins > now + LEEWAY)
    {
        return Err(AssertionError::Claim("nbf"));
    }
    if !(1..=256).contains(&claims.jti.len()) {
        return Err(AssertionError::Claim("jti"));
    }
    Ok(ends + LEEWAY)
}

/// Remembers that something was used that counts once; `of` says what it is about. False: it was used
/// before.
pub async fn remember(
    txn: &DatabaseTransaction,
    of: &str,
    name: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let inserted = row::Entity::insert(row::ActiveModel {
        id_hash: Set(secret::digest(&format!("{of}/{name}"))),
        expires_at: Set(expires_at),
    })
    .on_conflict(
        OnConflict::column(row::Column::IdHash)
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(txn)
    .await?;
    Ok(inserted == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_of_its_client_for_this_server_and_short_lived() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let base = serde_json::json!({
            "iss": "app", "sub": "app", "aud": "https://issuer", "exp": 1_800_000_060, "jti": "1"
        });
        let check_with = |name: &str, value: serde_json::Value| {
            let mut claims = base.clone();
            claims[name] = value;
            let claims: Claims = serde_json::from_value(claims).unwrap();
            check(&claims, "app", "https://issuer", now).map_err(|error| error.to_string())
        };
        for (name, value, is_fine) in [
            ("aud", "https://issuer".into(), true),
            ("aud", "https://issuer/oauth2/token".into(), true),
            ("aud", serde_json::json!(["https://issuer"]), true),
            (
                "aud",
                serde_json::json!(["https://issuer", "https://other"]),
                false,
            ),
            ("aud", serde_json::json!([]), false),
            ("aud", "https://other".into(), false),
            ("iss", "other".into(), false),
            ("sub", "other".into(), false),
            ("exp", 1_799_999_980.into(), false),
            ("exp", 1_800_000_600.into(), false),
            ("nbf", 1_800_000_005.into(), true),
            ("nbf", 1_800_000_050.into(), false),
            ("jti", "".into(), false),
        ] {
            let outcome = check_with(name, value);
            assert_eq!(outcome.is_ok(), is_fine, "{name}: {outcome:?}");
        }
    }
}
