//! The metrics of requests under the names that existing dashboards read (portal-api 23.8,
//! auth-server 20).

use std::time::Instant;

use http::{Method, StatusCode};
use metrics::{Counter, Histogram};

use super::Series;

/// Requests of one service, by route, method and status.
pub struct WickedMetrics {
    prefix: &'static str,
    series: Series<Metrics>,
}

/// What is measured of one kind of request.
struct Metrics {
    times: Histogram,
    class: Counter,
    codes: Counter,
}

impl WickedMetrics {
    /// `prefix` is that of the service: `wicked_api`.
    pub fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            series: Series::default(),
        }
    }

    /// Measures a request that was answered; `route` is as it was matched.
    pub fn note(&self, route: Option<&str>, method: &Method, started: Instant, status: StatusCode) {
        let route = route.unwrap_or("unknown");
        let metrics = self.series.of(route, method, status, |method| {
            Metrics::of(self.prefix, route, method, status.as_u16())
        });
        metrics.times.record(started.elapsed().as_secs_f64());
        metrics.class.increment(1);
        metrics.codes.increment(1);
    }
}

impl Metrics {
    fn of(prefix: &str, route: &str, method: &Method, status: u16) -> Self {
        let labels = [("method", method.to_string()), ("route", colon_form(route))];
        let times = metrics::histogram!(format!("{prefix}_response_times"), &labels);
        let class = metrics::counter!(format!("{prefix}_status_{}", class(status)), &labels);
        let [method, route] = labels;
        let labels = [method, route, ("code", status.to_string())];
        let codes = metrics::counter!(format!("{prefix}_status_codes"), &labels);
        Self {
            times,
            class,
            codes,
        }
    }
}

const fn class(status: u16) -> &'static str {
    match status {
        200..=299 => "2xx",
        404 => "404",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "unknown",
    }
}

/// `/users/{user}` as `/users/:userId`, the way such routes are labelled there.
fn colon_form(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let name = segment
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'));
        match name {
            None => segment.to_owned(),
            Some(name) if name.starts_with('*') => "*".to_owned(),
            Some("application") => ":appId".to_owned(),
            Some("id") => ":id".to_owned(),
            Some("client_id") => ":clientId".to_owned(),
            Some(name) => format!(":{name}Id"),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_labelled_in_the_form_of_dashboards() {
        for (path, label) in [
            ("/users/{user}", "/users/:userId"),
            (
                "/applications/{application}/subscriptions/{api}",
                "/applications/:appId/subscriptions/:apiId",
            ),
            ("/content/{*path}", "/content/*"),
            ("/ping", "/ping"),
        ] {
            assert_eq!(colon_form(path), label);
        }
    }
}
