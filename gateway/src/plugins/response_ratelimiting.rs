//! Limits that the backend counts: it says in a header how much of which one an answer has used
//! (gateway 7.8).

use std::{collections::BTreeMap, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Verdict,
    rate_limiting::{
        Key, Limit, Period, Periods, Policy, Who, Windows,
        shared::{self, Client, RedisConfig},
    },
};
use crate::{
    numbers,
    proxy::{Answer, Exchange},
    worker::{Shared, Worker},
};

#[derive(Deserialize)]
pub struct Config {
    limits: BTreeMap<String, Periods>,
    header_name: String,
    limit_by: LimitBy,
    block_on_first_violation: bool,
    hide_client_headers: bool,
    policy: Policy,
    fault_tolerant: bool,
    redis: Option<RedisConfig>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LimitBy {
    Consumer,
    Credential,
    Ip,
}

pub struct ResponseRateLimiting {
    limits: Vec<Named>,
    header: HeaderName,
    limit_by: LimitBy,
    blocks: bool,
    hide_headers: bool,
    /// Where the counts are kept, if not here.
    store: Option<Arc<Client>>,
    /// Requests pass while the store is away.
    fault_tolerant: bool,
    route: Option<Uuid>,
    service: Option<Uuid>,
}

/// A limit with its periods, from the shortest on.
struct Named {
    name: Arc<str>,
    periods: Vec<Limit>,
    /// Tells the backend how much is left.
    remaining: HeaderName,
}

/// Whom an answer is counted for.
pub struct Counting {
    plugin: Arc<ResponseRateLimiting>,
    who: Who,
    /// Of each limit, as it was when the request came.
    found: Vec<Found>,
}

/// What is used up of a limit, by period.
struct Found {
    windows: Windows,
    used: [u32; 6],
}

impl ResponseRateLimiting {
    pub fn new(entity: &kong::Plugin, config: Config) -> Result<Self, String> {
        let limits = config.limits.into_iter().map(|(name, periods)| {
            let remaining = super::header_name(&format!("x-ratelimit-remaining-{name}"))?;
            Ok::<_, String>(Named {
                name: name.into(),
                periods: periods.limits(),
                remaining,
            })
        });
        Ok(Self {
            limits: limits.collect::<Result<_, _>>()?,
            header: super::header_name(&config.header_name)?,
            limit_by: config.limit_by,
            blocks: config.block_on_first_violation,
            hide_headers: config.hide_client_headers,
            store: match (config.policy, config.redis) {
                (Policy::Redis, Some(redis)) => Some(shared::client(redis)),
                (Policy::Redis, None) => return Err("redis is missing".to_owned()),
                (Policy::Local, _) => None,
            },
            fault_tolerant: config.fault_tolerant,
            route: entity.route.map(|route| route.id),
            service: entity.service.map(|service| service.id),
        })
    }

    /// Whether the counts are kept elsewhere, so that [`Self::ask`] does the work.
    pub const fn asks(&self) -> bool {
        self.store.is_some()
    }

    pub fn access(self: &Arc<Self>, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let who = self.who(exchange);
        let counters = &worker.shared.counters;
        let found = self.limits.iter().map(|limit| {
            let windows = Windows::at(service::clock::now(), &limit.periods);
            let used = counters.used(&self.key(limit, &who), &limit.periods, &windows);
            Found { windows, used }
        });
        let found = found.collect();
        self.admit(exchange, who, found)
    }

    /// As [`Self::access`], with counts that other gateways see, too.
    pub async fn ask(self: &Arc<Self>, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let Some(store) = &self.store else {
            return self.access(exchange, worker);
        };
        let who = self.who(exchange);
        let mut found = Vec::with_capacity(self.limits.len());
        for limit in &self.limits {
            let windows = Windows::at(service::clock::now(), &limit.periods);
            let key = self.key(limit, &who);
            let counts = limit.amounts(&windows, 0);
            let counted = shared::add(store, &key, counts.into_iter(), &worker.shared.runtime);
            match counted.await {
                Ok(counted) => {
                    let mut used = [0; 6];
                    used[..counted.len()].copy_from_slice(&counted);
                    found.push(Found { windows, used });
                }
                Err(error) => {
                    error.report();
                    return if self.fault_tolerant {
                        Verdict::Continue
                    } else {
                        Answer::internal_error().into()
                    };
                }
            }
        }
        self.admit(exchange, who, found)
    }

    fn admit(
        self: &Arc<Self>,
        exchange: &mut Exchange<'_>,
        who: Who,
        found: Vec<Found>,
    ) -> Verdict {
        for (limit, found) in self.limits.iter().zip(&found) {
            let left = limit.periods.iter().zip(found.used);
            let left = left.map(|(limit, used)| limit.requests.saturating_sub(used));
            let left = left.min().unwrap_or_default();
            if left == 0 && self.blocks {
                return Answer::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "API rate limit exceeded for a limit of its answers",
                )
                .into();
            }
            let headers = &mut exchange.head.headers;
            headers.insert(limit.remaining.clone(), numbers::header(left.into()));
        }
        exchange.response.count(Counting {
            plugin: self.clone(),
            who,
            found,
        });
        Verdict::Continue
    }

    fn who(&self, exchange: &Exchange<'_>) -> Who {
        let credential = exchange.credential.as_ref();
        let credential = credential.map(|credential| Who::Credential(credential.id));
        let consumer = exchange.consumer.as_ref();
        let found = match self.limit_by {
            LimitBy::Consumer => consumer
                .map(|consumer| Who::Consumer(consumer.id()))
                .or(credential),
            LimitBy::Credential => credential,
            LimitBy::Ip => None,
        };
        found.unwrap_or(Who::Address(exchange.client))
    }

    fn key(&self, limit: &Named, who: &Who) -> Key {
        Key {
            route: self.route,
            service: self.service,
            who: who.clone(),
            name: Some(limit.name.clone()),
        }
    }
}

impl Counting {
    /// Counts what the backend says; false if there is not as much left, and nothing is counted.
    pub fn answered(&self, headers: &mut HeaderMap, shared: &Shared) -> bool {
        let plugin = &*self.plugin;
        let said: Vec<String> = headers
            .get_all(&plugin.header)
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect();
        headers.remove(&plugin.header);
        let mut counted = Vec::new();
        for (limit, found) in plugin.limits.iter().zip(&self.found) {
            let amount = amount(&said, &limit.name);
            let key = plugin.key(limit, &self.who);
            let windows = &found.windows;
            let used = match plugin.store {
                Some(_) => found.used,
                None => shared.counters.used(&key, &limit.periods, windows),
            };
            let is_used_up = limit
                .periods
                .iter()
                .zip(used)
                .any(|(limit, used)| used >= limit.requests);
            if amount > 0 && is_used_up {
                return false;
            }
            counted.push((limit, key, found, amount));
        }
        for (limit, key, found, amount) in counted {
            let used = match &plugin.store {
                Some(store) => {
                    tell(store, key, limit.amounts(&found.windows, amount), shared);
                    found.used.map(|used| used.saturating_add(amount))
                }
                None => shared
                    .counters
                    .add(key, &limit.periods, &found.windows, amount),
            };
            if !plugin.hide_headers {
                write_headers(limit, &used, headers);
            }
        }
        true
    }
}

impl Named {
    /// The same amount for each window.
    fn amounts(&self, windows: &Windows, amount: u32) -> Vec<(Period, i64, u32)> {
        let periods = self.periods.iter().map(|limit| limit.period);
        periods
            .map(|period| (period, windows.start(period), amount))
            .collect()
    }
}

/// Counts in the store. The answer does not wait for it.
fn tell(store: &Arc<Client>, key: Key, counts: Vec<(Period, i64, u32)>, shared: &Shared) {
    if counts.iter().all(|(.., amount)| *amount == 0) {
        return;
    }
    let (store, runtime) = (store.clone(), shared.runtime.clone());
    shared.runtime.spawn(async move {
        let told = shared::add(&store, &key, counts.into_iter(), &runtime).await;
        if let Err(error) = told {
            error.report();
        }
    });
}

/// `name=n, other=m`: what is said of this name, all together.
fn amount(said: &[String], name: &str) -> u32 {
    let pairs = said.iter().flat_map(|value| value.split(','));
    let amounts = pairs.filter_map(|pair| {
        let (known, amount) = pair.split_once('=')?;
        let amount = amount.trim().parse::<u32>().ok()?;
        known.trim().eq_ignore_ascii_case(name).then_some(amount)
    });
    amounts.fold(0, u32::saturating_add)
}

fn write_headers(limit: &Named, used: &[u32; 6], headers: &mut HeaderMap) {
    for (period, used) in limit.periods.iter().zip(used) {
        let left = period.requests.saturating_sub(*used);
        for (kind, value) in [("limit", period.requests), ("remaining", left)] {
            let name = format!("x-ratelimit-{kind}-{}-{}", limit.name, period.period.name());
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                headers.insert(name, HeaderValue::from(value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn amounts_are_read_by_name() {
        let said = ["a=1, B = 2".to_owned(), "a=3,c=x, d".to_owned()];
        for (name, amount) in [("a", 4), ("b", 2), ("c", 0), ("d", 0), ("e", 0)] {
            assert_eq!(super::amount(&said, name), amount, "{name}");
        }
    }
}
