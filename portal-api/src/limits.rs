//! How often somebody may call (portal-api A7): per caller, per source for those without any proof,
//! and stricter for what is worth guessing or flooding. Services are exempt; who they speak for in
//! a sensitive call is limited by his address.
//!
//! Each instance counts for itself: limits keep a process from being flooded, they sell nothing.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request},
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};

use crate::{ApiError, AppState, caller::Caller};

/// Calls per minute; nothing = no limit. A whole minute's worth may come at once.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Of one user or client.
    pub caller: Option<NonZeroU32>,
    /// Of one address, as long as nobody proves who he is.
    pub anonymous: Option<NonZeroU32>,
    /// Of one user or client, to log in, verify addresses and make users; and of one browser
    /// behind a service, for the same.
    pub sensitive: Option<NonZeroU32>,
}

impl RateLimits {
    pub const OFF: Self = Self {
        caller: None,
        anonymous: None,
        sensitive: None,
    };
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            caller: NonZeroU32::new(6000),
            anonymous: NonZeroU32::new(3000),
            sensitive: NonZeroU32::new(120),
        }
    }
}

/// Operations with the stricter limit.
const SENSITIVE: [&str; 5] = [
    "/login",
    "/users",
    "/users/machine",
    "/verifications",
    "/verifications/consume",
];

type Counter =
    RateLimiter<String, HashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// The counters of this process.
pub struct Limits {
    caller: Option<Counter>,
    anonymous: Option<Counter>,
    sensitive: Option<Counter>,
    clock: DefaultClock,
}

/// How a caller stands after a call; shown in the headers of the answer.
#[derive(Clone, Copy, Debug)]
struct Standing {
    limit: u32,
    remaining: u32,
    /// Until everything is allowed again, or the next call is.
    reset: Duration,
}

/// Where the check of the caller, inside the handler, leaves his standing for the answer.
#[derive(Clone, Default)]
pub struct Slot(Arc<OnceLock<Standing>>);

impl Slot {
    /// Tells the caller how he stands, if his calls are counted.
    pub fn show(&self, headers: &mut HeaderMap) {
        if let Some(standing) = self.0.get() {
            show(headers, *standing);
        }
    }
}

impl Limits {
    pub fn new(limits: RateLimits) -> Self {
        let counter = |limit: Option<NonZeroU32>| {
            let quota = Quota::per_minute(limit?);
            Some(RateLimiter::hashmap(quota).with_middleware::<StateInformationMiddleware>())
        };
        Self {
            caller: counter(limits.caller),
            anonymous: counter(limits.anonymous),
            sensitive: counter(limits.sensitive),
            clock: DefaultClock::default(),
        }
    }

    /// Forgets those who have not called for a while.
    pub fn clean_up(&self) {
        for counter in [&self.caller, &self.anonymous, &self.sensitive]
            .into_iter()
            .flatten()
        {
            counter.retain_recent();
            counter.shrink_to_fit();
        }
    }

    /// Counts a call, or says how long to wait.
    fn count(&self, counter: &Counter, key: &str) -> Result<Standing, Standing> {
        match counter.check_key(&key.to_owned()) {
            Ok(state) => {
                let (limit, remaining) = (
                    state.quota().burst_size().get(),
                    state.remaining_burst_capacity(),
                );
                let used = limit.saturating_sub(remaining);
                Ok(Standing {
                    limit,
                    remaining,
                    reset: state.quota().replenish_interval() * used,
                })
            }
            Err(refused) => Err(Standing {
                limit: refused.quota().burst_size().get(),
                remaining: 0,
                reset: refused.wait_time_from(self.clock.now()),
            }),
        }
    }
}

/// Counts the call of somebody who proved who he is. Called where callers are identified, so no
/// operation can forget it.
pub fn check(state: &AppState, parts: &Parts, caller: &Caller) -> Result<(), ApiError> {
    let limits = &state.limits;
    let slot = parts.extensions.get::<Slot>();
    let note = |counted: Result<Standing, Standing>| {
        let standing = counted.unwrap_or_else(|standing| standing);
        if let Some(slot) = slot {
            // The stricter of two limits is checked first, and it is the one that is shown.
            slot.0.set(standing).ok();
        }
        counted.map(drop).map_err(too_many)
    };
    let is_sensitive = parts.method == http::Method::POST
        && parts
            .extensions
            .get::<MatchedPath>()
            .is_some_and(|path| SENSITIVE.contains(&path.as_str()));
    let Some(who) = caller.limited_as() else {
        // A service: only whom it speaks for is limited, where that matters.
        let browser = caller.browser().filter(|_| is_sensitive);
        if let (Some(counter), Some(address)) = (&limits.sensitive, browser) {
            return note(limits.count(counter, &source(address)));
        }
        return Ok(());
    };
    if let (Some(counter), true) = (&limits.sensitive, is_sensitive) {
        note(limits.count(counter, &who))?;
    }
    match &limits.caller {
        Some(counter) => note(limits.count(counter, &who)),
        None => Ok(()),
    }
}

/// An IPv6 site has 2^64 addresses, so its network counts as one source.
pub fn source(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("source:{address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("source:{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

fn too_many(standing: Standing) -> ApiError {
    let seconds = seconds(standing.reset);
    ApiError::too_many(
        "Too many calls. Wait a moment before the next one.",
        seconds,
    )
}

/// Counts a call without any proof by its address, or refuses it.
pub fn begin(state: &AppState, request: &mut Request) -> Result<Slot, Box<Response>> {
    let slot = Slot::default();
    if let Some(counter) = &state.limits.anonymous
        && let Some(address) = anonymous_source(state, request)
    {
        match state.limits.count(counter, &source(address)) {
            Ok(standing) => drop(slot.0.set(standing)),
            Err(standing) => {
                let mut response = too_many(standing).into_response();
                show(response.headers_mut(), standing);
                return Err(Box::new(response));
            }
        }
    }
    request.extensions_mut().insert(slot.clone());
    Ok(slot)
}

/// The address of a call that comes without proof and not from a trusted peer.
fn anonymous_source(state: &AppState, request: &Request) -> Option<IpAddr> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return None;
    }
    let peer = request
        .extensions()
        .get::<ConnectInfo<std::net::SocketAddr>>()?;
    let address = peer.0.ip().to_canonical();
    let is_trusted = state
        .trusted_peers
        .iter()
        .any(|network| network.contains(&address));
    (!is_trusted).then_some(address)
}

fn show(headers: &mut HeaderMap, standing: Standing) {
    for (name, value) in [
        ("ratelimit-limit", u64::from(standing.limit)),
        ("ratelimit-remaining", u64::from(standing.remaining)),
        ("ratelimit-reset", seconds(standing.reset)),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&format!("{};w=60", standing.limit)) {
        headers.insert(HeaderName::from_static("ratelimit-policy"), policy);
    }
}

/// Whole seconds, at least one.
fn seconds(duration: Duration) -> u64 {
    let started = u64::from(duration.subsec_nanos() > 0);
    (duration.as_secs() + started).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_budget_and_others_have_theirs() {
        let limits = Limits::new(RateLimits {
            caller: NonZeroU32::new(3),
            ..RateLimits::OFF
        });
        let counter = limits.caller.as_ref().unwrap();
        let remaining: Vec<u32> = (0..3)
            .map(|_| limits.count(counter, "a").unwrap().remaining)
            .collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = limits.count(counter, "a").unwrap_err();
        assert_eq!(refused.remaining, 0);
        assert!(refused.reset <= Duration::from_secs(20));
        assert!(limits.count(counter, "b").is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let source = |text: &str| source(text.parse().unwrap());
        assert_eq!(source("2001:db8::1"), source("2001:db8::2"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }
}
