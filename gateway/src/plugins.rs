//! The plugins: what each does to a request. Their names, priorities and configuration schemas
//! are in the crate `kong`.
//!
//! All of them decide from memory, but for the one that asks an auth server about tokens
//! ([`identity`] with `source: introspection`).

mod acl;
mod authentication;
mod correlation_id;
mod cors;
pub mod identity;
mod ip_restriction;
pub mod jwt;
mod key_auth;
pub mod prometheus;
pub mod rate_limiting;
mod request_size_limiting;
mod request_termination;
mod request_transformer;
mod response_transformer;
mod transformer;
pub mod usage;

use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use authentication::Credential;
pub use response_transformer::ResponseTransformer;

use crate::{
    live::{Bound, Consumer, Target},
    proxy::{Answer, Exchange},
    worker::Worker,
};

/// Names in the order in which they run; a plugin's position is its ordinal.
const ORDER: [&str; COUNT] = [
    "correlation-id",
    "cors",
    "jwt",
    "key-auth",
    "wicketgate-identity",
    "ip-restriction",
    "request-size-limiting",
    "acl",
    "rate-limiting",
    "request-transformer",
    "response-transformer",
    "prometheus",
    "wicketgate-usage",
    "request-termination",
];

pub const COUNT: usize = 14;
/// Ordinal of plugins that this release does not know.
pub const UNKNOWN: u8 = 14;
const RESPONSE_TRANSFORMER: u8 = 10;
pub const PROMETHEUS: u8 = 11;
pub const USAGE: u8 = 12;

pub fn ordinal(name: &str) -> Option<u8> {
    u8::try_from(ORDER.iter().position(|known| *known == name)?).ok()
}

/// A plugin with its configuration, ready to run.
pub enum Plugin {
    CorrelationId(correlation_id::CorrelationId),
    Cors(cors::Cors),
    Jwt(jwt::Jwt),
    KeyAuth(key_auth::KeyAuth),
    Identity(identity::Identity),
    IpRestriction(ip_restriction::IpRestriction),
    RequestSizeLimiting(request_size_limiting::RequestSizeLimiting),
    Acl(acl::Acl),
    RateLimiting(rate_limiting::RateLimiting),
    RequestTransformer(request_transformer::RequestTransformer),
    ResponseTransformer(Arc<ResponseTransformer>),
    Prometheus(prometheus::Prometheus),
    Usage(usage::Usage),
    RequestTermination(request_termination::RequestTermination),
    /// Cannot do its work: requests end with 500, never pass unchecked.
    Broken,
}

/// Whether a request goes on.
pub enum Verdict {
    Continue,
    /// Boxed: it is the rare case, and the other one should stay small.
    Answer(Box<Answer>),
}

impl From<Answer> for Verdict {
    fn from(answer: Answer) -> Self {
        Self::Answer(Box::new(answer))
    }
}

impl Plugin {
    pub fn compile(entity: &kong::Plugin) -> Self {
        Self::try_compile(entity).unwrap_or_else(|reason| {
            tracing::error!(
                plugin.id = %entity.id,
                "plugin `{}` cannot be used, its requests will be refused: {reason}",
                entity.name
            );
            Self::Broken
        })
    }

    fn try_compile(entity: &kong::Plugin) -> Result<Self, String> {
        Ok(match entity.name.as_str() {
            "correlation-id" => {
                Self::CorrelationId(correlation_id::CorrelationId::new(&config(entity)?)?)
            }
            "cors" => Self::Cors(cors::Cors::new(config(entity)?)?),
            "jwt" => Self::Jwt(jwt::Jwt::new(config(entity)?)?),
            "key-auth" => Self::KeyAuth(key_auth::KeyAuth::new(config(entity)?)?),
            "wicketgate-identity" => Self::Identity(identity::Identity::new(config(entity)?)?),
            "ip-restriction" => {
                Self::IpRestriction(ip_restriction::IpRestriction::new(config(entity)?)?)
            }
            "request-size-limiting" => Self::RequestSizeLimiting(config(entity)?),
            "acl" => Self::Acl(config(entity)?),
            "rate-limiting" => {
                Self::RateLimiting(rate_limiting::RateLimiting::new(entity, config(entity)?)?)
            }
            "request-transformer" => Self::RequestTransformer(
                request_transformer::RequestTransformer::new(config(entity)?)?,
            ),
            "response-transformer" => {
                Self::ResponseTransformer(Arc::new(ResponseTransformer::new(&config(entity)?)?))
            }
            "prometheus" => Self::Prometheus(config(entity)?),
            "wicketgate-usage" => Self::Usage(usage::Usage::new(config(entity)?)?),
            "request-termination" => Self::RequestTermination(
                request_termination::RequestTermination::new(config(entity)?)?,
            ),
            other => return Err(kong::plugins::unknown(other)),
        })
    }

    /// The access phase. Nearly all plugins decide from memory.
    pub async fn run(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        match self {
            // In a box: the others must not pay for the place that the question needs.
            Self::Identity(plugin) if plugin.asks() => Box::pin(plugin.ask(exchange, worker)).await,
            _ => self.access(exchange, worker),
        }
    }

    fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        match self {
            Self::CorrelationId(plugin) => plugin.access(exchange, worker),
            Self::Cors(plugin) => plugin.access(exchange),
            Self::Jwt(plugin) => plugin.access(exchange, worker),
            Self::KeyAuth(plugin) => plugin.access(exchange, worker),
            Self::Identity(plugin) => plugin.access(exchange),
            Self::IpRestriction(plugin) => plugin.access(exchange),
            Self::RequestSizeLimiting(plugin) => plugin.access(exchange),
            Self::Acl(plugin) => plugin.access(exchange),
            Self::RateLimiting(plugin) => plugin.access(exchange, worker),
            Self::RequestTransformer(plugin) => plugin.access(exchange),
            Self::RequestTermination(plugin) => plugin.access(exchange),
            // They act on the answer, or only watch.
            Self::ResponseTransformer(_) | Self::Prometheus(_) | Self::Usage(_) => {
                Verdict::Continue
            }
            Self::Broken => Answer::internal_error().into(),
        }
    }
}

/// The configuration of a plugin that counts for this route and consumer: the most specific one.
pub fn select<'a>(
    target: &'a Target,
    consumer: Option<&'a Consumer>,
    ordinal: u8,
) -> Option<&'a Bound> {
    let general = target.plugins.get(ordinal);
    let Some(consumer) = consumer.filter(|consumer| consumer.mask & (1 << ordinal) != 0) else {
        return general;
    };
    let service = target.service.as_ref().map(|service| service.id);
    consumer
        .plugins
        .iter()
        .filter(|bound| bound.ordinal == ordinal && bound.fits(Some(target.id), service))
        .chain(general)
        .min_by_key(|bound| bound.level())
}

/// What changes the answer of this request, whoever makes it: also one that a plugin before it
/// has refused (gateway 6.2).
pub fn response_transformer(
    target: &Target,
    consumer: Option<&Consumer>,
) -> Option<Arc<ResponseTransformer>> {
    match &*select(target, consumer, RESPONSE_TRANSFORMER)?.plugin {
        Plugin::ResponseTransformer(plugin) => Some(plugin.clone()),
        _ => None,
    }
}

fn config<T: DeserializeOwned>(entity: &kong::Plugin) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::Object(entity.config.clone()))
        .map_err(|error| error.to_string())
}

/// A header name that the schema has checked.
fn header_name(name: &str) -> Result<http::HeaderName, String> {
    http::HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("`{name}` is not a header name"))
}

fn header_value(value: &str) -> Result<http::HeaderValue, String> {
    http::HeaderValue::from_bytes(value.as_bytes()).map_err(|_| "not a header value".to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn ordinals_follow_the_priorities() {
        let names: Vec<&str> = kong::plugins::all()
            .iter()
            .map(|plugin| plugin.name)
            .collect();
        assert_eq!(names, super::ORDER);
        let response = super::ordinal("response-transformer");
        assert_eq!(response, Some(super::RESPONSE_TRANSFORMER));
        assert_eq!(super::ordinal("prometheus"), Some(super::PROMETHEUS));
        assert_eq!(super::ordinal("wicketgate-usage"), Some(super::USAGE));
    }
}
