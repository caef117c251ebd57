//! Requests that come by another name than the portal's, or without https.

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

use crate::{console, failure::Failure, installation::Installation, redirect::found};

/// Why a request is not answered where it came.
pub enum Elsewhere {
    Moved(Response),
    Refused(Failure),
}

/// Sends a browser to the portal's own address; nothing if it is there already.
///
/// Cookies and log-in depend on the name, so `127.0.0.1` leads to `localhost` where that is the
/// configured one. The API console lives on the gateway's name, and without https if need be.
pub fn elsewhere(installation: &Installation, request: &Request) -> Option<Elsewhere> {
    let headers = request.headers();
    let is_console = console::is_below(request.uri().path());
    let is_sent_on = matches!(*request.method(), Method::GET | Method::HEAD);
    let base = if is_console {
        Url::parse(&installation.gateway).ok()?
    } else {
        installation.external.clone()
    };
    let right_scheme =
        is_console || !installation.secure() || forwarded_proto(headers) == Some("https");
    let right_host = host(headers) == Some(&authority(&base));
    if right_scheme && right_host {
        return None;
    }
    if !right_scheme && !installation.redirect_to_https {
        return Some(Elsewhere::Refused(Failure::Unencrypted));
    }
    if !is_sent_on {
        return Some(Elsewhere::Refused(Failure::Misdirected));
    }
    let path = request.uri().path_and_query();
    let mut target = base.clone();
    target.set_path(request.uri().path());
    target.set_query(path.and_then(|path| path.query()));
    Some(Elsewhere::Moved(if right_scheme {
        found(target.as_str())
    } else {
        for_good(&target)
    }))
}

/// Plain http will never be right.
fn for_good(target: &Url) -> Response {
    match HeaderValue::try_from(target.as_str()) {
        Ok(location) => (
            StatusCode::MOVED_PERMANENTLY,
            [(header::LOCATION, location)],
        )
            .into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// `host[:port]` as a browser writes it.
pub fn authority(url: &Url) -> String {
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
