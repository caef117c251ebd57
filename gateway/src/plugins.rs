//! The plugins: what each does to a request. Their names, priorities and configuration schemas
//! are in the crate `kong`.
//!
//! All of them decide from memory, but for those that ask: an auth server about tokens ([`identity`]
//! with `source: introspection`), an issuer about keys that are new to them ([`openid_connect`]), or a
//! database ([`data_service`]).

mod acl;
mod authentication;
pub mod basic_auth;
mod bot_detection;
pub mod compose;
mod correlation_id;
mod cors;
mod data_service;
mod fetch;
mod hmac_auth;
pub mod identity;
mod ip_restriction;
pub mod jwt;
mod key_auth;
pub mod log;
pub mod mtls_auth;
pub mod openid_connect;
pub mod opentelemetry;
mod operations;
pub mod password;
pub mod prometheus;
pub mod proxy_cache;
pub mod rate_limiting;
mod redirect;
mod request_fields;
mod request_size_limiting;
mod request_termination;
mod request_transformer;
pub mod response_ratelimiting;
mod response_transformer;
mod shared;
mod transformer;
pub mod usage;

use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use authentication::Credential;
pub use compose::Composition;
pub use request_fields::RequestFields;
pub use request_transformer::uri_capture;
pub use response_transformer::ResponseTransformer;

use crate::{
    live::{Bound, Consumer, Target},
    proxy::{Answer, Exchange},
    vault,
    worker::Worker,
};

/// Names in the order in which they run; a plugin's position is its ordinal.
const ORDER: &[&str] = &[
    "correlation-id",
    "bot-detection",
    "cors",
    "mtls-auth",
    "jwt",
    "key-auth",
    "basic-auth",
    "openid-connect",
    "hmac-auth",
    "wicketgate-identity",
    "ip-restriction",
    "request-size-limiting",
    "acl",
    "rate-limiting",
    "response-ratelimiting",
    "request-transformer",
    "response-transformer",
    "redirect",
    "proxy-cache",
    "opentelemetry",
    "prometheus",
    "http-log",
    "wicketgate-usage",
    "file-log",
    "request-termination",
    "compose",
    "data-service",
];

/// Ordinal of plugins that this release does not know: the one after the last.
pub const UNKNOWN: u8 = position("");
const JWT: u8 = position("jwt");
const KEY_AUTH: u8 = position("key-auth");
const RESPONSE_TRANSFORMER: u8 = position("response-transformer");
pub const OPENTELEMETRY: u8 = position("opentelemetry");
pub const PROMETHEUS: u8 = position("prometheus");
pub const HTTP_LOG: u8 = position("http-log");
pub const USAGE: u8 = position("wicketgate-usage");
pub const FILE_LOG: u8 = position("file-log");
/// Those that write records of requests.
pub const LOGS: u32 = 1 << HTTP_LOG | 1 << FILE_LOG | 1 << OPENTELEMETRY;

/// The place in the order, known to the compiler.
const fn position(name: &str) -> u8 {
    let mut at = 0;
    while (at as usize) < ORDER.len() && !is_same(ORDER[at as usize].as_bytes(), name.as_bytes()) {
        at += 1;
    }
    at
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

pub fn ordinal(name: &str) -> Option<u8> {
    u8::try_from(ORDER.iter().position(|known| *known == name)?).ok()
}

/// A plugin with its configuration, ready to run.
pub enum Plugin {
    CorrelationId(correlation_id::CorrelationId),
    BotDetection(bot_detection::BotDetection),
    Cors(cors::Cors),
    MtlsAuth(Box<mtls_auth::MtlsAuth>),
    Jwt(jwt::Jwt),
    KeyAuth(key_auth::KeyAuth),
    BasicAuth(basic_auth::BasicAuth),
    OpenIdConnect(Box<openid_connect::OpenIdConnect>),
    HmacAuth(hmac_auth::HmacAuth),
    Identity(identity::Identity),
    IpRestriction(ip_restriction::IpRestriction),
    RequestSizeLimiting(request_size_limiting::RequestSizeLimiting),
    Acl(acl::Acl),
    RateLimiting(rate_limiting::RateLimiting),
    ResponseRateLimiting(Arc<response_ratelimiting::ResponseRateLimiting>),
    RequestTransformer(request_transformer::RequestTransformer),
    ResponseTransformer(Arc<ResponseTransformer>),
    Redirect(redirect::Redirect),
    ProxyCache(Arc<proxy_cache::ProxyCache>),
    OpenTelemetry(Box<opentelemetry::OpenTelemetry>),
    Prometheus(prometheus::Prometheus),
    Log(log::Log),
    Usage(usage::Usage),
    RequestTermination(request_termination::RequestTermination),
    Compose(compose::Compose),
    DataService(data_service::DataService),
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
            "bot-detection" => {
                Self::BotDetection(bot_detection::BotDetection::new(&config(entity)?)?)
            }
            "cors" => Self::Cors(cors::Cors::new(config(entity)?)?),
            "mtls-auth" => Self::MtlsAuth(Box::new(mtls_auth::MtlsAuth::new(config(entity)?)?)),
            "jwt" => Self::Jwt(jwt::Jwt::new(config(entity)?)?),
            "key-auth" => Self::KeyAuth(key_auth::KeyAuth::new(config(entity)?)?),
            "basic-auth" => Self::BasicAuth(basic_auth::BasicAuth::new(config(entity)?)?),
            "openid-connect" => Self::OpenIdConnect(Box::new(openid_connect::OpenIdConnect::new(
                config(entity)?,
            )?)),
            "hmac-auth" => Self::HmacAuth(hmac_auth::HmacAuth::new(config(entity)?)?),
            "wicketgate-identity" => Self::Identity(identity::Identity::new(config(entity)?)?),
            "ip-restriction" => {
                Self::IpRestriction(ip_restriction::IpRestriction::new(config(entity)?)?)
            }
            "request-size-limiting" => Self::RequestSizeLimiting(config(entity)?),
            "acl" => Self::Acl(config(entity)?),
            "rate-limiting" => {
                Self::RateLimiting(rate_limiting::RateLimiting::new(entity, config(entity)?)?)
            }
            "response-ratelimiting" => Self::ResponseRateLimiting(Arc::new(
                response_ratelimiting::ResponseRateLimiting::new(entity, config(entity)?)?,
            )),
            "request-transformer" => Self::RequestTransformer(
                request_transformer::RequestTransformer::new(config(entity)?)?,
            ),
            "response-transformer" => {
                Self::ResponseTransformer(Arc::new(ResponseTransformer::new(&config(entity)?)?))
            }
            "redirect" => Self::Redirect(redirect::Redirect::new(config(entity)?)?),
            "proxy-cache" => Self::ProxyCache(Arc::new(proxy_cache::ProxyCache::new(
                entity,
                config(entity)?,
            )?)),
            "opentelemetry" => Self::OpenTelemetry(Box::new(opentelemetry::OpenTelemetry::new(
                config(entity)?,
            )?)),
            "http-log" => Self::Log(log::Log::to_server(config(entity)?)?),
            "file-log" => Self::Log(log::Log::to_file(config(entity)?)),
            "prometheus" => Self::Prometheus(config(entity)?),
            "wicketgate-usage" => Self::Usage(usage::Usage::new(config(entity)?)?),
            "request-termination" => Self::RequestTermination(
                request_termination::RequestTermination::new(config(entity)?)?,
            ),
            "compose" => Self::Compose(compose::Compose::new(entity, &config(entity)?)?),
            "data-service" => Self::DataService(data_service::DataService::new(config(entity)?)?),
            other => return Err(kong::plugins::unknown(other)),
        })
    }

    /// The access phase. Nearly all plugins decide from memory.
    pub async fn run(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        match self {
            // In a box: the others must not pay for the place that the question needs.
            Self::Identity(plugin) if plugin.asks() => Box::pin(plugin.ask(exchange, worker)).await,
            Self::RateLimiting(plugin) if plugin.asks() => {
                Box::pin(plugin.ask(exchange, worker)).await
            }
            Self::ResponseRateLimiting(plugin) if plugin.asks() => {
                Box::pin(plugin.ask(exchange, worker)).await
            }
            Self::DataService(plugin) => Box::pin(plugin.answer(exchange, worker)).await,
            Self::MtlsAuth(plugin) if plugin.fetches() => {
                Box::pin(plugin.access_with_lists(exchange, worker)).await
            }
            Self::BasicAuth(plugin) => Box::pin(plugin.access(exchange, worker)).await,
            Self::OpenIdConnect(plugin) => Box::pin(plugin.access(exchange, worker)).await,
            _ if exchange.has_body() && self.reads_body(exchange) => {
                match Box::pin(exchange.read_body(worker)).await {
                    Ok(()) => self.access(exchange, worker),
                    Err(answer) => answer.into(),
                }
            }
            _ => self.access(exchange, worker),
        }
    }

    /// Whether it has to see the whole body before the backend does.
    fn reads_body(&self, exchange: &Exchange<'_>) -> bool {
        match self {
            Self::KeyAuth(plugin) => plugin.reads_body(),
            Self::HmacAuth(plugin) => plugin.reads_body(),
            Self::RequestTransformer(plugin) => plugin.reads_body(),
            Self::RequestTermination(plugin) => plugin.reads_body(),
            Self::ProxyCache(plugin) => plugin.reads_body(exchange),
            _ => false,
        }
    }

    fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        match self {
            Self::CorrelationId(plugin) => plugin.access(exchange, worker),
            Self::BotDetection(plugin) => plugin.access(exchange),
            Self::Cors(plugin) => plugin.access(exchange),
            Self::MtlsAuth(plugin) => plugin.access(exchange, worker),
            Self::Jwt(plugin) => plugin.access(exchange, worker),
            Self::KeyAuth(plugin) => plugin.access(exchange, worker),
            Self::HmacAuth(plugin) => plugin.access(exchange, worker),
            Self::Identity(plugin) => plugin.access(exchange),
            Self::IpRestriction(plugin) => plugin.access(exchange),
            Self::RequestSizeLimiting(plugin) => plugin.access(exchange),
            Self::Acl(plugin) => plugin.access(exchange),
            Self::RateLimiting(plugin) => plugin.access(exchange, worker),
            Self::ResponseRateLimiting(plugin) => plugin.access(exchange, worker),
            Self::RequestTransformer(plugin) => plugin.access(exchange),
            Self::Redirect(plugin) => plugin.access(exchange),
            Self::ProxyCache(plugin) => plugin.access(exchange, worker),
            Self::OpenTelemetry(plugin) => plugin.access(exchange, worker),
            Self::RequestTermination(plugin) => plugin.access(exchange, worker),
            Self::Compose(plugin) => plugin.access(exchange),
            // They act on the answer, or only watch.
            Self::ResponseTransformer(_) | Self::Prometheus(_) | Self::Usage(_) | Self::Log(_) => {
                Verdict::Continue
            }
            // Never without asking, and never reached: `run` takes it.
            Self::BasicAuth(_) | Self::OpenIdConnect(_) | Self::DataService(_) | Self::Broken => {
                Answer::internal_error().into()
            }
        }
    }
}

/// Names of headers and parameters by which clients of this route show their keys.
pub fn secret_names(target: &Target) -> impl Iterator<Item = String> {
    let keys = match target.plugins.get(KEY_AUTH).map(|bound| &*bound.plugin) {
        Some(Plugin::KeyAuth(plugin)) => plugin.names().to_vec(),
        _ => Vec::new(),
    };
    let tokens = match target.plugins.get(JWT).map(|bound| &*bound.plugin) {
        Some(Plugin::Jwt(plugin)) => plugin.names(),
        _ => Vec::new(),
    };
    keys.into_iter().chain(tokens)
}

/// The configuration of a plugin that counts for this route and consumer: the most specific one.
pub fn select<'a>(
    target: &'a Target,
    consumer: Option<&'a Consumer>,
    ordinal: u8,
) -> Option<&'a Bound> {
    let general = target.plugins.get(ordinal);
    let Some(consumer) = consumer.filter(|consumer| consumer.mask() & (1 << ordinal) != 0) else {
        return general;
    };
    let service = target.service.as_ref().map(|service| service.id);
    consumer
        .plugins()
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
    let mut config = entity.config.clone();
    vault::resolve_all(&mut config).map_err(|faults| format!("{:?}", faults.into_fields()))?;
    serde_json::from_value(serde_json::Value::Object(config)).map_err(|error| error.to_string())
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
        for known in [
            super::JWT,
            super::KEY_AUTH,
            super::RESPONSE_TRANSFORMER,
            super::OPENTELEMETRY,
            super::PROMETHEUS,
            super::HTTP_LOG,
            super::USAGE,
            super::FILE_LOG,
        ] {
            assert!(known < super::UNKNOWN, "{known}");
        }
        // A mask of plugins has 32 bits, and the unknown ones share the last of ours.
        assert_eq!(usize::from(super::UNKNOWN), super::ORDER.len());
        const { assert!(super::UNKNOWN < 32) };
    }
}
