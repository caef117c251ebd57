//! From a verified token to the identity headers that the backend believes.

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

mod introspection;

use super::{Verdict, authentication, jwt::Origin};
use crate::proxy::{Answer, Exchange};

pub use introspection::{Asked, Introspector};

#[derive(Deserialize)]
pub struct Config {
    source: Source,
    introspection_url: Option<String>,
    introspection_token: Option<String>,
    cache_ttl: Option<f64>,
    userid_claim: String,
    scope_claim: String,
    userid_header: String,
    scope_header: String,
    userid_prefix: Option<String>,
    required_scopes: Option<Vec<String>>,
    required_audience: Option<Vec<String>>,
    required_issuer: Option<Vec<String>>,
    /// Where a client reads how to get a token.
    resource_metadata: Option<String>,
    remove_token: bool,
    on_missing: OnMissing,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Jwt,
    None,
    Introspection,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnMissing {
    Deny,
    Pass,
}

pub struct Identity {
    config: Config,
    /// Whom to ask about tokens that say nothing themselves.
    question: Option<introspection::Question>,
    userid_header: HeaderName,
    scope_header: HeaderName,
    /// Of a call without a token.
    challenge: HeaderValue,
    /// Of one with a token that does not count.
    invalid_token: HeaderValue,
}

/// Longer values are not put into a header.
const MAX_LENGTH: usize = 8 * 1024;

impl Identity {
    pub fn new(config: Config) -> Result<Self, String> {
        let challenge = |error| {
            let metadata = config.resource_metadata.as_deref();
            authentication::bearer_challenge(None, error, metadata)
        };
        Ok(Self {
            challenge: challenge(None)?,
            invalid_token: challenge(Some("invalid_token"))?,
            userid_header: super::header_name(&config.userid_header)?,
            scope_header: super::header_name(&config.scope_header)?,
            question: (config.source == Source::Introspection)
                .then(|| introspection::Question::new(&config))
                .transpose()?,
            config,
        })
    }

    /// Whether the auth server has to be asked, so that [`Self::ask`] does the work.
    pub const fn asks(&self) -> bool {
        self.question.is_some()
    }

    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        self.remove_headers(exchange);
        if self.config.source == Source::None {
            return Verdict::Continue;
        }
        let current = exchange.consumer.as_ref().map(|consumer| consumer.id());
        let Some(verified) = exchange
            .token
            .as_ref()
            .filter(|token| token.consumer == current)
        else {
            return match self.config.on_missing {
                OnMissing::Deny => self.unauthorized("A verified token is required"),
                OnMissing::Pass => Verdict::Continue,
            };
        };
        let (claims, origin) = (verified.claims.clone(), verified.origin.clone());
        self.pass_on(exchange, &claims, origin)
    }

    /// Names configured here are identity headers, too: clients must not bring them.
    fn remove_headers(&self, exchange: &mut Exchange<'_>) {
        exchange.head.headers.remove(&self.userid_header);
        exchange.head.headers.remove(&self.scope_header);
    }

    /// Checks what a token says, and tells the backend.
    fn pass_on(
        &self,
        exchange: &mut Exchange<'_>,
        claims: &Map<String, Value>,
        origin: Origin,
    ) -> Verdict {
        if let Err(refusal) = self.check(claims) {
            return refusal;
        }
        let prefix = self.config.userid_prefix.as_deref().unwrap_or_default();
        for (header, claim, prefix) in [
            (&self.userid_header, &self.config.userid_claim, prefix),
            (&self.scope_header, &self.config.scope_claim, ""),
        ] {
            let Some(text) = text(claims, claim) else {
                continue;
            };
            match header_text(prefix, &text) {
                Some(value) => exchange.tell(header.clone(), value),
                None => return self.unauthorized("A claim of the token is too long"),
            }
        }
        if self.config.remove_token {
            match origin {
                Origin::Header(name) => {
                    exchange.head.headers.remove(name);
                }
                Origin::Query(name) => exchange.remove_query_parameter(&name),
                Origin::Cookie => {}
            }
        }
        Verdict::Continue
    }

    fn check(&self, claims: &Map<String, Value>) -> Result<(), Verdict> {
        // Proof of possession is not checked here, so a bound token would be worth too much.
        if claims.contains_key("cnf") {
            return Err(self.unauthorized("Tokens bound to a key are not accepted"));
        }
        let fits = |required: &Option<Vec<String>>, claim: &str| match required {
            None => true,
            Some(required) => match claims.get(claim) {
                Some(Value::String(one)) => required.contains(one),
                Some(Value::Array(several)) => several
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|value| required.iter().any(|required| required == value)),
                _ => false,
            },
        };
        if !fits(&self.config.required_issuer, "iss") {
            return Err(self.unauthorized("The token comes from another issuer"));
        }
        if !fits(&self.config.required_audience, "aud") {
            return Err(self.unauthorized("The token is for another audience"));
        }
        if let Some(required) = &self.config.required_scopes {
            let scope = text(claims, &self.config.scope_claim).unwrap_or_default();
            let has = |wanted: &String| scope.split(' ').any(|scope| scope == wanted);
            if !required.iter().all(has) {
                return Err(
                    Answer::new(StatusCode::FORBIDDEN, "The token lacks a required scope").into(),
                );
            }
        }
        Ok(())
    }

    fn unauthorized(&self, message: &'static str) -> Verdict {
        authentication::unauthorized(message, &self.invalid_token).into()
    }
}

/// The claim at a dotted path as text; a list is joined with blanks.
pub fn text(claims: &Map<String, Value>, path: &str) -> Option<String> {
    let value = claims.get(path).or_else(|| {
        let mut parts = path.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    })?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let texts: Vec<String> = list.iter().filter_map(single).collect();
            Some(texts.join(" "))
        }
        other => single(other),
    }
}

fn single(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Visible ASCII as it is, blanks inside too, everything else percent-encoded.
pub fn header_text(prefix: &str, text: &str) -> Option<HeaderValue> {
    let mut encoded = String::with_capacity(prefix.len() + text.len());
    encoded.push_str(prefix);
    for byte in text.bytes() {
        if byte.is_ascii_graphic() || byte == b' ' {
            encoded.push(char::from(byte));
        } else {
            use std::fmt::Write;
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    if encoded.len() > MAX_LENGTH {
        None
    } else {
        HeaderValue::from_str(&encoded).ok()
    }
}
