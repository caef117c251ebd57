//! Which of several peers gets a request.

use std::time::Instant;

use http::HeaderName;
use ring::digest;
use serde::Deserialize;

use super::Peer;

/// Points on the circle of a peer of average weight.
const POINTS: u64 = 160;
/// Seconds after which a latency has lost most of its meaning.
const DECAY: f64 = 10.0;

/// What is hashed, and what is when that is not there.
pub struct HashRule {
    pub first: HashOn,
    pub fallback: HashOn,
    /// Of a cookie that is made when there is none.
    pub cookie_path: String,
}

pub enum HashOn {
    Nothing,
    Consumer,
    Ip,
    Header(HeaderName),
    Cookie(String),
    Path,
    Query(String),
    Capture(String),
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the fields are Kong's")]
pub struct HashFields {
    hash_on: String,
    hash_fallback: String,
    hash_on_header: Option<String>,
    hash_fallback_header: Option<String>,
    hash_on_cookie: Option<String>,
    hash_on_cookie_path: Option<String>,
    hash_on_query_arg: Option<String>,
    hash_fallback_query_arg: Option<String>,
    hash_on_uri_capture: Option<String>,
    hash_fallback_uri_capture: Option<String>,
}

impl HashFields {
    pub fn rule(self) -> HashRule {
        let cookie = self.hash_on_cookie;
        HashRule {
            first: hash_on(
                &self.hash_on,
                self.hash_on_header,
                cookie.clone(),
                self.hash_on_query_arg,
                self.hash_on_uri_capture,
            ),
            fallback: hash_on(
                &self.hash_fallback,
                self.hash_fallback_header,
                cookie,
                self.hash_fallback_query_arg,
                self.hash_fallback_uri_capture,
            ),
            cookie_path: self.hash_on_cookie_path.unwrap_or_else(|| "/".to_owned()),
        }
    }
}

fn hash_on(
    kind: &str,
    header: Option<String>,
    cookie: Option<String>,
    query: Option<String>,
    capture: Option<String>,
) -> HashOn {
    let header = header.and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    let found = match kind {
        "consumer" => Some(HashOn::Consumer),
        "ip" => Some(HashOn::Ip),
        "path" => Some(HashOn::Path),
        "header" => header.map(HashOn::Header),
        "cookie" => cookie.map(HashOn::Cookie),
        "query_arg" => query.map(HashOn::Query),
        "uri_capture" => capture.map(HashOn::Capture),
        _ => None,
    };
    found.unwrap_or(HashOn::Nothing)
}

/// The same on every node and in every release.
pub fn hash(text: &[u8]) -> u64 {
    let digest = digest::digest(&digest::SHA256, text);
    let bytes = digest.as_ref()[..8].try_into();
    u64::from_be_bytes(bytes.expect("eight bytes"))
}

pub fn circle(peers: &[Peer]) -> Vec<(u64, usize)> {
    let total: u64 = peers.iter().map(Peer::share).sum();
    let with_weight = peers.iter().filter(|peer| peer.weight > 0).count() as u64;
    if total == 0 {
        return Vec::new();
    }
    let mut circle = Vec::new();
    for (index, peer) in peers.iter().enumerate() {
        let points = POINTS * with_weight * peer.share() / total;
        // One that has little weight still has a place.
        let points = if peer.weight > 0 { points.max(1) } else { 0 };
        for point in 0..points {
            circle.push((hash(format!("{} {point}", peer.name).as_bytes()), index));
        }
    }
    circle.sort_unstable();
    circle
}

/// The first fitting peer from the hash on.
pub fn on_circle(
    circle: &[(u64, usize)],
    hash: u64,
    fits: &dyn Fn(usize) -> bool,
) -> Option<usize> {
    let start = circle.partition_point(|(point, _)| *point < hash);
    let (before, after) = circle.split_at(start);
    let mut points = after.iter().chain(before);
    points
        .find(|(_, index)| fits(*index))
        .map(|(_, index)| *index)
}

/// Smooth weighted round robin: exact over a cycle, and no peer gets all its requests at once.
pub fn next_turn(turns: &mut [i64], peers: &[Peer], fits: &dyn Fn(usize) -> bool) -> Option<usize> {
    let mut total = 0;
    let mut best: Option<usize> = None;
    for (index, peer) in peers.iter().enumerate() {
        if !fits(index) {
            continue;
        }
        let share = i64::try_from(peer.share()).unwrap_or(i64::MAX >> 32);
        turns[index] += share;
        total += share;
        if best.is_none_or(|best| turns[index] > turns[best]) {
            best = Some(index);
        }
    }
    let best = best?;
    turns[best] -= total;
    Some(best)
}

pub fn least_busy(peers: &[Peer], fits: &dyn Fn(usize) -> bool) -> Option<usize> {
    use std::sync::atomic::Ordering::Relaxed;
    // Equal ones take turns, more or less.
    let start = fastrand::usize(..peers.len().max(1));
    let mut best: Option<(u64, u64, usize)> = None;
    for offset in 0..peers.len() {
        let index = (start + offset) % peers.len();
        if !fits(index) {
            continue;
        }
        let busy = u64::from(peers[index].state.open.load(Relaxed)) + 1;
        let weight = peers[index].share();
        if best.is_none_or(|(least, of, _)| busy * of < least * weight) {
            best = Some((busy, weight, index));
        }
    }
    best.map(|(.., index)| index)
}

/// A moving average that follows a rise at once and forgets it slowly.
#[derive(Default)]
pub struct Latency {
    milliseconds: f64,
    at: Option<Instant>,
}

impl Latency {
    pub fn add(&mut self, milliseconds: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^52")]
        let new = milliseconds as f64;
        let age = self.at.map_or(f64::MAX, |at| at.elapsed().as_secs_f64());
        let kept = (-age / DECAY).exp();
        self.milliseconds = if new > self.milliseconds {
            new
        } else {
            self.milliseconds * kept + new * (1.0 - kept)
        };
        self.at = Some(Instant::now());
    }

    fn now(&self) -> f64 {
        let age = self.at.map_or(0.0, |at| at.elapsed().as_secs_f64());
        self.milliseconds * (-age / DECAY).exp()
    }
}

/// The faster of two, chosen by chance.
pub fn fastest(peers: &[Peer], fits: &dyn Fn(usize) -> bool) -> Option<usize> {
    use std::sync::{PoisonError, atomic::Ordering::Relaxed};
    let fitting: Vec<usize> = (0..peers.len()).filter(|index| fits(*index)).collect();
    let first = fastrand::usize(..fitting.len().max(1));
    let one = *fitting.get(first)?;
    if fitting.len() == 1 {
        return Some(one);
    }
    let second = (first + 1 + fastrand::usize(..fitting.len() - 1)) % fitting.len();
    let other = fitting[second];
    let cost = |index: usize| {
        let peer = &peers[index];
        let latency = peer
            .state
            .latency
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .now();
        let open = f64::from(peer.state.open.load(Relaxed));
        #[expect(clippy::cast_precision_loss, reason = "weights are far below 2^52")]
        let share = peer.share().max(1) as f64;
        (latency + 1.0) * (open + 1.0) / share
    };
    Some(if cost(one) <= cost(other) { one } else { other })
}
