//! Requests that come by another name than the portal's, or without https.

use axum::{
    extract::Request,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, Method, StatusCode, header};

use crate::installation::Installation;

/// Sends a browser to the portal's own address; nothing if it is there already.
///
/// Cookies and log-in depend on the name, so `127.0.0.1` leads to `localhost` where that is the
/// configured one.
pub fn elsewhere(installation: &Installation, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let right_scheme = !installation.secure() || forwarded_proto(headers) == Some("https");
    if right_scheme && host(headers) == Some(&authority(installation)) {
        return None;
    }
    if !right_scheme && !installation.redirect_to_https {
        let text = "This portal is configured for https. The proxy in front of it has to send \
                    `X-Forwarded-Proto: https`.";
        return Some((StatusCode::BAD_REQUEST, text).into_response());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(
            (
                StatusCode::MISDIRECTED_REQUEST,
                "Use the portal's own address.",
            )
                .into_response(),
        );
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |text| text.as_str());
    let target = installation
        .external
        .join(path.trim_start_matches('/'))
        .ok()?;
    let same_origin = target.origin() == installation.external.origin();
    same_origin.then(|| Redirect::temporary(target.as_str()).into_response())
}

/// `host[:port]` of the portal as a browser writes it.
pub fn authority(installation: &Installation) -> String {
    let url = &installation.external;
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

fn forwarded_proto(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-forwarded-proto")?.to_str().ok()
}
