mod counters;
pub mod shared;
mod window;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use uuid::Uuid;

use super::Verdict;
use crate::{
    numbers,
    proxy::{Answer, Exchange},
    worker::Worker,
};

pub use counters::{Counters, Key, Who};
pub use window::{Period, Windows};

use counters::Outcome;
use shared::{Client, RedisConfig, Synced};
use window::PERIODS;

/// Requests whose count could not be kept where it belongs.
pub static FAILURES: AtomicU64 = AtomicU64::new(0);

#[derive(Deserialize)]
pub struct Config {
    #[serde(flatten)]
    periods: Periods,
    limit_by: LimitBy,
    header_name: Option<String>,
    path: Option<String>,
    hide_client_headers: bool,
    policy: Policy,
    fault_tolerant: bool,
    redis: Option<RedisConfig>,
    sync_rate: f64,
    error_code: u16,
    error_message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    Local,
    Redis,
}

/// How many per period.
#[derive(Deserialize)]
pub struct Periods {
    second: Option<u32>,
    minute: Option<u32>,
    hour: Option<u32>,
    day: Option<u32>,
    month: Option<u32>,
    year: Option<u32>,
}

impl Periods {
    /// From the shortest period on.
    pub fn limits(&self) -> Vec<Limit> {
        let limits = [
            self.second,
            self.minute,
            self.hour,
            self.day,
            self.month,
            self.year,
        ];
        let limits = PERIODS.into_iter().zip(limits);
        limits
            .filter_map(|(period, limit)| {
                limit.map(|limit| Limit {
                    period,
                    requests: limit,
                    as_header: HeaderValue::from(limit),
                })
            })
            .collect()
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LimitBy {
    Consumer,
    Credential,
    Ip,
    Service,
    Header,
    Path,
}

/// Lets a limited number of requests through per window of time.
pub struct RateLimiting {
    /// From the shortest period on.
    limits: Vec<Limit>,
    limit_by: LimitBy,
    header: Option<HeaderName>,
    path: Option<String>,
    hide_headers: bool,
    status: StatusCode,
    message: String,
    /// Where the counts are kept, if not here.
    store: Option<Arc<Client>>,
    /// Kept here, and told to the others.
    synced: Option<Arc<Synced>>,
    /// Requests pass while the store is away.
    fault_tolerant: bool,
    /// What the counters belong to besides the client: counters survive a change of the limit.
    route: Option<Uuid>,
    service: Option<Uuid>,
}

/// A limit with the headers that tell of it.
pub struct Limit {
    pub period: Period,
    pub requests: u32,
    as_header: HeaderValue,
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

impl RateLimiting {
    pub fn new(entity: &kong::Plugin, config: Config) -> Result<Self, String> {
        let (mut store, mut synced) = (None, None);
        match (config.policy, config.redis) {
            (Policy::Local, _) => {}
            (Policy::Redis, None) => return Err("redis is missing".to_owned()),
            (Policy::Redis, Some(redis)) if config.sync_rate > 0.0 => {
                let every = Duration::try_from_secs_f64(config.sync_rate);
                let every = every.map_err(|error| error.to_string())?;
                synced = Some(shared::synced(redis, every));
            }
            (Policy::Redis, Some(redis)) => store = Some(shared::client(redis)),
        }
        Ok(Self {
            store,
            synced,
            limits: config.periods.limits(),
            limit_by: config.limit_by,
            header: match &config.header_name {
                Some(name) => Some(super::header_name(name)?),
                None => None,
            },
            path: config.path,
            hide_headers: config.hide_client_headers,
            status: StatusCode::from_u16(config.error_code).map_err(|error| error.to_string())?,
            message: config.error_message,
            fault_tolerant: config.fault_tolerant,
            route: entity.route.map(|route| route.id),
            service: entity.service.map(|service| service.id),
        })
    }

    /// Whether the counts are kept elsewhere, so that [`Self::ask`] does the work.
    pub const fn asks(&self) -> bool {
        self.store.is_some()
    }

    pub fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let windows = Windows::at(service::clock::now(), &self.limits);
        let key = self.key(exchange);
        let outcome = match &self.synced {
            Some(synced) => synced.count(key, &self.limits, &windows, &worker.shared.runtime),
            None => worker.shared.counters.count(key, &self.limits, &windows),
        };
        self.answer(exchange, &outcome, &windows)
    }

    /// As [`Self::access`], with counts that other gateways see, too.
    pub async fn ask(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let Some(store) = &self.store else {
            return self.access(exchange, worker);
        };
        let windows = Windows::at(service::clock::now(), &self.limits);
        let key = self.key(exchange);
        let runtime = &worker.shared.runtime;
        match shared::count(store, &key, &self.limits, &windows, runtime).await {
            Ok(outcome) => self.answer(exchange, &outcome, &windows),
            Err(error) => {
                error.report();
                if self.fault_tolerant {
                    Verdict::Continue
                } else {
                    Answer::internal_error().into()
                }
            }
        }
    }

    fn key(&self, exchange: &Exchange<'_>) -> Key {
        Key {
            route: self.route,
            service: self.service,
            who: self.who(exchange),
            name: None,
        }
    }

    fn answer(&self, exchange: &mut Exchange<'_>, outcome: &Outcome, windows: &Windows) -> Verdict {
        let mut tightest: Option<(u32, usize)> = None;
        for (position, limit) in self.limits.iter().enumerate() {
            let remaining = limit.requests.saturating_sub(outcome.used[position]);
            if !self.hide_headers {
                let names = limit.period.headers();
                exchange.response.set(names.0, limit.as_header.clone());
                exchange
                    .response
                    .set(names.1, numbers::header(u64::from(remaining)));
            }
            // On a tie the longer period counts, which comes later.
            if tightest.is_none_or(|(least, _)| remaining <= least) {
                tightest = Some((remaining, position));
            }
        }
        let Some((remaining, position)) = tightest else {
            return Verdict::Continue;
        };
        let reset = windows.reset(self.limits[position].period);
        if !self.hide_headers {
            exchange
                .response
                .set(LIMIT, self.limits[position].as_header.clone());
            exchange
                .response
                .set(REMAINING, numbers::header(u64::from(remaining)));
            exchange.response.set(RESET, numbers::header(reset));
        }
        if outcome.allowed {
            return Verdict::Continue;
        }
        let mut answer = Answer::new(self.status, self.message.clone());
        if !self.hide_headers {
            answer = answer.header(RETRY_AFTER, numbers::header(reset));
        }
        answer.into()
    }

    /// Whom the request is counted for. What is missing is replaced by the client's address.
    fn who(&self, exchange: &Exchange<'_>) -> Who {
        let credential = || {
            exchange
                .credential
                .as_ref()
                .map(|credential| Who::Credential(credential.id))
        };
        let found = match self.limit_by {
            LimitBy::Consumer => exchange
                .consumer
                .as_ref()
                .map(|consumer| Who::Consumer(consumer.id()))
                .or_else(credential),
            LimitBy::Credential => credential(),
            LimitBy::Ip => None,
            LimitBy::Service => exchange.service_id().map(Who::Service),
            LimitBy::Header => self
                .header
                .as_ref()
                .and_then(|name| exchange.head.headers.get(name))
                .map(|value| Who::Value(value.as_bytes().into())),
            LimitBy::Path => self
                .path
                .as_ref()
                .filter(|path| path.as_bytes() == exchange.path)
                .map(|path| Who::Value(path.as_bytes().into())),
        };
        found.unwrap_or(Who::Address(exchange.client))
    }
}
