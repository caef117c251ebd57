//! Requests that their client has signed (gateway 7.3).

use std::{fmt::Write, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use ring::{digest, hmac};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{
    Verdict,
    authentication::{self, Credential},
};
use crate::{proxy::Exchange, worker::Worker};

#[derive(Deserialize)]
pub struct Config {
    hide_credentials: bool,
    clock_skew: f64,
    anonymous: Option<String>,
    validate_request_body: bool,
    enforce_headers: Option<Vec<String>>,
    algorithms: Option<Vec<Algorithm>>,
    realm: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Algorithm {
    #[serde(rename = "hmac-sha1")]
    Sha1,
    #[serde(rename = "hmac-sha256")]
    Sha256,
    #[serde(rename = "hmac-sha384")]
    Sha384,
    #[serde(rename = "hmac-sha512")]
    Sha512,
}

pub struct HmacAuth {
    config: Config,
    challenge: HeaderValue,
}

/// What a client says in `Authorization`.
#[derive(Debug, PartialEq, Eq)]
struct Signature<'a> {
    username: &'a str,
    algorithm: &'a str,
    headers: &'a str,
    value: &'a str,
}

const MISMATCH: &str = "HMAC signature does not match";

impl HmacAuth {
    pub fn new(config: Config) -> Result<Self, String> {
        Ok(Self {
            challenge: authentication::challenge("hmac", config.realm.as_deref())?,
            config,
        })
    }

    pub const fn reads_body(&self) -> bool {
        self.config.validate_request_body
    }

    pub fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let anonymous = self.config.anonymous.as_deref();
        if authentication::is_satisfied(exchange, anonymous) {
            return Verdict::Continue;
        }
        let found = self.verify(exchange, worker);
        let (consumer, credential) = match found {
            Ok(found) => found,
            Err(message) => {
                let answer = authentication::unauthorized(message, &self.challenge);
                return authentication::refuse(exchange, worker, anonymous, answer);
            }
        };
        if self.config.hide_credentials {
            exchange.head.headers.remove(AUTHORIZATION);
        }
        authentication::accept(exchange, consumer, credential);
        Verdict::Continue
    }

    fn verify(
        &self,
        exchange: &Exchange<'_>,
        worker: &Worker,
    ) -> Result<(std::sync::Arc<crate::live::Consumer>, Credential), &'static str> {
        let headers = &exchange.head.headers;
        let shown = [
            exchange.proxy_authorization.as_ref(),
            headers.get(AUTHORIZATION),
        ];
        let mut shown = shown.into_iter().flatten().peekable();
        if shown.peek().is_none() {
            return Err("Unauthorized");
        }
        let signature = shown
            .find_map(|value| Signature::parse(value.to_str().ok()?))
            .ok_or("HMAC signature cannot be verified")?;
        self.check_date(headers)?;
        let algorithm = self.algorithm(signature.algorithm)?;
        self.check_enforced(signature.headers)?;
        let directory = &worker.live().directory;
        let entry = directory.hmac(signature.username).ok_or(MISMATCH)?;
        let given = STANDARD.decode(signature.value).map_err(|_| MISMATCH)?;
        let text = signing_text(signature.headers, exchange);
        let key = hmac::Key::new(algorithm.hmac(), entry.secret.as_bytes());
        let computed = hmac::sign(&key, text.as_bytes());
        if !bool::from(computed.as_ref().ct_eq(&given)) {
            return Err(MISMATCH);
        }
        if self.config.validate_request_body {
            check_body(exchange)?;
        }
        let consumer = directory.consumer(entry.consumer).ok_or(MISMATCH)?;
        let identifier = HeaderValue::from_bytes(signature.username.as_bytes()).ok();
        Ok((
            consumer,
            Credential {
                id: entry.id,
                identifier,
            },
        ))
    }

    /// Signatures from another time may be repeated ones.
    fn check_date(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        const MESSAGE: &str = "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication";
        let date = headers.get("x-date").or_else(|| headers.get("date"));
        let date = date.and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        let date = date.ok_or(MESSAGE)?;
        let distance = service::clock::now().signed_duration_since(date);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a distance of times is far below 2^52"
        )]
        let distance = distance.num_milliseconds().unsigned_abs() as f64 / 1000.0;
        if distance <= self.config.clock_skew {
            Ok(())
        } else {
            Err(MESSAGE)
        }
    }

    fn algorithm(&self, name: &str) -> Result<Algorithm, &'static str> {
        let allowed = self.config.algorithms.iter().flatten().copied();
        let mut allowed = allowed.filter(|algorithm| algorithm.name() == name);
        allowed.next().ok_or("algorithm not supported")
    }

    fn check_enforced(&self, signed: &str) -> Result<(), &'static str> {
        let is_signed = |name: &String| {
            signed
                .split_ascii_whitespace()
                .any(|signed| signed.eq_ignore_ascii_case(name))
        };
        if self.config.enforce_headers.iter().flatten().all(is_signed) {
            Ok(())
        } else {
            Err("enforced header not used for HMAC Authentication")
        }
    }
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "hmac-sha1",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }

    const fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

impl<'a> Signature<'a> {
    /// `hmac username="…", algorithm="…", headers="…", signature="…"`, in this order.
    fn parse(value: &'a str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("hmac") {
            return None;
        }
        let (username, rest) = parameter(rest, "username")?;
        let (algorithm, rest) = parameter(rest, "algorithm")?;
        let (headers, rest) = parameter(rest, "headers")?;
        let (value, _) = parameter(rest, "signature")?;
        Some(Self {
            username,
            algorithm,
            headers,
            value,
        })
    }
}

/// The value of `name="…"` at the start, and what follows.
fn parameter<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let text = text.trim_start().strip_prefix(name)?.strip_prefix("=\"")?;
    let (value, rest) = text.split_once('"')?;
    let rest = rest.trim_start();
    (!value.is_empty()).then(|| (value, rest.strip_prefix(',').unwrap_or(rest)))
}

/// One line per signed name.
fn signing_text(names: &str, exchange: &Exchange<'_>) -> String {
    let target = exchange
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let method = &exchange.client_method;
    let mut text = String::new();
    for (position, name) in names.split_ascii_whitespace().enumerate() {
        if position > 0 {
            text.push('\n');
        }
        let _ = match name {
            "@request-target" => {
                let method = method.as_str().to_ascii_lowercase();
                write!(text, "{name}: {method} {target}")
            }
            "request-line" => write!(text, "{method} {target} {:?}", exchange.head.version),
            _ => write_header(&mut text, name, exchange),
        };
    }
    text
}

fn write_header(text: &mut String, name: &str, exchange: &Exchange<'_>) -> std::fmt::Result {
    let values: Vec<_> = HeaderName::from_str(name)
        .map(|name| exchange.head.headers.get_all(name).iter().collect())
        .unwrap_or_default();
    if values.is_empty() {
        // HTTP/2 names its host in the target.
        return match exchange.uri.authority() {
            Some(host) if name.eq_ignore_ascii_case("host") => write!(text, "{name}: {host}"),
            _ => write!(text, "{name}:"),
        };
    }
    let values: Vec<_> = values
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    write!(text, "{name}: {}", values.join(", "))
}

/// `Digest: SHA-256=…` is that of the body. Without one there must be no body.
fn check_body(exchange: &Exchange<'_>) -> Result<(), &'static str> {
    let body = exchange.kept_body().map_or(&b""[..], |body| body);
    let Some(given) = exchange.head.headers.get("digest") else {
        return if body.is_empty() {
            Ok(())
        } else {
            Err(MISMATCH)
        };
    };
    let given = given.to_str().ok().and_then(|text| {
        let (kind, encoded) = text.split_once('=')?;
        kind.eq_ignore_ascii_case("sha-256")
            .then(|| STANDARD.decode(encoded).ok())
            .flatten()
    });
    let computed = digest::digest(&digest::SHA256, body);
    if given.is_some_and(|given| given == computed.as_ref()) {
        Ok(())
    } else {
        Err(MISMATCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_taken_apart() {
        let text =
            r#"HMAC username="bob",algorithm="hmac-sha256",  headers="date x", signature="AA==""#;
        let parsed = Signature::parse(text).unwrap();
        assert_eq!((parsed.username, parsed.headers), ("bob", "date x"));
        for broken in [
            "",
            "hmac",
            "Basic abc",
            r#"hmac algorithm="a", username="b", headers="c", signature="d""#,
            r#"hmac username="b", algorithm="a", headers="c""#,
            r#"hmac username="", algorithm="a", headers="c", signature="d""#,
        ] {
            assert_eq!(Signature::parse(broken), None, "{broken}");
        }
    }
}
