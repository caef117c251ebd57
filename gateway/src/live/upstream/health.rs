//! Who is well (gateway 5.6): told by the answers that clients get, and by checks of our own.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use serde::Deserialize;

#[derive(Deserialize)]
pub struct Config {
    active: ActiveConfig,
    passive: PassiveConfig,
    pub threshold: f64,
}

#[derive(Deserialize)]
struct ActiveConfig {
    r#type: CheckType,
    timeout: f64,
    concurrency: usize,
    http_path: String,
    https_sni: Option<String>,
    https_verify_certificate: bool,
    headers: Option<BTreeMap<String, Vec<String>>>,
    healthy: HealthyConfig,
    unhealthy: UnhealthyConfig,
}

#[derive(Deserialize)]
struct PassiveConfig {
    healthy: HealthyConfig,
    unhealthy: UnhealthyConfig,
}

#[derive(Deserialize)]
struct HealthyConfig {
    #[serde(default)]
    interval: f64,
    http_statuses: Vec<u16>,
    successes: u8,
}

#[derive(Deserialize)]
struct UnhealthyConfig {
    #[serde(default)]
    interval: f64,
    http_statuses: Vec<u16>,
    tcp_failures: u8,
    timeouts: u8,
    http_failures: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckType {
    Tcp,
    Http,
    Https,
    Grpc,
    Grpcs,
}

/// What is looked at, and how often something has to happen before it counts.
pub struct Checks {
    pub active: Active,
    passive: Thresholds,
}

/// Checks of our own.
pub struct Active {
    pub kind: CheckType,
    pub timeout: Duration,
    pub concurrency: usize,
    pub path: String,
    pub sni: Option<String>,
    pub verifies: bool,
    pub headers: Vec<(String, String)>,
    /// Zero: not at all.
    pub healthy_every: Duration,
    pub unhealthy_every: Duration,
    thresholds: Thresholds,
}

/// Zero: never.
struct Thresholds {
    good: Vec<u16>,
    bad: Vec<u16>,
    successes: u8,
    tcp_failures: u8,
    timeouts: u8,
    http_failures: u8,
}

/// What was seen of a peer.
#[derive(Clone, Copy, Debug)]
pub enum Sign {
    Status(u16),
    /// No connection, or it broke.
    Broken,
    Timeout,
}

/// How a peer is, and what is on its way to change that.
#[derive(Default)]
pub struct Health {
    is_ill: AtomicBool,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    successes: u8,
    tcp_failures: u8,
    timeouts: u8,
    http_failures: u8,
}

impl Health {
    pub fn is_well(&self) -> bool {
        !self.is_ill.load(Relaxed)
    }

    /// Whatever was counted.
    pub fn set(&self, is_well: bool) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = Counts::default();
        self.is_ill.store(!is_well, Relaxed);
    }

    fn note(&self, thresholds: &Thresholds, sign: Sign) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Sign::Status(status) = sign
            && thresholds.good.contains(&status)
        {
            let successes = counts.successes.saturating_add(1);
            *counts = Counts {
                successes,
                ..Counts::default()
            };
            if is_reached(successes, thresholds.successes) {
                self.is_ill.store(false, Relaxed);
            }
            return;
        }
        let (count, threshold) = match sign {
            Sign::Status(504) if thresholds.bad.contains(&504) => {
                (&mut counts.timeouts, thresholds.timeouts)
            }
            Sign::Status(status) if thresholds.bad.contains(&status) => {
                (&mut counts.http_failures, thresholds.http_failures)
            }
            Sign::Status(_) => return,
            Sign::Broken => (&mut counts.tcp_failures, thresholds.tcp_failures),
            Sign::Timeout => (&mut counts.timeouts, thresholds.timeouts),
        };
        *count = count.saturating_add(1);
        let is_over = is_reached(*count, threshold);
        counts.successes = 0;
        if is_over {
            self.is_ill.store(true, Relaxed);
        }
    }
}

const fn is_reached(count: u8, threshold: u8) -> bool {
    threshold > 0 && count >= threshold
}

impl Thresholds {
    fn new(healthy: &HealthyConfig, unhealthy: &UnhealthyConfig) -> Self {
        Self {
            good: healthy.http_statuses.clone(),
            bad: unhealthy.http_statuses.clone(),
            successes: healthy.successes,
            tcp_failures: unhealthy.tcp_failures,
            timeouts: unhealthy.timeouts,
            http_failures: unhealthy.http_failures,
        }
    }

    const fn can_find_ill(&self) -> bool {
        self.tcp_failures > 0 || self.timeouts > 0 || self.http_failures > 0
    }
}

impl Checks {
    pub fn new(config: &Config) -> Self {
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let active = &config.active;
        let headers = active.headers.iter().flatten();
        let headers = headers
            .flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone())));
        Self {
            active: Active {
                kind: active.r#type,
                timeout: seconds(active.timeout),
                concurrency: active.concurrency,
                path: active.http_path.clone(),
                sni: active.https_sni.clone(),
                verifies: active.https_verify_certificate,
                headers: headers.collect(),
                healthy_every: seconds(active.healthy.interval),
                unhealthy_every: seconds(active.unhealthy.interval),
                thresholds: Thresholds::new(&active.healthy, &active.unhealthy),
            },
            passive: Thresholds::new(&config.passive.healthy, &config.passive.unhealthy),
        }
    }

    pub fn is_active(&self) -> bool {
        !self.active.healthy_every.is_zero() || !self.active.unhealthy_every.is_zero()
    }

    pub fn is_passive(&self) -> bool {
        self.passive.can_find_ill()
    }

    pub fn checked(&self, health: &Health, sign: Sign) {
        health.note(&self.active.thresholds, sign);
    }

    /// What a client's request has shown.
    pub fn seen(&self, health: &Health, sign: Sign) {
        if self.is_passive() {
            health.note(&self.passive, sign);
        }
    }
}
