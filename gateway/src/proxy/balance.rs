//! Which target of an upstream gets a request, and what it does with it.

use std::time::Instant;

use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use uuid::Uuid;

use super::{Exchange, finish::milliseconds, forward::Way};
use crate::{
    live::{
        Service,
        upstream::{HashOn, Open, Sign, hash as hash_of},
    },
    plugins::uri_capture,
};

/// What the request is hashed to; nothing if it is not, or has none of what is hashed.
pub fn hash(service: &Service, exchange: &mut Exchange<'_>, caller: Option<Uuid>) -> Option<u64> {
    let upstream = service.upstream.as_ref();
    let upstream = upstream.filter(|upstream| upstream.is_hashed())?;
    let rule = &upstream.hash;
    let found = input(&rule.first, exchange, caller)
        .or_else(|| new_cookie(&rule.first, &rule.cookie_path, exchange))
        .or_else(|| input(&rule.fallback, exchange, caller))
        .or_else(|| new_cookie(&rule.fallback, &rule.cookie_path, exchange));
    found.map(|text| hash_of(&text))
}

fn input(on: &HashOn, exchange: &Exchange<'_>, caller: Option<Uuid>) -> Option<Vec<u8>> {
    let headers = &exchange.head.headers;
    match on {
        HashOn::Nothing => None,
        HashOn::Consumer => caller.map(|id| id.to_string().into_bytes()),
        HashOn::Ip => Some(exchange.client.to_string().into_bytes()),
        HashOn::Header(name) => {
            let values: Vec<&[u8]> = headers
                .get_all(name)
                .iter()
                .map(HeaderValue::as_bytes)
                .collect();
            (!values.is_empty()).then(|| values.join(&b","[..]))
        }
        HashOn::Cookie(name) => cookie(headers, name).map(String::into_bytes),
        HashOn::Path => Some(exchange.path.to_vec()),
        HashOn::Query(name) => {
            let query = exchange.query().unwrap_or_default();
            let mut values: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
                .filter(|(known, _)| known == name)
                .map(|(_, value)| value.into_owned())
                .collect();
            values.sort_unstable();
            (!values.is_empty()).then(|| values.join(",").into_bytes())
        }
        HashOn::Capture(name) => uri_capture(exchange, name).map(String::into_bytes),
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(COOKIE).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut pairs = values
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned())
}

/// A client without the cookie gets one, and stays where it leads.
fn new_cookie(on: &HashOn, path: &str, exchange: &mut Exchange<'_>) -> Option<Vec<u8>> {
    let HashOn::Cookie(name) = on else {
        return None;
    };
    let value = Uuid::new_v4().to_string();
    let cookie = format!("{name}={value}; Path={path}; SameSite=Lax; HttpOnly");
    let cookie = HeaderValue::from_str(&cookie).ok()?;
    exchange.response.append(SET_COOKIE, cookie);
    Some(value.into_bytes())
}

impl Way<'_> {
    /// The position of the end point for the next try.
    pub fn choose(&self, failed: &[usize]) -> Option<usize> {
        match &self.service.upstream {
            Some(upstream) => upstream.choose(self.hash, failed),
            None => Some(0),
        }
    }

    /// Takes note of the addresses that a target stands for.
    pub fn leads_to(&self, index: usize, addresses: usize) {
        if let Some(upstream) = &self.service.upstream {
            upstream.leads_to(index, addresses);
        }
    }

    /// Counts the request for its target.
    pub fn open(&self, index: usize) -> Option<Open> {
        let upstream = self.service.upstream.as_ref()?;
        Some(upstream.peers.get(index)?.state.open())
    }

    pub fn saw(&self, index: usize, sign: Sign) {
        if let Some(upstream) = &self.service.upstream
            && let Some(peer) = upstream.peers.get(index)
        {
            upstream.checks.seen(&peer.state.health, sign);
        }
    }

    pub fn took(&self, index: usize, started: Option<Instant>) {
        if let Some(upstream) = &self.service.upstream
            && let Some(started) = started
            && let Some(peer) = upstream.peers.get(index)
        {
            peer.state.took(milliseconds(started, Instant::now()));
        }
    }
}
