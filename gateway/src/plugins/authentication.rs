//! What the authentication plugins have in common: their result, and several of them together.

use std::sync::Arc;

use http::{HeaderValue, header::WWW_AUTHENTICATE};
use uuid::Uuid;

use super::Verdict;
use crate::{
    live::Consumer,
    proxy::{Answer, Exchange, headers::names},
    worker::Worker,
};

/// A credential that was accepted.
#[derive(Clone)]
pub struct Credential {
    pub id: Uuid,
    pub identifier: Option<HeaderValue>,
}

/// Sets the consumer and its headers. A later success replaces an earlier one completely.
pub fn accept(exchange: &mut Exchange<'_>, consumer: Arc<Consumer>, credential: Credential) {
    set_consumer(exchange, &consumer);
    let headers = &mut exchange.head.headers;
    if exchange.anonymous {
        headers.remove(&names::ANONYMOUS);
    }
    match &credential.identifier {
        Some(identifier) => {
            headers.insert(names::CREDENTIAL_IDENTIFIER, identifier.clone());
        }
        None => {
            headers.remove(&names::CREDENTIAL_IDENTIFIER);
        }
    }
    exchange.anonymous = false;
    exchange.consumer = Some(consumer);
    exchange.credential = Some(credential);
}

/// Accepts somebody who is no consumer; `proof` tells one from another.
pub fn accept_stranger(exchange: &mut Exchange<'_>, proof: &[u8], identifier: Option<HeaderValue>) {
    let digest = ring::digest::digest(&ring::digest::SHA256, proof);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    let headers = &mut exchange.head.headers;
    for name in [
        names::CONSUMER_ID,
        names::CONSUMER_CUSTOM_ID,
        names::CONSUMER_USERNAME,
        names::ANONYMOUS,
        names::CREDENTIAL_IDENTIFIER,
    ] {
        headers.remove(name);
    }
    if let Some(identifier) = &identifier {
        headers.insert(names::CREDENTIAL_IDENTIFIER, identifier.clone());
    }
    exchange.anonymous = false;
    exchange.consumer = None;
    exchange.credential = Some(Credential {
        id: uuid::Builder::from_random_bytes(bytes).into_uuid(),
        identifier,
    });
}

fn set_consumer(exchange: &mut Exchange<'_>, consumer: &Consumer) {
    let replaces = exchange.consumer.is_some();
    let headers = &mut exchange.head.headers;
    for (name, value) in [
        (names::CONSUMER_ID, consumer.id_header()),
        (names::CONSUMER_CUSTOM_ID, consumer.custom_id_header()),
        (names::CONSUMER_USERNAME, consumer.username_header()),
    ] {
        match value {
            Some(value) => {
                headers.insert(name, value);
            }
            None if replaces => {
                headers.remove(name);
            }
            None => {}
        }
    }
}

/// With `anonymous`, a refusal lets the anonymous consumer in.
pub fn refuse(
    exchange: &mut Exchange<'_>,
    worker: &Worker,
    anonymous: Option<&str>,
    answer: Answer,
) -> Verdict {
    let Some(name) = anonymous else {
        return answer.into();
    };
    let Some(consumer) = worker.live().directory.consumer_named(name) else {
        tracing::error!("the anonymous consumer `{name}` of a plugin does not exist");
        return Answer::internal_error().into();
    };
    set_consumer(exchange, &consumer);
    exchange.head.headers.remove(&names::CREDENTIAL_IDENTIFIER);
    exchange
        .head
        .headers
        .insert(names::ANONYMOUS, HeaderValue::from_static("true"));
    exchange.anonymous = true;
    exchange.consumer = Some(consumer);
    exchange.credential = None;
    Verdict::Continue
}

/// With `anonymous`, a credential accepted before is enough.
pub fn is_satisfied(exchange: &Exchange<'_>, anonymous: Option<&str>) -> bool {
    anonymous.is_some() && exchange.credential.is_some()
}

/// `401` with its challenge.
pub fn unauthorized(message: &'static str, challenge: &HeaderValue) -> Answer {
    Answer::new(http::StatusCode::UNAUTHORIZED, message).header(WWW_AUTHENTICATE, challenge.clone())
}

/// `<scheme>` or `<scheme> realm="…"`.
pub fn challenge(scheme: &str, realm: Option<&str>) -> Result<HeaderValue, String> {
    super::header_value(&match realm {
        Some(realm) => format!("{scheme} realm=\"{}\"", quotable(realm)),
        None => scheme.to_owned(),
    })
}

/// `Bearer` with what there is to say: realm, error, and where the resource is described (RFC 9728).
pub fn bearer_challenge(
    realm: Option<&str>,
    error: Option<&str>,
    resource_metadata: Option<&str>,
) -> Result<HeaderValue, String> {
    let members = [
        ("realm", realm),
        ("error", error),
        ("resource_metadata", resource_metadata),
    ];
    let members: Vec<String> = members
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}=\"{}\"", quotable(value?))))
        .collect();
    super::header_value(format!("Bearer {}", members.join(", ")).trim_end())
}

fn quotable(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The token of `Bearer <token>`.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}
