use http::{
    HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        HeaderName, ORIGIN, VARY,
    },
};
use regex::Regex;
use serde::Deserialize;

use super::Verdict;
use crate::proxy::{Answer, Exchange, ResponseEdits};

const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");
const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are Kong's")]
pub struct Config {
    origins: Option<Vec<String>>,
    methods: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    exposed_headers: Option<Vec<String>>,
    max_age: Option<f64>,
    credentials: bool,
    private_network: bool,
    preflight_continue: bool,
    allow_origin_absent: bool,
}

/// Lets pages of other origins call.
#[expect(clippy::struct_excessive_bools, reason = "the flags are Kong's")]
pub struct Cors {
    origins: Origins,
    methods: HeaderValue,
    headers: Option<HeaderValue>,
    exposed_headers: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
    credentials: bool,
    private_network: bool,
    preflight_continue: bool,
    allow_origin_absent: bool,
}

enum Origins {
    All,
    /// One plain entry: answered whatever the origin is.
    Fixed(HeaderValue),
    Listed(Vec<Entry>),
}

enum Entry {
    All,
    Plain(String),
    /// Tested against the host alone.
    Host(Regex),
    /// Tested against the whole origin.
    Origin(Regex),
}

/// What the origin header leads to.
enum Decision {
    All,
    Allowed(HeaderValue),
    Refused,
}

impl Cors {
    pub fn new(config: Config) -> Result<Self, String> {
        let joined = |list: Option<Vec<String>>| match list {
            Some(list) if !list.is_empty() => super::header_value(&list.join(",")).map(Some),
            _ => Ok(None),
        };
        Ok(Self {
            origins: Origins::new(&config.origins.unwrap_or_default())?,
            methods: super::header_value(&config.methods.unwrap_or_default().join(","))?,
            headers: joined(config.headers)?,
            exposed_headers: joined(config.exposed_headers)?,
            max_age: match config.max_age {
                Some(seconds) => Some(super::header_value(&seconds.to_string())?),
                None => None,
            },
            credentials: config.credentials,
            private_network: config.private_network,
            preflight_continue: config.preflight_continue,
            allow_origin_absent: config.allow_origin_absent,
        })
    }

    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        let headers = &exchange.head.headers;
        let origin = headers.get(ORIGIN).cloned();
        let is_preflight = exchange.head.method == Method::OPTIONS
            && origin.is_some()
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight && self.preflight_continue {
            return Verdict::Continue;
        }
        if origin.is_none() && !self.allow_origin_absent {
            return Verdict::Continue;
        }
        self.allow_origin(origin.as_ref(), &mut exchange.response);
        if !is_preflight {
            if let Some(exposed) = &self.exposed_headers {
                exchange
                    .response
                    .set(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
            }
            return Verdict::Continue;
        }
        let asked = exchange.head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
        let mut answer = Answer::empty(StatusCode::OK)
            .header(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        if let Some(allowed) = self.headers.as_ref().or(asked) {
            answer = answer.header(ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        }
        if let Some(seconds) = &self.max_age {
            answer = answer.header(ACCESS_CONTROL_MAX_AGE, seconds.clone());
        }
        let asks_private = exchange.head.headers.get(REQUEST_PRIVATE_NETWORK);
        if self.private_network && asks_private.is_some_and(|value| value == "true") {
            answer = answer.header(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
        answer.into()
    }

    fn allow_origin(&self, origin: Option<&HeaderValue>, response: &mut ResponseEdits) {
        if !matches!(self.origins, Origins::All) {
            response.append(VARY, HeaderValue::from_static("Origin"));
        }
        let allowed = match (self.origins.decide(origin), origin) {
            (Decision::Refused, _) => {
                response.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
                return;
            }
            (Decision::Allowed(allowed), _) => allowed,
            (Decision::All, Some(origin)) if self.credentials => {
                response.append(VARY, HeaderValue::from_static("Origin"));
                origin.clone()
            }
            (Decision::All, _) => {
                response.set(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                return;
            }
        };
        response.set(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            response.set(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
    }
}

impl Origins {
    fn new(entries: &[String]) -> Result<Self, String> {
        match entries {
            [] => return Ok(Self::All),
            [only] if only == "*" => return Ok(Self::All),
            [only] if is_plain(only) => return Ok(Self::Fixed(super::header_value(only)?)),
            _ => {}
        }
        entries
            .iter()
            .map(|entry| Entry::new(entry))
            .collect::<Result<_, _>>()
            .map(Self::Listed)
    }

    fn decide(&self, origin: Option<&HeaderValue>) -> Decision {
        let entries = match self {
            Self::All => return Decision::All,
            Self::Fixed(allowed) => return Decision::Allowed(allowed.clone()),
            Self::Listed(entries) => entries,
        };
        let Some((host, normal)) = origin.and_then(normalise) else {
            return Decision::Refused;
        };
        for entry in entries {
            let hit = match entry {
                Entry::All => return Decision::All,
                Entry::Plain(plain) => *plain == normal,
                Entry::Host(pattern) => pattern.is_match(&host),
                Entry::Origin(pattern) => pattern.is_match(&normal),
            };
            if hit {
                return HeaderValue::from_str(&normal).map_or(Decision::Refused, Decision::Allowed);
            }
        }
        Decision::Refused
    }
}

impl Entry {
    fn new(entry: &str) -> Result<Self, String> {
        if entry == "*" {
            return Ok(Self::All);
        }
        if is_plain(entry) {
            return Ok(Self::Plain(entry.to_owned()));
        }
        let pattern = Regex::new(&format!("^(?:{entry})$")).map_err(|error| error.to_string())?;
        Ok(if entry.contains(':') {
            Self::Origin(pattern)
        } else {
            Self::Host(pattern)
        })
    }
}

fn is_plain(entry: &str) -> bool {
    entry
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".:/-".contains(&byte))
}

/// Host, and `scheme://host[:port]` without the scheme's own port.
fn normalise(origin: &HeaderValue) -> Option<(String, String)> {
    let url = url::Url::parse(origin.to_str().ok()?).ok()?;
    let host = url.host_str()?.to_owned();
    let normal = match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    };
    Some((host, normal))
}
