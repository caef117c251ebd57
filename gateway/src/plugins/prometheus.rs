//! Per-route metrics in Kong's names. Each worker keeps its own numbers behind a lock that only
//! the scraper ever contends for; they are added up when they are read.

mod histogram;
mod render;

use std::{collections::HashMap, sync::Arc};

use serde::Deserialize;

pub use render::render;

use histogram::Histogram;

/// What is measured.
#[derive(Clone, Copy, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are Kong's")]
pub struct Prometheus {
    status_code_metrics: bool,
    latency_metrics: bool,
    bandwidth_metrics: bool,
    upstream_health_metrics: bool,
    per_consumer: bool,
}

/// One finished request.
pub struct Observation<'a> {
    pub service: &'a Arc<str>,
    pub route: &'a Arc<str>,
    pub consumer: Option<&'a str>,
    pub status: u16,
    pub from_backend: bool,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub total_ms: u64,
    pub upstream_ms: Option<u64>,
}

/// The numbers of one worker.
#[derive(Default)]
pub struct Numbers {
    requests: HashMap<RequestLabels, u64>,
    bandwidth: HashMap<BandwidthLabels, u64>,
    latencies: HashMap<(Arc<str>, Arc<str>), Latencies>,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct RequestLabels {
    service: Arc<str>,
    route: Arc<str>,
    consumer: Option<Arc<str>>,
    status: u16,
    from_backend: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct BandwidthLabels {
    service: Arc<str>,
    route: Arc<str>,
    consumer: Option<Arc<str>>,
    egress: bool,
}

#[derive(Clone)]
struct Latencies {
    gateway: Histogram,
    upstream: Histogram,
    request: Histogram,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            gateway: Histogram::new(histogram::GATEWAY),
            upstream: Histogram::new(histogram::UPSTREAM),
            request: Histogram::new(histogram::UPSTREAM),
        }
    }
}

impl Numbers {
    pub fn record(&mut self, plugin: Prometheus, seen: &Observation<'_>) {
        let consumer = seen.consumer.filter(|_| plugin.per_consumer).map(Arc::from);
        if plugin.status_code_metrics {
            let labels = RequestLabels {
                service: seen.service.clone(),
                route: seen.route.clone(),
                consumer: consumer.clone(),
                status: seen.status,
                from_backend: seen.from_backend,
            };
            *self.requests.entry(labels).or_default() += 1;
        }
        if plugin.bandwidth_metrics {
            for (egress, bytes) in [(false, seen.request_bytes), (true, seen.response_bytes)] {
                let labels = BandwidthLabels {
                    service: seen.service.clone(),
                    route: seen.route.clone(),
                    consumer: consumer.clone(),
                    egress,
                };
                *self.bandwidth.entry(labels).or_default() += bytes;
            }
        }
        if plugin.latency_metrics {
            let key = (seen.service.clone(), seen.route.clone());
            let latencies = self.latencies.entry(key).or_default();
            latencies.request.observe(seen.total_ms);
            latencies.gateway.observe(
                seen.total_ms
                    .saturating_sub(seen.upstream_ms.unwrap_or_default()),
            );
            if let Some(upstream) = seen.upstream_ms {
                latencies.upstream.observe(upstream);
            }
        }
    }

    /// Adds another worker's numbers.
    pub fn add(&mut self, other: &Self) {
        for (labels, count) in &other.requests {
            *self.requests.entry(labels.clone()).or_default() += count;
        }
        for (labels, bytes) in &other.bandwidth {
            *self.bandwidth.entry(labels.clone()).or_default() += bytes;
        }
        for (labels, latencies) in &other.latencies {
            let sum = self.latencies.entry(labels.clone()).or_default();
            sum.gateway.add(&latencies.gateway);
            sum.upstream.add(&latencies.upstream);
            sum.request.add(&latencies.request);
        }
    }
}
