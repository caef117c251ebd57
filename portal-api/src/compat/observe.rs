//! The metrics of requests under the names that existing dashboards read (portal-api 23.8).

use std::time::Instant;

use axum::{extract::MatchedPath, response::Response};
use http::Method;
use metrics::{Counter, Histogram};
use service::http::Series;

/// What is measured of one kind of request.
pub struct Metrics {
    times: Histogram,
    class: Counter,
    codes: Counter,
}

/// Measures a request that was answered.
pub fn note(series: &Series<Metrics>, method: &Method, started: Instant, response: &Response) {
    let matched = response.extensions().get::<MatchedPath>();
    let route = matched.map_or("unknown", MatchedPath::as_str);
    let status = response.status();
    let metrics = series.of(route, method, status, |method| {
        Metrics::of(route, method, status.as_u16())
    });
    metrics.times.record(started.elapsed().as_secs_f64());
    metrics.class.increment(1);
    metrics.codes.increment(1);
}

impl Metrics {
    fn of(route: &str, method: &Method, status: u16) -> Self {
        let labels = [("method", method.to_string()), ("route", colon_form(route))];
        let times = metrics::histogram!("wicked_api_response_times", &labels);
        let class = metrics::counter!(class(status), &labels);
        let [method, route] = labels;
        let labels = [method, route, ("code", status.to_string())];
        let codes = metrics::counter!("wicked_api_status_codes", &labels);
        Self {
            times,
            class,
            codes,
        }
    }
}

const fn class(status: u16) -> &'static str {
    match status {
        200..=299 => "wicked_api_status_2xx",
        404 => "wicked_api_status_404",
        400..=499 => "wicked_api_status_4xx",
        500..=599 => "wicked_api_status_5xx",
        _ => "wicked_api_status_unknown",
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
