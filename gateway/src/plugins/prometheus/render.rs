use std::{collections::BTreeMap, fmt::Write, sync::PoisonError, sync::atomic::Ordering::Relaxed};

use service::revocations::AGE;

use super::{Latencies, Numbers};
use crate::{
    plugins::{self, Plugin, log, rate_limiting},
    worker::Shared,
};

/// All metrics of this gateway as Prometheus text.
pub fn render(shared: &Shared) -> String {
    let mut text = String::new();
    connections(shared, &mut text);
    let mut numbers = Numbers::default();
    for counters in &shared.workers {
        numbers.add(
            &counters
                .numbers
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
    requests(&numbers, &mut text);
    bandwidth(&numbers, &mut text);
    latencies(&numbers, &mut text);
    upstreams(shared, &mut text);
    revocations(shared, &mut text);
    cache(shared, &mut text);
    certificates(shared, &mut text);
    text
}

/// How the targets are, where the global plugin says so.
fn upstreams(shared: &Shared, text: &mut String) {
    let routing = shared.live.routing.load();
    let bound = routing.global.get(plugins::PROMETHEUS);
    let is_wanted = bound.is_some_and(|bound| {
        matches!(&*bound.plugin, Plugin::Prometheus(plugin) if plugin.upstream_health_metrics)
    });
    if !is_wanted {
        return;
    }
    let name = "kong_upstream_target_health";
    head(name, "gauge", "How the targets of upstreams are", text);
    for upstream in routing.upstreams() {
        let is_checked = upstream.checks.is_active() || upstream.checks.is_passive();
        for peer in &upstream.peers {
            let now = match (is_checked, peer.state.health.is_well()) {
                (_, false) => "unhealthy",
                (true, true) => "healthy",
                (false, true) => "healthchecks_off",
            };
            for state in ["healthchecks_off", "healthy", "unhealthy", "dns_error"] {
                let _ = writeln!(
                    text,
                    "{name}{{upstream=\"{}\",target=\"{}\",address=\"{}\",state=\"{state}\",subsystem=\"http\"}} {}",
                    escape(&upstream.name),
                    escape(&peer.name),
                    escape(&peer.name),
                    u8::from(state == now),
                );
            }
        }
    }
}

fn revocations(shared: &Shared, text: &mut String) {
    let list = shared.live.revoked.load();
    let now = service::clock::now().timestamp();
    let count = "wicketgate_gateway_revocations";
    let help = "Access tokens, sessions and users on the list of what ended before its time";
    head(count, "gauge", help, text);
    for (issuer, entries, _) in list.ages(now) {
        let _ = writeln!(text, "{count}{{issuer=\"{}\"}} {entries}", escape(issuer));
    }
    head(AGE, "gauge", "Seconds since that list was told anew", text);
    for (issuer, _, age) in list.ages(now) {
        let _ = writeln!(text, "{AGE}{{issuer=\"{}\"}} {age}", escape(issuer));
    }
}

fn cache(shared: &Shared, text: &mut String) {
    let (answers, bytes) = shared.cache.size();
    let name = "wicketgate_gateway_cached_answers";
    head(name, "gauge", "Answers that proxy-cache keeps", text);
    let _ = writeln!(text, "{name} {answers}");
    let name = "wicketgate_gateway_cache_bytes";
    head(name, "gauge", "Memory that they take", text);
    let _ = writeln!(text, "{name} {bytes}");
}

/// Those that come by themselves.
fn certificates(shared: &Shared, text: &mut String) {
    let Some(acme) = &shared.acme else { return };
    let name = "wicketgate_gateway_certificate_expiry_timestamp_seconds";
    let help = "When the certificate of a name ends that comes by ACME; 0 if there is none yet";
    head(name, "gauge", help, text);
    for (host, expires) in acme.names().iter() {
        let expires = expires.unwrap_or_default();
        let _ = writeln!(text, "{name}{{name=\"{}\"}} {expires}", escape(host));
    }
    let name = "wicketgate_gateway_certificate_failures_total";
    head(
        name,
        "counter",
        "Orders of certificates that came to nothing",
        text,
    );
    let _ = writeln!(text, "{name} {}", acme.failures());
}

fn head(name: &str, kind: &str, help: &str, text: &mut String) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn connections(shared: &Shared, text: &mut String) {
    let totals = shared.connections();
    let node = shared.node_id;
    head(
        "kong_nginx_connections_total",
        "gauge",
        "Connections of clients by state",
        text,
    );
    for (state, count) in [
        ("accepted", totals.accepted),
        ("active", totals.active),
        ("handled", totals.accepted),
        ("reading", 0),
        ("total", totals.requests),
        ("waiting", totals.active.saturating_sub(totals.working)),
        ("writing", totals.working),
    ] {
        let _ = writeln!(
            text,
            "kong_nginx_connections_total{{node_id=\"{node}\",subsystem=\"http\",state=\"{state}\"}} {count}"
        );
    }
    head(
        "kong_nginx_requests_total",
        "gauge",
        "Requests of clients",
        text,
    );
    let _ = writeln!(
        text,
        "kong_nginx_requests_total{{node_id=\"{node}\",subsystem=\"http\"}} {}",
        totals.requests
    );
    head(
        "kong_datastore_reachable",
        "gauge",
        "Whether entities can be stored",
        text,
    );
    let _ = writeln!(text, "kong_datastore_reachable 1");
    head("kong_node_info", "gauge", "This node", text);
    let _ = writeln!(
        text,
        "kong_node_info{{node_id=\"{node}\",version=\"{}\"}} 1",
        crate::VERSION
    );
    for (name, help, count) in [
        (
            "wicketgate_gateway_usage_dropped_total",
            "Usage records lost because their store was full",
            &*shared.usage.dropped,
        ),
        (
            "wicketgate_gateway_log_records_dropped_total",
            "Records of http-log and file-log that could not be delivered",
            &log::DROPPED,
        ),
        (
            "wicketgate_gateway_limit_store_failures_total",
            "Requests whose rate limit could not be counted in its Redis",
            &rate_limiting::FAILURES,
        ),
    ] {
        head(name, "counter", help, text);
        let _ = writeln!(text, "{name} {}", count.load(Relaxed));
    }
}

fn requests(numbers: &Numbers, text: &mut String) {
    head(
        "kong_http_requests_total",
        "counter",
        "Requests by service, route and status",
        text,
    );
    for (labels, count) in numbers.requests.iter().collect::<BTreeMap<_, _>>() {
        let source = if labels.from_backend {
            "service"
        } else {
            "kong"
        };
        let _ = writeln!(
            text,
            "kong_http_requests_total{{service=\"{}\",route=\"{}\",code=\"{}\",source=\"{source}\",workspace=\"default\",consumer=\"{}\"}} {count}",
            escape(&labels.service),
            escape(&labels.route),
            labels.status,
            escape(labels.consumer.as_deref().unwrap_or_default()),
        );
    }
}

fn bandwidth(numbers: &Numbers, text: &mut String) {
    head(
        "kong_bandwidth_bytes",
        "counter",
        "Bytes of bodies by service and route",
        text,
    );
    for (labels, bytes) in numbers.bandwidth.iter().collect::<BTreeMap<_, _>>() {
        let direction = if labels.egress { "egress" } else { "ingress" };
        let _ = writeln!(
            text,
            "kong_bandwidth_bytes{{service=\"{}\",route=\"{}\",direction=\"{direction}\",workspace=\"default\",consumer=\"{}\"}} {bytes}",
            escape(&labels.service),
            escape(&labels.route),
            escape(labels.consumer.as_deref().unwrap_or_default()),
        );
    }
}

fn latencies(numbers: &Numbers, text: &mut String) {
    type Select = fn(&Latencies) -> &super::Histogram;
    let series: [(&str, &str, Select); 3] = [
        (
            "kong_kong_latency_ms",
            "Time spent in the gateway",
            |latencies| &latencies.gateway,
        ),
        (
            "kong_upstream_latency_ms",
            "Time until the backend's response header",
            |latencies| &latencies.upstream,
        ),
        (
            "kong_request_latency_ms",
            "Time of the whole request",
            |latencies| &latencies.request,
        ),
    ];
    for (name, help, select) in series {
        head(name, "histogram", help, text);
        for ((service, route), latencies) in &numbers.latencies {
            let labels = format!(
                "service=\"{}\",route=\"{}\",workspace=\"default\"",
                escape(service),
                escape(route)
            );
            select(latencies).write(name, &labels, text);
        }
    }
}

fn escape(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
