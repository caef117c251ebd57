//! The metrics of requests under the names that existing dashboards read (portal-api 23.8).

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};

/// Counts the request and measures its time.
pub async fn layer(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().to_string();
    let response = next.run(request).await;
    let route = response
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| colon_form(path.as_str()));
    let labels = [("method", method), ("route", route)];
    metrics::histogram!("wicked_api_response_times", &labels)
        .record(started.elapsed().as_secs_f64());
    let status = response.status().as_u16();
    metrics::counter!(class(status), &labels).increment(1);
    let [method, route] = labels;
    let labels = [method, route, ("code", status.to_string())];
    metrics::counter!("wicked_api_status_codes", &labels).increment(1);
    response
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
