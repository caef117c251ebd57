//! Answers of backends, kept in memory for those who ask the same (gateway 7.18).
//!
//! Who may see an answer is decided by the key: route, consumer and what the backend was told about
//! the user are in it. What cannot be told apart that way is not kept.

mod control;
mod keeping;
mod media_type;
mod store;

use std::sync::Arc;

use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{AGE, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, RANGE},
};
use hyper::upgrade::OnUpgrade;
use mime::Mime;
use ring::digest::{Context, SHA256};
use serde::Deserialize;
use uuid::Uuid;

use super::Verdict;
use crate::{
    numbers,
    proxy::{Answer, Exchange},
    worker::Worker,
};

pub use keeping::{Keeping, Recording};
pub use store::{Key, Store, Stored};

use control::Directives;

const STATUS: HeaderName = HeaderName::from_static("x-cache-status");
const KEY: HeaderName = HeaderName::from_static("x-cache-key");
/// A request's own body is a part of what it asks for, up to this size.
const MAX_QUESTION: u64 = 1 << 20;

#[derive(Deserialize)]
pub struct Config {
    response_code: Vec<u16>,
    request_method: Vec<String>,
    content_type: Vec<String>,
    cache_ttl: u64,
    storage_ttl: Option<u64>,
    cache_control: bool,
    ignore_uri_case: bool,
    vary_query_params: Option<Vec<String>>,
    vary_headers: Option<Vec<String>>,
    response_headers: ResponseHeaders,
}

/// What an answer says about where it comes from.
#[derive(Clone, Copy, Deserialize)]
struct ResponseHeaders {
    age: bool,
    #[serde(rename = "X-Cache-Status")]
    status: bool,
    #[serde(rename = "X-Cache-Key")]
    key: bool,
}

pub struct ProxyCache {
    id: Uuid,
    codes: Vec<u16>,
    methods: Vec<Method>,
    types: Vec<Mime>,
    /// Seconds for which an answer counts, unless it says so itself.
    ttl: u64,
    /// Seconds for which it is kept, so that clients may take it who want no newer one.
    storage_ttl: Option<u64>,
    /// Whether what clients and backends say in `Cache-Control` counts.
    obeys: bool,
    ignores_case: bool,
    parameters: Option<Vec<String>>,
    headers: Vec<HeaderName>,
    shown: ResponseHeaders,
}

/// What became of a request.
#[derive(Clone, Copy)]
enum Status {
    Miss,
    Hit,
    /// There was one, but it is too old.
    Refresh,
    /// Neither looked for nor kept.
    Bypass,
}

impl ProxyCache {
    pub fn new(entity: &kong::Plugin, config: Config) -> Result<Self, String> {
        let methods = config.request_method.iter();
        let methods = methods.map(|method| method.parse().map_err(|_| "not a method"));
        let types = config.content_type.iter();
        let types = types.map(|text| text.parse().map_err(|_| "not a media type"));
        let headers = config.vary_headers.iter().flatten();
        let headers = headers.map(|name| super::header_name(name));
        let mut headers: Vec<HeaderName> = headers.collect::<Result<_, _>>()?;
        headers.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        Ok(Self {
            id: entity.id,
            codes: config.response_code,
            methods: methods.collect::<Result<_, _>>()?,
            types: types.collect::<Result<_, _>>()?,
            ttl: config.cache_ttl,
            storage_ttl: config.storage_ttl,
            obeys: config.cache_control,
            ignores_case: config.ignore_uri_case,
            parameters: config.vary_query_params,
            headers,
            shown: config.response_headers,
        })
    }

    /// Whether the body is a part of the question. A large one is not read for that.
    pub fn reads_body(&self, exchange: &Exchange<'_>) -> bool {
        let length = exchange.head.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        self.methods.contains(&exchange.client_method)
            && length.is_some_and(|length| length <= MAX_QUESTION)
    }

    pub fn access(self: &Arc<Self>, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let asked = Directives::of(&exchange.head.headers);
        if !self.is_askable(exchange, &asked) {
            self.show(exchange, Status::Bypass, None);
            return Verdict::Continue;
        }
        let key = self.key(exchange);
        let store = &worker.shared.cache;
        let now = service::clock::now().timestamp();
        let found = store.find(&key, &exchange.head.headers, now);
        let status = match found {
            Some(stored) if self.is_fresh_enough(&stored, &asked, now) => {
                return self.answer(&stored, &key, now).into();
            }
            Some(_) => Status::Refresh,
            None => Status::Miss,
        };
        if self.obeys && asked.only_if_cached {
            let text = "There is no such answer in the cache";
            return Answer::new(StatusCode::GATEWAY_TIMEOUT, text).into();
        }
        self.show(exchange, status, Some(&key));
        let keeping = Keeping::new(self, store, key, &exchange.head.headers);
        exchange.response.keep(keeping);
        Verdict::Continue
    }

    /// Whether an answer to this request may be one that somebody else got.
    fn is_askable(&self, exchange: &Exchange<'_>, asked: &Directives) -> bool {
        let headers = &exchange.head.headers;
        let authorizes = headers.contains_key(AUTHORIZATION);
        // Known, but not as somebody of ours: the answers of two of them must not be mixed up.
        let is_stranger = exchange.consumer.is_none() && exchange.credential.is_some();
        self.methods.contains(&exchange.client_method)
            && !is_stranger
            && !(authorizes && (exchange.consumer.is_none() || self.obeys))
            && !(self.obeys && (asked.no_store || asked.no_cache))
            && !headers.contains_key(RANGE)
            && exchange.head.extensions.get::<OnUpgrade>().is_none()
            && (!exchange.has_body() || exchange.kept_body().is_some())
    }

    fn key(&self, exchange: &Exchange<'_>) -> Key {
        let mut question = Question(Context::new(&SHA256));
        let consumer = exchange.consumer.as_ref().map(|consumer| consumer.id());
        question.part(exchange.target.id.as_bytes());
        question.part(consumer.unwrap_or_default().as_bytes());
        question.part(exchange.client_method.as_str().as_bytes());
        question.part(host(exchange).to_ascii_lowercase().as_bytes());
        if self.ignores_case {
            question.part(&exchange.path.to_ascii_lowercase());
        } else {
            question.part(exchange.path);
        }
        question.list(self.parameters(exchange.uri.query().unwrap_or_default()));
        let headers = &exchange.head.headers;
        let mut told: Vec<&HeaderName> = exchange.told.iter().collect();
        told.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        told.dedup();
        for name in self.headers.iter().chain(told) {
            question.part(name.as_str().as_bytes());
            question.list(headers.get_all(name).iter().map(HeaderValue::as_bytes));
        }
        question.part(exchange.kept_body().map_or(&[], |body| body));
        Key::new(question.0.finish().as_ref())
    }

    /// Those parameters that make a difference, in any order.
    fn parameters<'a>(&self, query: &'a str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let counts = |pair: &&str| match &self.parameters {
            None => true,
            Some(names) => url::form_urlencoded::parse(pair.as_bytes())
                .next()
                .is_some_and(|(name, _)| names.iter().any(|known| *known == name)),
        };
        let mut pairs: Vec<&str> = pairs.filter(counts).collect();
        pairs.sort_unstable();
        pairs.into_iter().map(str::as_bytes)
    }

    fn is_fresh_enough(&self, stored: &Stored, asked: &Directives, now: i64) -> bool {
        let age = stored.age(now);
        if !self.obeys {
            return age <= self.ttl;
        }
        let lifetime = stored.lifetime;
        if asked.max_age.is_some_and(|most| age > most)
            || asked
                .min_fresh
                .is_some_and(|least| lifetime.saturating_sub(age) < least)
        {
            return false;
        }
        let overdue = age.saturating_sub(lifetime);
        overdue == 0 || stored.may_be_stale && asked.max_stale.is_some_and(|most| overdue <= most)
    }

    fn answer(&self, stored: &Stored, key: &Key, now: i64) -> Answer {
        let content_type = stored.headers.get(CONTENT_TYPE).cloned();
        let content_type = content_type.unwrap_or(const { HeaderValue::from_static("text/plain") });
        let mut answer = Answer::empty(stored.status).body(content_type, stored.body.clone());
        for (name, value) in &stored.headers {
            if *name != CONTENT_TYPE {
                answer = answer.header(name.clone(), value.clone());
            }
        }
        if self.shown.age {
            answer = answer.header(AGE, numbers::header(stored.age(now)));
        }
        for (name, value) in self.marks(Status::Hit, Some(key)) {
            answer = answer.header(name, value);
        }
        answer
    }

    fn show(&self, exchange: &mut Exchange<'_>, status: Status, key: Option<&Key>) {
        for (name, value) in self.marks(status, key) {
            exchange.response.set(name, value);
        }
    }

    fn marks(
        &self,
        status: Status,
        key: Option<&Key>,
    ) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
        let status = self.shown.status.then(|| (STATUS, status.header()));
        let key = key.filter(|_| self.shown.key);
        status.into_iter().chain(key.map(|key| (KEY, key.header())))
    }
}

impl Status {
    const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Miss => "Miss",
            Self::Hit => "Hit",
            Self::Refresh => "Refresh",
            Self::Bypass => "Bypass",
        })
    }
}

/// The host as the client wrote it.
fn host<'a>(exchange: &'a Exchange<'_>) -> &'a str {
    let header = exchange.head.headers.get(HOST);
    let header = header.and_then(|host| host.to_str().ok());
    exchange
        .uri
        .authority()
        .map(http::uri::Authority::as_str)
        .or(header)
        .unwrap_or_default()
}

/// Parts with their lengths before them, so that none can pretend to be two.
struct Question(Context);

impl Question {
    fn part(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn list<'a>(&mut self, parts: impl Iterator<Item = &'a [u8]>) {
        let parts: Vec<&[u8]> = parts.collect();
        self.0.update(&(parts.len() as u64).to_be_bytes());
        for part in parts {
            self.part(part);
        }
    }
}
