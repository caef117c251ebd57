mod cache;
mod key;
mod p521;
mod token;

use std::rc::Rc;

use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{COOKIE, WWW_AUTHENTICATE},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Verdict,
    authentication::{self, Credential},
};
use crate::{
    proxy::{Answer, Exchange},
    worker::Worker,
};

pub use cache::TokenCache;
pub use key::{VerificationKey, rsa_algorithm};
pub use p521::{COORDINATE, P521Key};
pub use token::{Token, was_ended};

#[derive(Deserialize)]
pub struct Config {
    uri_param_names: Option<Vec<String>>,
    cookie_names: Option<Vec<String>>,
    header_names: Option<Vec<String>>,
    key_claim_name: Option<String>,
    secret_is_base64: bool,
    claims_to_verify: Option<Vec<String>>,
    maximum_expiration: Option<f64>,
    anonymous: Option<String>,
    realm: Option<String>,
    /// Where a client reads how to get a token. Kong does not know this member.
    resource_metadata: Option<String>,
    run_on_preflight: bool,
}

/// A client shows a signed token.
#[expect(clippy::struct_excessive_bools, reason = "the flags are Kong's")]
pub struct Jwt {
    headers: Vec<HeaderName>,
    parameters: Vec<String>,
    cookies: Vec<String>,
    key_claim: String,
    secret_is_base64: bool,
    verify_exp: bool,
    verify_nbf: bool,
    maximum_expiration: f64,
    anonymous: Option<String>,
    run_on_preflight: bool,
    challenge: HeaderValue,
    invalid_token: HeaderValue,
}

/// Longer tokens are refused before anything is computed.
const MAX_LENGTH: usize = 16 * 1024;

/// Where a token came from, so that it can be removed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Header(HeaderName),
    Query(String),
    Cookie,
}

/// A token verified in this request.
pub struct Verified {
    pub claims: Rc<Map<String, Value>>,
    pub origin: Origin,
    /// Nobody, for a token of somebody who is no consumer.
    pub consumer: Option<Uuid>,
}

/// Why a token is refused.
pub enum Refusal {
    Message(&'static str),
    /// `{"exp": "…"}`
    Claim(&'static str, &'static str),
}

impl Jwt {
    pub fn new(config: Config) -> Result<Self, String> {
        let realm = config.realm.as_deref();
        let challenge = |error| {
            let metadata = config.resource_metadata.as_deref();
            authentication::bearer_challenge(realm, error, metadata)
        };
        let (challenge, invalid_token) = (challenge(None)?, challenge(Some("invalid_token"))?);
        let verifies = |claim: &str| {
            config
                .claims_to_verify
                .iter()
                .flatten()
                .any(|verified| verified == claim)
        };
        Ok(Self {
            headers: config
                .header_names
                .iter()
                .flatten()
                .map(|name| super::header_name(name))
                .collect::<Result<_, _>>()?,
            verify_exp: verifies("exp"),
            verify_nbf: verifies("nbf"),
            parameters: config.uri_param_names.unwrap_or_default(),
            cookies: config.cookie_names.unwrap_or_default(),
            key_claim: config.key_claim_name.unwrap_or_else(|| "iss".to_owned()),
            secret_is_base64: config.secret_is_base64,
            maximum_expiration: config.maximum_expiration.unwrap_or_default(),
            anonymous: config.anonymous,
            run_on_preflight: config.run_on_preflight,
            invalid_token,
            challenge,
        })
    }

    /// Names of headers and parameters that tokens are in.
    pub fn names(&self) -> Vec<String> {
        let headers = self.headers.iter().map(|name| name.as_str().to_owned());
        headers.chain(self.parameters.iter().cloned()).collect()
    }

    pub fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        if !self.run_on_preflight && exchange.head.method == Method::OPTIONS
            || authentication::is_satisfied(exchange, self.anonymous.as_deref())
        {
            return Verdict::Continue;
        }
        let refuse = |exchange: &mut Exchange<'_>, answer| {
            authentication::refuse(exchange, worker, self.anonymous.as_deref(), answer)
        };
        let (text, origin) = match self.collect(exchange) {
            Ok(Some(found)) => found,
            Ok(None) => {
                return refuse(
                    exchange,
                    authentication::unauthorized("Unauthorized", &self.challenge),
                );
            }
            Err(refusal) => return refuse(exchange, self.answer(&refusal)),
        };
        match self.verify(text.as_bytes(), worker) {
            Ok((token, consumer)) => {
                let credential = Credential {
                    id: token.key.id,
                    identifier: token.key.identifier(),
                };
                exchange.token = Some(Verified {
                    claims: token.claims.clone(),
                    origin,
                    consumer: Some(consumer.id()),
                });
                authentication::accept(exchange, consumer, credential);
                Verdict::Continue
            }
            Err(refusal) => refuse(exchange, self.answer(&refusal)),
        }
    }

    /// The one token of the request. Equal ones count once, different ones contradict each other.
    fn collect(&self, exchange: &Exchange<'_>) -> Result<Option<(String, Origin)>, Refusal> {
        let mut found: Option<(String, Origin)> = None;
        let mut add = |text: &str, origin: Origin| match &found {
            Some((known, _)) if known != text => Err(Refusal::Message("Multiple tokens provided")),
            Some(_) => Ok(()),
            None => {
                found = Some((text.to_owned(), origin));
                Ok(())
            }
        };
        if !self.parameters.is_empty()
            && let Some(query) = exchange.query()
        {
            for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
                if !value.is_empty() && self.parameters.iter().any(|parameter| *parameter == name) {
                    add(&value, Origin::Query(name.into_owned()))?;
                }
            }
        }
        if !self.cookies.is_empty() {
            let cookies = exchange
                .head
                .headers
                .get_all(COOKIE)
                .iter()
                .filter_map(|value| value.to_str().ok());
            for pair in cookies.flat_map(|value| value.split(';')) {
                let Some((name, value)) = pair.trim().split_once('=') else {
                    continue;
                };
                if !value.is_empty() && self.cookies.iter().any(|cookie| cookie == name) {
                    add(value, Origin::Cookie)?;
                }
            }
        }
        for name in &self.headers {
            for value in exchange.head.headers.get_all(name) {
                if let Some(token) = value.to_str().ok().and_then(authentication::bearer) {
                    add(token, Origin::Header(name.clone()))?;
                }
            }
        }
        Ok(found)
    }

    fn verify(
        &self,
        text: &[u8],
        worker: &Worker,
    ) -> Result<(Rc<Token>, std::sync::Arc<crate::live::Consumer>), Refusal> {
        if text.len() > MAX_LENGTH {
            return Err(Refusal::Message("Bad token: too long"));
        }
        let directory = &worker.live().directory;
        let digest: [u8; 32] = ring::digest::digest(&ring::digest::SHA256, text)
            .as_ref()
            .try_into()
            .expect("SHA-256 has 32 bytes");
        // Bound first: the borrow must not last until a new token is put in.
        let known = worker.tokens().get(&digest, &self.key_claim, directory);
        let token = if let Some(token) = known {
            token
        } else {
            let token = Token::verify(text, &self.key_claim, self.secret_is_base64, directory)?;
            let token = Rc::new(token);
            worker.tokens().insert(digest, token.clone());
            token
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float")]
        let now = service::clock::now().timestamp_millis() as f64 / 1000.0;
        self.check_times(&token, now)?;
        if was_ended(&token.claims, &worker.live().revoked.load()) {
            return Err(Refusal::Message("The token has been revoked"));
        }
        let consumer = directory
            .consumer(token.key.consumer)
            .ok_or(Refusal::Message("No credentials found for this token"))?;
        Ok((token, consumer))
    }

    fn check_times(&self, token: &Token, now: f64) -> Result<(), Refusal> {
        let number = |claim: &str| token.claims.get(claim).and_then(serde_json::Value::as_f64);
        if self.verify_exp {
            let expires = number("exp").ok_or(Refusal::Claim("exp", "must be a number"))?;
            if expires <= now {
                return Err(Refusal::Claim("exp", "token expired"));
            }
            if self.maximum_expiration > 0.0 && expires - now > self.maximum_expiration {
                return Err(Refusal::Claim("exp", "exceeds maximum allowed expiration"));
            }
        }
        if self.verify_nbf {
            let starts = number("nbf").ok_or(Refusal::Claim("nbf", "must be a number"))?;
            if starts > now {
                return Err(Refusal::Claim("nbf", "token not valid yet"));
            }
        }
        Ok(())
    }

    fn answer(&self, refusal: &Refusal) -> Answer {
        let answer = match refusal {
            Refusal::Message(message) => Answer::new(StatusCode::UNAUTHORIZED, *message),
            Refusal::Claim(claim, fault) => Answer::json(
                StatusCode::UNAUTHORIZED,
                &serde_json::json!({ *claim: fault }),
            ),
        };
        answer.header(WWW_AUTHENTICATE, self.invalid_token.clone())
    }
}
