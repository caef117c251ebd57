//! The signing keys of auth servers: read from their JWKS, written to the gateway as PEM.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kong::Kind;
use openssl::{
    bn::BigNum,
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{PKey, Public},
    rsa::Rsa,
};
use serde::Deserialize;
use service::http::{BodyError, read_at_most};
use url::Url;

use crate::entity::{Entities, tags, text};

/// An answer longer than this is no key set.
const MAX_ANSWER: usize = 256 << 10;
const TIMEOUT: Duration = Duration::from_secs(5);
const SERVER_TAG: &str = "wg-auth-";
/// Bytes of a modulus: gateways take no shorter one, and longer ones would only keep them busy.
const RSA_MODULUS: RangeInclusive<i32> = 256..=1024;

/// Published keys by the name of their auth server.
pub type KeysByServer = BTreeMap<String, Vec<SigningKey>>;

/// A public key with which tokens are verified.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SigningKey {
    pub kid: String,
    pub algorithm: String,
    pub pem: String,
}

/// Why there are no keys.
#[derive(Debug)]
pub struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: String,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

/// Reads `{auth server}/oauth2/jwks`.
pub async fn fetch(url: Url) -> Result<Vec<SigningKey>, Unavailable> {
    let body = fetch_set(url.clone()).await?;
    parse(&body).map_err(|reason| Unavailable(format!("{url}: {reason}")))
}

/// The text of a key set.
pub async fn fetch_set(url: Url) -> Result<Vec<u8>, Unavailable> {
    let failed = |error: reqwest::Error| {
        let reason = if error.is_timeout() {
            "no answer in time"
        } else {
            "no usable answer"
        };
        tracing::debug!(
            error = &error.without_url() as &dyn std::error::Error,
            "{reason}"
        );
        Unavailable(format!("{url}: {reason}"))
    };
    let request = service::http::client().get(url.clone()).timeout(TIMEOUT);
    let response = request.send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(Unavailable(format!("{url}: status {}", response.status())));
    }
    read_at_most(response, MAX_ANSWER)
        .await
        .map(Into::into)
        .map_err(|error| match error {
            BodyError::TooLong(_) => Unavailable(format!("{url}: the key set: {error}")),
            BodyError::Broken(error) => failed(error),
        })
}

/// The usable keys of a key set, in a fixed order. Others (of other types, for encryption) are
/// skipped; a set without any usable key is an error, because believing it would lock out all.
pub fn parse(body: &[u8]) -> Result<Vec<SigningKey>, String> {
    let set: KeySet =
        serde_json::from_slice(body).map_err(|error| format!("not a key set: {error}"))?;
    let mut keys: Vec<SigningKey> = set.keys.iter().filter_map(signing_key).collect();
    keys.sort();
    keys.dedup_by(|one, other| one.kid == other.kid);
    if keys.is_empty() {
        return Err("the key set holds no key for ES256 or RS256".to_owned());
    }
    Ok(keys)
}

fn signing_key(jwk: &Jwk) -> Option<SigningKey> {
    let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    if !signs || jwk.kid.is_empty() {
        return None;
    }
    let (algorithm, key) = match (jwk.kty.as_str(), jwk.crv.as_str()) {
        ("EC", "P-256") => ("ES256", p256(jwk)?),
        ("RSA", _) => ("RS256", rsa(jwk)?),
        _ => return None,
    };
    let written = jwk.alg.as_deref();
    if written.is_some_and(|written| written != algorithm) {
        return None;
    }
    Some(SigningKey {
        kid: jwk.kid.clone(),
        algorithm: algorithm.to_owned(),
        pem: String::from_utf8(key.public_key_to_pem().ok()?).ok()?,
    })
}

fn p256(jwk: &Jwk) -> Option<PKey<Public>> {
    let coordinate = |text: &str| {
        let number = URL_SAFE_NO_PAD.decode(text).ok()?;
        let number = Some(number).filter(|number| number.len() == 32)?;
        BigNum::from_slice(&number).ok()
    };
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).ok()?;
    let (x, y) = (coordinate(&jwk.x)?, coordinate(&jwk.y)?);
    let key = EcKey::from_public_key_affine_coordinates(&group, &x, &y).ok()?;
    PKey::from_ec_key(key).ok()
}

fn rsa(jwk: &Jwk) -> Option<PKey<Public>> {
    let number = |text: &str, bytes: RangeInclusive<i32>| {
        let number = BigNum::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        bytes.contains(&number.num_bytes()).then_some(number)
    };
    let (modulus, exponent) = (number(&jwk.n, RSA_MODULUS)?, number(&jwk.e, 1..=8)?);
    PKey::from_rsa(Rsa::from_public_components(modulus, exponent).ok()?).ok()
}

/// Marks the verification keys of an auth server's tokens, so that they can be told apart when
/// they are read back.
pub fn server_tag(server: &str) -> String {
    format!("{SERVER_TAG}{}", server.replace([',', '/'], "_"))
}

/// The keys that the gateway has. They stay in force while an auth server does not answer.
pub fn recovered(actual: &Entities) -> KeysByServer {
    let mut found = KeysByServer::new();
    for (_, fields) in actual.of_kind(Kind::JwtSecret) {
        let server = tags(fields).find_map(|tag| tag.strip_prefix(SERVER_TAG));
        let kid = text(fields, "key")
            .and_then(|key| key.split_once('.'))
            .map(|(_, kid)| kid);
        let (Some(server), Some(kid)) = (server, kid) else {
            continue;
        };
        let key = SigningKey {
            kid: kid.to_owned(),
            algorithm: text(fields, "algorithm").unwrap_or_default().to_owned(),
            pem: text(fields, "rsa_public_key")
                .unwrap_or_default()
                .to_owned(),
        };
        let keys = found.entry(server.to_owned()).or_default();
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    for keys in found.values_mut() {
        keys.sort();
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The key of RFC 7515, A.3.
    const KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"k1","use":"sig",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

    #[test]
    fn a_published_key_becomes_the_pem_that_the_gateway_accepts() {
        let keys = parse(format!(r#"{{"keys":[{KEY}]}}"#).as_bytes()).unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(
            kong::jwt::public_key("ES256", &keys[0].pem).unwrap().len(),
            65
        );
    }

    #[test]
    fn keys_that_cannot_be_used_are_skipped_but_none_at_all_is_an_error() {
        let other = r#"{"kty":"oct","kid":"h"}"#;
        let keys = parse(format!(r#"{{"keys":[{other},{KEY}]}}"#).as_bytes()).unwrap();
        assert_eq!(keys[0].kid, "k1");
        assert!(parse(format!(r#"{{"keys":[{other}]}}"#).as_bytes()).is_err());
        assert!(parse(b"<html>").is_err());
    }

    #[test]
    fn a_key_of_rsa_becomes_a_pem_too_unless_it_is_for_something_else() {
        // The key of RFC 7517, A.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let keys = |alg: &str, n: &str| {
            let key = json!({"kty": "RSA", "kid": "r1", "alg": alg, "n": n, "e": "AQAB"});
            parse(json!({"keys": [key]}).to_string().as_bytes())
        };
        let found = keys("RS256", n).unwrap();
        assert_eq!(found[0].algorithm, "RS256");
        let pkcs1 = kong::jwt::public_key("RS256", &found[0].pem).unwrap();
        let modulus = URL_SAFE_NO_PAD.decode(n).unwrap();
        assert!(pkcs1.windows(256).any(|window| window == modulus));
        assert!(kong::jwt::public_key("ES256", &found[0].pem).is_err());
        for (alg, n) in [("PS256", n), ("RS256", &n[..300]), ("RS256", "")] {
            assert!(keys(alg, n).is_err(), "{alg} {n}");
        }
        let endless = "_".repeat(200_000);
        assert!(keys("RS256", &endless).is_err());
    }
}
