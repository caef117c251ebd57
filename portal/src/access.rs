//! One line of the log per request to a page, with the members that old installations read
//! (portal-ui 16).

use std::{net::SocketAddr, sync::LazyLock, time::Instant};

use axum::{
    extract::{ConnectInfo, Request},
    response::Response,
};
use http::{HeaderMap, HeaderName, Uri, header};
use service::{
    VERSION,
    http::{OwnLine, current_correlation_id},
    settings,
};
use url::form_urlencoded;

use crate::session::SessionUser;

/// Longest text taken over from a request.
const MAX: usize = 500;

/// What is known about a request before it is answered.
pub struct Line {
    started: Instant,
    method: String,
    url: String,
    remote: String,
    referrer: String,
    agent: String,
}

impl Line {
    pub fn of(request: &Request) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let headers = request.headers();
        Self {
            started: Instant::now(),
            method: request.method().to_string(),
            url: redacted(request.uri()),
            remote: peer.map_or_else(String::new, |peer| peer.0.ip().to_canonical().to_string()),
            referrer: referrer(headers),
            agent: text(headers, &header::USER_AGENT),
        }
    }

    /// Writes the line, and keeps the general one from being written.
    pub fn write(self, user: Option<&SessionUser>, mut response: Response) -> Response {
        /// Addresses of people are personal data, so they are left out unless asked for.
        static WITH_EMAIL: LazyLock<bool> =
            LazyLock::new(|| settings::var("LOG_USER_EMAIL").as_deref() == Some("true"));
        let email = user.filter(|_| *WITH_EMAIL);
        tracing::info!(
            target: "access",
            method = self.method,
            url = self.url,
            "remote-addr" = self.remote,
            "user-id" = user.map_or("", |user| user.id.as_str()),
            "user-email" = email.map_or("", |user| user.email.as_str()),
            version = VERSION,
            status = response.status().as_u16(),
            "content-length" = text(response.headers(), &header::CONTENT_LENGTH),
            referrer = self.referrer,
            "user-agent" = self.agent,
            "response-time" = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "correlation-id" = current_correlation_id().unwrap_or_default(),
            "answered"
        );
        response.extensions_mut().insert(OwnLine);
        response
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().chars().take(MAX).collect()
}

/// The page before, without what its address may carry.
fn referrer(headers: &HeaderMap) -> String {
    let text = text(headers, &header::REFERER);
    text.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// Path and query; values of parameters that are named like secrets are left out.
fn redacted(uri: &Uri) -> String {
    const SECRET: [&str; 7] = [
        "token", "secret", "password", "key", "code", "state", "auth",
    ];
    let Some(query) = uri.query() else {
        return uri.path().to_owned();
    };
    let mut shown = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()).take(50) {
        let lower = name.to_lowercase();
        let is_secret = SECRET.iter().any(|word| lower.contains(word));
        shown.append_pair(&name, if is_secret { "***" } else { &value });
    }
    let shown = format!("{}?{}", uri.path(), shown.finish());
    shown.chars().take(2 * MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_like_a_secret_is_left_out() {
        for (url, shown) in [
            ("/apis?q=tea", "/apis?q=tea"),
            (
                "/login/callback?code=abc&state=x",
                "/login/callback?code=***&state=***",
            ),
            (
                "/swagger-ui?apikey=k&Client_Secret=s&url=u",
                "/swagger-ui?apikey=***&Client_Secret=***&url=u",
            ),
            ("/", "/"),
        ] {
            assert_eq!(redacted(&url.parse().unwrap()).replace("%2A", "*"), shown);
        }
    }
}
