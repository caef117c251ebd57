//! A client shows a token of a foreign issuer, which is found by its description (OpenID Connect
//! Discovery) and whose keys may change at any time.

mod issuer;
mod key;
mod token;

use std::{collections::HashMap, rc::Rc, sync::Arc, time::Duration};

use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Credential, Verdict,
    authentication::{self, bearer},
    identity::{header_text, text},
    jwt::{Origin, Verified, was_ended},
};
use crate::{
    proxy::{Answer, Exchange},
    worker::Worker,
};
use issuer::{Issuer, Patience};
use key::PublicKey;
use token::Parsed;

#[derive(Deserialize)]
pub struct Config {
    issuer: String,
    audience_required: Vec<String>,
    audience_claim: Vec<String>,
    scopes_required: Option<Vec<String>>,
    scopes_claim: Vec<String>,
    algorithms: Vec<String>,
    leeway: u32,
    consumer_claim: Option<Vec<String>>,
    consumer_by: Option<Vec<String>>,
    consumer_optional: bool,
    credential_claim: Vec<String>,
    authenticated_groups_claim: Option<Vec<String>>,
    upstream_headers_claims: Option<Vec<String>>,
    upstream_headers_names: Option<Vec<String>>,
    keys_ttl: u64,
    keys_stale_ttl: u64,
    timeout: u64,
    hide_credentials: bool,
    run_on_preflight: bool,
    anonymous: Option<String>,
    realm: Option<String>,
    resource_metadata: Option<String>,
}

pub struct OpenIdConnect {
    issuer: Arc<Issuer>,
    config: Config,
    told: Vec<(String, HeaderName)>,
    challenge: HeaderValue,
    invalid_token: HeaderValue,
    insufficient_scope: HeaderValue,
}

/// Longer tokens are refused before anything is computed.
const MAX_LENGTH: usize = 16 * 1024;
/// Verified tokens that one worker remembers.
const CAPACITY: usize = 4096;
/// Members of ID tokens and of other messages that issuers sign with the same keys, and of tokens
/// that are bound to a proof which is not asked for here.
const NOT_OF_ACCESS_TOKENS: [&str; 5] = ["nonce", "at_hash", "c_hash", "events", "cnf"];

/// A token whose signature is right. Times are checked at each use.
struct Known {
    claims: Rc<Map<String, Value>>,
    /// In force as long as the issuer publishes it.
    key: Arc<PublicKey>,
}

/// Tokens that a worker has verified, by the digest of their whole text.
#[derive(Default)]
pub struct KnownTokens(HashMap<[u8; 32], Rc<Known>>);

impl KnownTokens {
    fn insert(&mut self, digest: [u8; 32], known: Rc<Known>) {
        if self.0.len() >= CAPACITY {
            self.0.clear();
        }
        self.0.insert(digest, known);
    }
}

enum Refusal {
    Missing,
    Invalid(&'static str),
    Scope,
    /// Nobody can say whether it is good.
    Away,
}

impl OpenIdConnect {
    pub fn new(config: Config) -> Result<Self, String> {
        let challenge = |error| {
            let metadata = config.resource_metadata.as_deref();
            authentication::bearer_challenge(config.realm.as_deref(), error, metadata)
        };
        let claims = config.upstream_headers_claims.iter().flatten();
        let names = config.upstream_headers_names.iter().flatten();
        let told = claims
            .zip(names)
            .map(|(claim, name)| Ok::<_, String>((claim.clone(), super::header_name(name)?)));
        let patience = Patience {
            fresh: Duration::from_secs(config.keys_ttl),
            stale: Duration::from_secs(config.keys_stale_ttl),
            answer: Duration::from_millis(config.timeout),
        };
        Ok(Self {
            challenge: challenge(None)?,
            invalid_token: challenge(Some("invalid_token"))?,
            insufficient_scope: challenge(Some("insufficient_scope"))?,
            told: told.collect::<Result<_, _>>()?,
            issuer: Issuer::known(&config.issuer, patience),
            config,
        })
    }

    pub async fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let anonymous = self.config.anonymous.as_deref();
        if !self.config.run_on_preflight && exchange.head.method == Method::OPTIONS
            || authentication::is_satisfied(exchange, anonymous)
        {
            return Verdict::Continue;
        }
        for (_, name) in &self.told {
            exchange.head.headers.remove(name);
        }
        match self.identify(exchange, worker).await {
            Ok(()) => Verdict::Continue,
            Err(refusal @ Refusal::Away) => self.answer(&refusal).into(),
            Err(refusal) => {
                authentication::refuse(exchange, worker, anonymous, self.answer(&refusal))
            }
        }
    }

    async fn identify(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Result<(), Refusal> {
        let mut headers = exchange.head.headers.get_all(AUTHORIZATION).iter();
        let text = match (headers.next(), headers.next()) {
            (Some(_), Some(_)) => return Err(Refusal::Invalid("Multiple tokens provided")),
            (value, _) => value.and_then(|value| bearer(value.to_str().ok()?)),
        };
        let text = text.ok_or(Refusal::Missing)?.to_owned();
        let claims = self.verify(&text, worker).await?;
        self.check(&claims, worker)?;
        self.accept(exchange, claims, worker)?;
        if self.config.hide_credentials {
            exchange.head.headers.remove(AUTHORIZATION);
        }
        Ok(())
    }

    /// The claims, if the issuer has signed them.
    async fn verify(&self, text: &str, worker: &Worker) -> Result<Rc<Map<String, Value>>, Refusal> {
        if text.len() > MAX_LENGTH {
            return Err(Refusal::Invalid("Bad token: too long"));
        }
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let digest: [u8; 32] = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
        let known = worker.foreign_tokens().0.get(&digest).cloned();
        if let Some(known) = known
            && self.issuer.publishes(&known.key)
        {
            self.issuer.renew(&worker.shared.runtime);
            return Ok(known.claims.clone());
        }
        let token = Parsed::new(text).map_err(Refusal::Invalid)?;
        if !self.config.algorithms.contains(&token.algorithm) {
            return Err(Refusal::Invalid("Invalid algorithm"));
        }
        // Nobody is asked about tokens that are not said to be theirs.
        if token.claims.get("iss").and_then(Value::as_str) != Some(&self.config.issuer) {
            return Err(Refusal::Invalid("The token comes from another issuer"));
        }
        let runtime = &worker.shared.runtime;
        let keys = self.issuer.keys(token.kid.as_deref(), runtime).await;
        let keys = keys.map_err(|_| Refusal::Away)?;
        let key = keys
            .fitting(token.kid.as_deref())
            .find(|key| key.verifies(&token.algorithm, token.message(text), &token.signature))
            .ok_or(Refusal::Invalid("Invalid signature"))?
            .clone();
        let claims = Rc::new(token.claims);
        let known = Known {
            claims: claims.clone(),
            key,
        };
        worker.foreign_tokens().insert(digest, Rc::new(known));
        Ok(claims)
    }

    /// Whether the token is for us, and counts now.
    fn check(&self, claims: &Map<String, Value>, worker: &Worker) -> Result<(), Refusal> {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float")]
        let now = service::clock::now().timestamp_millis() as f64 / 1000.0;
        let leeway = f64::from(self.config.leeway);
        let moment = |claim: &str| match claims.get(claim) {
            None => Ok(None),
            Some(value) => value
                .as_f64()
                .map(Some)
                .ok_or(Refusal::Invalid("Bad token")),
        };
        if claims.get("iss").and_then(Value::as_str) != Some(&self.config.issuer) {
            return Err(Refusal::Invalid("The token comes from another issuer"));
        }
        if NOT_OF_ACCESS_TOKENS
            .iter()
            .any(|name| claims.contains_key(*name))
        {
            return Err(Refusal::Invalid("This is not an access token"));
        }
        let end = moment("exp")?.ok_or(Refusal::Invalid("The token does not say when it ends"))?;
        if end + leeway <= now {
            return Err(Refusal::Invalid("The token has expired"));
        }
        let starts = [moment("nbf")?, moment("iat")?];
        if starts
            .into_iter()
            .flatten()
            .any(|start| start > now + leeway)
        {
            return Err(Refusal::Invalid("The token is not valid yet"));
        }
        if was_ended(claims, &worker.live().revoked.load()) {
            return Err(Refusal::Invalid("The token has been revoked"));
        }
        let audience = words(claims, &self.config.audience_claim, false);
        if !fits(&audience, &self.config.audience_required) {
            return Err(Refusal::Invalid("The token is for another audience"));
        }
        let scopes = words(claims, &self.config.scopes_claim, true);
        let required = self.config.scopes_required.as_deref();
        if required.is_some_and(|required| !fits(&scopes, required)) {
            return Err(Refusal::Scope);
        }
        Ok(())
    }

    fn accept(
        &self,
        exchange: &mut Exchange<'_>,
        claims: Rc<Map<String, Value>>,
        worker: &Worker,
    ) -> Result<(), Refusal> {
        const NOBODY: Refusal = Refusal::Invalid("No consumer belongs to this token");
        let id = claim(&claims, &self.config.credential_claim);
        let identifier = id.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
        let directory = &worker.live().directory;
        let consumer = match &self.config.consumer_claim {
            None => None,
            Some(path) => {
                let name = claim(&claims, path);
                let by = self.config.consumer_by.iter().flatten();
                let found = name.and_then(|name| {
                    let mut found = by.filter_map(|by| match by.as_str() {
                        "username" => directory.consumer_by_username(&name),
                        _ => directory.consumer_of(&name),
                    });
                    found.next()
                });
                if found.is_none() && !self.config.consumer_optional {
                    return Err(NOBODY);
                }
                found
            }
        };
        let consumer_id = consumer.as_ref().map(|consumer| consumer.id());
        if let Some(consumer) = consumer {
            let id = consumer.id();
            authentication::accept(exchange, consumer, Credential { id, identifier });
        } else {
            // One user of one issuer.
            let proof = format!("{} {}", self.config.issuer, id.unwrap_or_default());
            authentication::accept_stranger(exchange, proof.as_bytes(), identifier);
        }
        exchange.groups = match &self.config.authenticated_groups_claim {
            Some(path) => words(&claims, path, false),
            None => Vec::new(),
        };
        for (claim, name) in &self.told {
            let Some(text) = text(&claims, claim) else {
                continue;
            };
            let value = header_text("", &text);
            let value = value.ok_or(Refusal::Invalid("A claim of the token is too long"))?;
            exchange.tell(name.clone(), value);
        }
        exchange.token = Some(Verified {
            claims,
            origin: Origin::Header(AUTHORIZATION),
            consumer: consumer_id,
        });
        Ok(())
    }

    fn answer(&self, refusal: &Refusal) -> Answer {
        let (status, message, challenge) = match refusal {
            Refusal::Missing => (StatusCode::UNAUTHORIZED, "Unauthorized", &self.challenge),
            Refusal::Invalid(message) => (StatusCode::UNAUTHORIZED, *message, &self.invalid_token),
            Refusal::Scope => (
                StatusCode::FORBIDDEN,
                "The token lacks a required scope",
                &self.insufficient_scope,
            ),
            Refusal::Away => {
                let text = "Tokens cannot be checked right now";
                return Answer::new(StatusCode::SERVICE_UNAVAILABLE, text);
            }
        };
        Answer::new(status, message).header(WWW_AUTHENTICATE, challenge.clone())
    }
}

fn at<'a>(claims: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(claims.get(first)?, |value, part| value.get(part))
}

fn claim(claims: &Map<String, Value>, path: &[String]) -> Option<String> {
    let text = at(claims, path)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// The texts of a claim: those of a list, or one, which may be several with blanks between them.
fn words(claims: &Map<String, Value>, path: &[String], splits: bool) -> Vec<String> {
    match at(claims, path) {
        Some(Value::String(text)) if splits => text
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            let texts = list.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// One of the required entries is there; all words of it.
fn fits(found: &[String], required: &[String]) -> bool {
    let has = |word: &str| found.iter().any(|found| found == word);
    required.iter().any(|entry| entry.split(' ').all(has))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_of_the_entries_is_needed_with_all_its_words() {
        for (found, required, expected) in [
            (json!("read write"), vec!["read"], true),
            (json!(["read", "write"]), vec!["write read"], true),
            (json!("read"), vec!["read write"], false),
            (json!("read"), vec!["write", "read"], true),
            (json!("reader"), vec!["read"], false),
            (json!(null), vec!["read"], false),
            (json!(7), vec!["7"], false),
        ] {
            let claims = Map::from_iter([("a".to_owned(), json!({ "b": found.clone() }))]);
            let found = words(&claims, &["a".to_owned(), "b".to_owned()], true);
            let required: Vec<String> = required.into_iter().map(str::to_owned).collect();
            assert_eq!(fits(&found, &required), expected, "{found:?} {required:?}");
        }
    }
}
