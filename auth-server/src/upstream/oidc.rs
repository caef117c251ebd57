//! OpenID Connect: the provider's description, its keys, and the ID token.
//!
//! Checked with `jsonwebtoken`: the crate for all of it would bring a second set of algorithms beside
//! ring's, and among them an RSA that is not constant in time.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, PublicKeyUse},
};
use sdk::types::Secret;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::{cache::Cache, configuration::RedirectSettings, federated::Identity};

use super::{
    UpstreamError, http,
    profile::{self, LEEWAY},
};

/// How long a description counts, and the keys that it names.
const DESCRIPTIONS: Duration = Duration::from_mins(15);
/// Keys are looked for again when one is unknown, but not more often than this.
const KEYS_AGAIN: Duration = Duration::from_secs(10);
/// Keys of one provider that are looked at.
const MAX_KEYS: usize = 50;
/// Providers with a description; more than anybody configures.
const MAX_PROVIDERS: usize = 100;
/// Longest ID token that is looked at.
const MAX_TOKEN: usize = 32 * 1024;

/// What a provider says about itself (OpenID Connect Discovery).
#[derive(Debug, Deserialize)]
pub struct Description {
    pub issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    claims_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Description {
    /// Whether it can be asked how long ago somebody logged in. Google cannot.
    pub fn tells_auth_time(&self) -> bool {
        let claims = self.claims_supported.as_deref();
        claims.is_none_or(|claims| claims.iter().any(|claim| claim == "auth_time"))
    }

    /// Basic is what the standard takes for granted.
    pub fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        methods.is_none_or(|methods| methods.iter().any(|one| one == "client_secret_basic"))
    }

    /// Whether an answer with this `iss` is this provider's (RFC 9207).
    pub fn check_issuer(&self, iss: Option<&str>) -> Result<(), UpstreamError> {
        match iss {
            Some(iss) if iss == self.issuer => Ok(()),
            None if !self.authorization_response_iss_parameter_supported => Ok(()),
            _ => Err(UpstreamError::unbelievable("it comes from another issuer")),
        }
    }
}

/// The descriptions and keys of all providers, remembered for a while.
pub struct Descriptions {
    providers: Cache<String, Arc<Description>>,
    keys: Cache<Url, Arc<Vec<Jwk>>>,
    fresh_keys: Cache<Url, ()>,
}

impl Default for Descriptions {
    fn default() -> Self {
        Self {
            providers: Cache::new(DESCRIPTIONS, MAX_PROVIDERS),
            keys: Cache::new(DESCRIPTIONS, MAX_PROVIDERS),
            fresh_keys: Cache::new(KEYS_AGAIN, MAX_PROVIDERS),
        }
    }
}

impl Descriptions {
    /// What `issuer` says about itself.
    pub async fn of(&self, issuer: &str) -> Result<Arc<Description>, UpstreamError> {
        if let Some(description) = self.providers.get(issuer) {
            return Ok(description);
        }
        let plain = issuer.trim_end_matches('/');
        let url = Url::parse(&format!("{plain}/.well-known/openid-configuration"))
            .map_err(|_| UpstreamError::unbelievable("the issuer is no URL"))?;
        let answer = http::get(&url, None).await?;
        let description: Description = serde_json::from_value(answer).map_err(|error| {
            UpstreamError::Unbelievable(format!("its description is incomplete: {error}"))
        })?;
        if description.issuer.trim_end_matches('/') != plain {
            let text = "its description is that of another issuer";
            return Err(UpstreamError::unbelievable(text));
        }
        let endpoints = [
            &description.authorization_endpoint,
            &description.token_endpoint,
            &description.jwks_uri,
        ];
        let is_safe = |endpoint: &Url| {
            endpoint.scheme() == "https" || (url.scheme() == "http" && endpoint.scheme() == "http")
        };
        let others = description.userinfo_endpoint.iter();
        if !endpoints.into_iter().chain(others).all(is_safe) {
            let text = "its description names an endpoint without TLS";
            return Err(UpstreamError::unbelievable(text));
        }
        let description = Arc::new(description);
        self.providers.put(issuer.to_owned(), description.clone());
        Ok(description)
    }

    /// The claims of a token that `issuer` has signed. Nothing but the signature is checked.
    pub async fn signed_claims(
        &self,
        issuer: &str,
        token: &str,
    ) -> Result<Map<String, Value>, UpstreamError> {
        let header = read_header(token)?;
        let description = self.of(issuer).await?;
        if description.issuer != issuer {
            return Err(UpstreamError::unbelievable(
                "the issuer calls itself otherwise",
            ));
        }
        let key = self
            .key(&description, header.kid.as_deref(), header.alg)
            .await?;
        decode(token, header.alg, &key)
    }

    /// The key that signed a token with this header.
    async fn key(
        &self,
        description: &Description,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, UpstreamError> {
        let url = &description.jwks_uri;
        if let Some(keys) = self.keys.get(url)
            && let Some(key) = choose(&keys, kid, algorithm)
        {
            return Ok(key);
        }
        let unknown = || UpstreamError::unbelievable("the ID token is signed with an unknown key");
        if self.fresh_keys.get(url).is_some() {
            return Err(unknown());
        }
        let answer = http::get(url, None).await?;
        let keys = answer.get("keys").and_then(Value::as_array);
        // One that we cannot read does not make the others useless.
        let readable = |key: &Value| serde_json::from_value(key.clone()).ok();
        let keys: Vec<Jwk> = keys
            .into_iter()
            .flatten()
            .take(MAX_KEYS)
            .filter_map(readable)
            .collect();
        let keys = Arc::new(keys);
        self.keys.put(url.clone(), keys.clone());
        self.fresh_keys.put(url.clone(), ());
        choose(&keys, kid, algorithm).ok_or_else(unknown)
    }
}

/// The key with this id, or the only one of its kind for a token that names none.
fn choose(keys: &[Jwk], kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
    let fits = |key: &&Jwk| {
        let common = &key.common;
        let is_for_signatures = !matches!(common.public_key_use, Some(PublicKeyUse::Encryption));
        let written = common.key_algorithm.as_ref();
        let is_algorithm =
            written.is_none_or(|written| format!("{written:?}") == format!("{algorithm:?}"));
        let is_named = kid.is_none() || common.key_id.as_deref() == kid;
        is_for_signatures && is_algorithm && is_named
    };
    let mut fitting = keys.iter().filter(fits).filter_map(|key| {
        let key = DecodingKey::from_jwk(key).ok()?;
        (key.family() == algorithm.family()).then_some(key)
    });
    let first = fitting.next()?;
    (kid.is_some() || fitting.next().is_none()).then_some(first)
}

/// What an ID token has to be for.
pub struct Expected<'a> {
    pub nonce: &'a str,
    /// The log-in at the provider has to be younger.
    pub login_after: Option<DateTime<Utc>>,
}

/// Who the ID token is about; what it does not say is asked with the access token.
pub async fn identity(
    descriptions: &Descriptions,
    (settings, description): (&RedirectSettings, &Description),
    (id_token, access): (&Secret, &Secret),
    expected: &Expected<'_>,
    now: DateTime<Utc>,
) -> Result<Identity, UpstreamError> {
    let token = id_token.expose();
    let header = read_header(token)?;
    let key = descriptions
        .key(description, header.kid.as_deref(), header.alg)
        .await?;
    let mut claims = decode(token, header.alg, &key)?;
    check(
        &claims,
        &description.issuer,
        &settings.client_id,
        expected,
        now,
    )
    .map_err(|what| UpstreamError::Unbelievable(format!("the ID token {what}")))?;
    if let Some(url) = &description.userinfo_endpoint
        && !claims.contains_key(&settings.claims.email)
    {
        let more = http::get(url, Some(access.expose())).await?;
        // OpenID Connect Core 5.3.2: what is said about somebody else must not be used.
        if more.get("sub") != claims.get("sub") {
            let text = "the user-info endpoint tells about somebody else";
            return Err(UpstreamError::unbelievable(text));
        }
        for (name, value) in more.as_object().into_iter().flatten() {
            claims.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    let mut identity = profile::of_claims(settings, &claims)?;
    identity.email_verified |= claims.get("email_verified") == Some(&Value::Bool(true));
    Ok(identity)
}

/// The claims, if the signature is right.
fn decode(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
) -> Result<Map<String, Value>, UpstreamError> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation)
        .map(|token| token.claims)
        .map_err(|_| UpstreamError::unbelievable("the token's signature is not right"))
}

fn read_header(token: &str) -> Result<jsonwebtoken::Header, UpstreamError> {
    if token.len() > MAX_TOKEN {
        return Err(UpstreamError::unbelievable("the ID token is too long"));
    }
    // `none` is no algorithm at all here, and a symmetric one would be signed with what both know.
    let header = jsonwebtoken::decode_header(token)
        .map_err(|_| UpstreamError::unbelievable("the ID token cannot be read"))?;
    if matches!(
        header.alg,
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512
    ) {
        let text = "the ID token is signed with a shared secret";
        return Err(UpstreamError::unbelievable(text));
    }
    Ok(header)
}

/// OpenID Connect Core 3.1.3.7.
fn check(
    claims: &Map<String, Value>,
    issuer: &str,
    client_id: &str,
    expected: &Expected,
    now: DateTime<Utc>,
) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let moment = |name: &str| {
        let seconds = claims.get(name).and_then(Value::as_i64)?;
        DateTime::from_timestamp(seconds, 0)
    };
    if text("iss") != Some(issuer) {
        return Err("is of another issuer");
    }
    let is_for_us = match claims.get("aud") {
        Some(Value::String(one)) => one == client_id,
        Some(Value::Array(many)) => {
            let only = many.len() == 1 || text("azp") == Some(client_id);
            only && many.iter().any(|one| one == client_id)
        }
        _ => false,
    };
    if !is_for_us || text("azp").is_some_and(|azp| azp != client_id) {
        return Err("is for another client");
    }
    if moment("exp").is_none_or(|end| end + LEEWAY < now) {
        return Err("has ended");
    }
    if moment("iat").is_none_or(|made| made - LEEWAY > now) {
        return Err("was not made yet");
    }
    if text("nonce") != Some(expected.nonce) {
        return Err("belongs to another log-in");
    }
    if let Some(after) = expected.login_after
        && moment("auth_time").is_none_or(|time| time + LEEWAY < after)
    {
        return Err("is about a log-in that is too old");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn checked(change: impl FnOnce(&mut Value)) -> Result<(), &'static str> {
        let mut claims = json!({"iss": "https://i.example", "aud": "us", "sub": "7", "nonce": "n",
            "exp": NOW + 300, "iat": NOW, "auth_time": NOW - 10});
        change(&mut claims);
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        let expected = Expected {
            nonce: "n",
            login_after: Some(now - chrono::TimeDelta::minutes(5)),
        };
        let claims = claims.as_object().unwrap();
        check(claims, "https://i.example", "us", &expected, now)
    }

    #[test]
    fn an_id_token_has_to_be_for_this_client_this_log_in_and_this_moment() {
        assert_eq!(checked(|_| {}), Ok(()));
        assert_eq!(checked(|c| c["aud"] = json!(["us"])), Ok(()));
        let both = |c: &mut Value| {
            c["aud"] = json!(["other", "us"]);
            c["azp"] = json!("us");
        };
        assert_eq!(checked(both), Ok(()));
        let wrong: [fn(&mut Value); 13] = [
            |c| c["iss"] = json!("https://i.example/"),
            |c| c["iss"] = json!(null),
            |c| c["aud"] = json!("other"),
            |c| c["aud"] = json!(["us", "other"]),
            |c| c["azp"] = json!("other"),
            |c| c["exp"] = json!(NOW - 61),
            |c| c["exp"] = json!("never"),
            |c| c["iat"] = json!(NOW + 61),
            |c| c["iat"] = json!(null),
            |c| c["nonce"] = json!("m"),
            |c| c["nonce"] = json!(null),
            |c| c["auth_time"] = json!(NOW - 361),
            |c| c["auth_time"] = json!(null),
        ];
        for (index, change) in wrong.into_iter().enumerate() {
            assert!(checked(change).is_err(), "case {index}");
        }
    }
}
