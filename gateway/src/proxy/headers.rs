//! Headers that must not pass: identity headers of clients, and those that belong to one
//! connection only.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONNECTION, COOKIE, EXPECT, HOST, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};

/// Headers by which the gateway tells the backend who calls.
pub mod names {
    use http::HeaderName;

    pub const CONSUMER_ID: HeaderName = HeaderName::from_static("x-consumer-id");
    pub const CONSUMER_CUSTOM_ID: HeaderName = HeaderName::from_static("x-consumer-custom-id");
    pub const CONSUMER_USERNAME: HeaderName = HeaderName::from_static("x-consumer-username");
    pub const CONSUMER_GROUPS: HeaderName = HeaderName::from_static("x-consumer-groups");
    pub const AUTHENTICATED_GROUPS: HeaderName = HeaderName::from_static("x-authenticated-groups");
    pub const CREDENTIAL_IDENTIFIER: HeaderName =
        HeaderName::from_static("x-credential-identifier");
    pub const ANONYMOUS: HeaderName = HeaderName::from_static("x-anonymous-consumer");
    pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-kong-request-id");
    pub const UPSTREAM_LATENCY: HeaderName = HeaderName::from_static("x-kong-upstream-latency");
    pub const PROXY_LATENCY: HeaderName = HeaderName::from_static("x-kong-proxy-latency");
    pub const RESPONSE_LATENCY: HeaderName = HeaderName::from_static("x-kong-response-latency");
    pub const UPSTREAM_STATUS: HeaderName = HeaderName::from_static("x-kong-upstream-status");
    pub const DEBUG: HeaderName = HeaderName::from_static("kong-debug");
}

/// Names of which a client must bring none, in any spelling (gateway 5.4).
const IDENTITY: &[&[u8]] = &[
    b"x-consumer-id",
    b"x-consumer-custom-id",
    b"x-consumer-username",
    b"x-consumer-groups",
    b"x-credential-identifier",
    b"x-credential-username",
    b"x-anonymous-consumer",
    b"x-authenticated-userid",
    b"x-authenticated-scope",
    b"x-authenticated-groups",
    b"x-authenticated-consumer-id",
    b"x-client-cert-dn",
    b"x-client-cert-san",
];

/// Names that some backends read in a spelling with `_`, too. Under that spelling they are dropped.
const AMBIGUOUS: &[&[u8]] = &[
    b"forwarded",
    b"host",
    b"x-real-ip",
    b"content-length",
    b"transfer-encoding",
];

/// Names by which some backends take another path or method than the one that was checked here.
/// Only a trusted peer may say such things (gateway 10.9).
const OVERRIDES: &[&[u8]] = &[
    b"x-original-url",
    b"x-rewrite-url",
    b"x-http-method-override",
    b"x-http-method",
    b"x-method-override",
];

/// Headers of one connection (RFC 9110, 7.6.1), in both directions.
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-authenticate"),
    TRANSFER_ENCODING,
];

/// What a client's headers are like, from one look at them: what is not there need not be looked up
/// later.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says of one thing whether it is there"
)]
pub struct Seen {
    /// The protocol that the client wants to switch to.
    pub upgrade: Option<HeaderValue>,
    pub takes_trailers: bool,
    /// Credentials that are for us, not for the backend.
    pub proxy_authorization: Option<HeaderValue>,
    pub has_cookies: bool,
    /// `Forwarded` or `X-Forwarded-Prefix`.
    pub claims_proxy: bool,
    /// A forbidden name was spelt with `_`.
    pub disguised: bool,
}

/// Removes what a client must not send on. This comes before the first plugin: a header that a
/// plugin sets must not vanish because the client named it in `Connection`.
pub fn clean_request(headers: &mut HeaderMap, peer_is_trusted: bool, also: &[HeaderName]) -> Seen {
    let is_forbidden = |name: &[u8]| is_forbidden(name, peer_is_trusted, also);
    let mut found: Found = Found::default();
    let mut seen = Seen::default();
    for name in headers.keys() {
        let name_bytes = name.as_str().as_bytes();
        match name_bytes {
            [b'x', ..] | [_, b'_', ..] if is_forbidden(name_bytes) => {
                seen.disguised |= name_bytes.contains(&b'_');
                found.forbidden.push(name.clone());
            }
            _ if name_bytes.contains(&b'_') && is_forbidden(name_bytes) => {
                seen.disguised = true;
                found.forbidden.push(name.clone());
            }
            _ if !also.is_empty() && also.contains(name) => found.forbidden.push(name.clone()),
            b"connection"
            | b"keep-alive"
            | b"proxy"
            | b"proxy-connection"
            | b"proxy-authorization"
            | b"transfer-encoding"
            | b"te"
            | b"upgrade" => found.hop_by_hop = true,
            b"expect" => found.expect = true,
            b"cookie" => seen.has_cookies = true,
            b"forwarded" | b"x-forwarded-prefix" => seen.claims_proxy = true,
            _ => {}
        }
    }
    for name in found.forbidden {
        headers.remove(name);
    }
    if found.expect {
        // Answered by our server as soon as the body is read.
        headers.remove(EXPECT);
    }
    if found.hop_by_hop {
        seen.proxy_authorization = headers.get(PROXY_AUTHORIZATION).cloned();
        seen.upgrade = remove_hop_by_hop(headers);
        seen.takes_trailers = headers.contains_key(TE);
    }
    seen
}

#[derive(Default)]
struct Found {
    forbidden: Vec<HeaderName>,
    hop_by_hop: bool,
    expect: bool,
}

fn is_forbidden(name: &[u8], peer_is_trusted: bool, also: &[HeaderName]) -> bool {
    if name.len() > 64 {
        return false;
    }
    let mut buffer = [0; 64];
    let has_underscore = name.contains(&b'_');
    let dashed: &[u8] = if has_underscore {
        for (to, from) in buffer.iter_mut().zip(name) {
            *to = if *from == b'_' { b'-' } else { *from };
        }
        &buffer[..name.len()]
    } else {
        name
    };
    dashed.starts_with(b"x-ratelimit-")
        || IDENTITY.contains(&dashed)
        || also.iter().any(|name| name.as_str().as_bytes() == dashed)
        || (!peer_is_trusted && OVERRIDES.contains(&dashed))
        || (has_underscore && (AMBIGUOUS.contains(&dashed) || dashed.starts_with(b"x-forwarded-")))
}

/// Removes the headers of the connection; returns the protocol to switch to, if that is wanted.
fn remove_hop_by_hop(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let upgrade = remove_connection_headers(headers);
    let wants_trailers = headers
        .get(TE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(',')
                .any(|part| part.trim().eq_ignore_ascii_case("trailers"))
        });
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    } else {
        headers.remove(TE);
    }
    upgrade
}

fn remove_connection_headers(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let mut named = Vec::new();
    let mut wants_upgrade = false;
    for value in headers.get_all(CONNECTION) {
        let tokens = value
            .as_bytes()
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii);
        for token in tokens {
            wants_upgrade |= token.eq_ignore_ascii_case(b"upgrade");
            let harmless = token.is_empty()
                || token.eq_ignore_ascii_case(b"keep-alive")
                || token.eq_ignore_ascii_case(b"close")
                || token.eq_ignore_ascii_case(b"te")
                || token.eq_ignore_ascii_case(b"upgrade");
            if !harmless
                && let Ok(name) = HeaderName::from_bytes(token)
                && name != HOST
            {
                named.push(name);
            }
        }
    }
    for name in named {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove(UPGRADE).filter(|_| wants_upgrade)
}

/// Removes what belongs to the backend's connection.
pub fn clean_response(headers: &mut HeaderMap, client_takes_trailers: bool) {
    let concerns_connection =
        |name: &HeaderName| HOP_BY_HOP.contains(name) || *name == UPGRADE || *name == TRAILER;
    if !headers.keys().any(concerns_connection) {
        return;
    }
    remove_connection_headers(headers);
    if !client_takes_trailers {
        headers.remove(TRAILER);
    }
}

/// Session cookies of the portal and the auth server: cookies know no ports, so a browser sends
/// those of `localhost` to every API there.
const SESSIONS: &[&str] = &[
    "portal.cookie.sid",
    "__Host-portal.cookie.sid",
    "portal-auth.cookie.sid",
    "__Host-portal-auth.sid",
    "portal-auth.browser",
    "__Host-portal-auth.browser",
];

/// Removes them, wherever the request goes but to those two.
pub fn remove_session_cookies(headers: &mut HeaderMap) {
    let is_session = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        SESSIONS.contains(&name)
    };
    let concerned = headers.get_all(COOKIE).iter().any(|value| {
        value
            .as_bytes()
            .windows(6)
            .any(|window| window == b"portal")
    });
    if !concerned {
        return;
    }
    let values: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    headers.remove(COOKIE);
    for value in values {
        // A value that is no text could hide one.
        let Ok(text) = value.to_str() else { continue };
        let kept: Vec<&str> = text
            .split(';')
            .map(str::trim)
            .filter(|pair| !is_session(pair))
            .collect();
        if let Ok(value) = HeaderValue::from_str(&kept.join("; "))
            && !kept.is_empty()
        {
            headers.append(COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn identity_headers_are_removed_in_any_spelling() {
        let mut sent = headers(&[
            ("X-Consumer-Username", "admin"),
            ("x_consumer_username", "admin"),
            ("X_Authenticated_UserId", "1"),
            ("x-authenticated_scope", "all"),
            ("X-RateLimit-Limit", "1"),
            ("x_forwarded_for", "1.1.1.1"),
            ("X-Consumer", "stays"),
            ("my_header", "stays"),
            ("accept", "stays"),
            ("tenant", "own"),
            ("Tenant_Id", "own"),
        ]);
        let also = ["tenant", "tenant-id"].map(HeaderName::from_static);
        let seen = clean_request(&mut sent, false, &also);
        assert!(seen.upgrade.is_none() && seen.disguised);
        assert_eq!(sent.len(), 3);
    }

    #[test]
    fn only_a_trusted_peer_overrides_path_and_method() {
        let sent = headers(&[
            ("X-Original-URL", "/admin"),
            ("x_rewrite_url", "/admin"),
            ("X-HTTP-Method-Override", "DELETE"),
        ]);
        for (peer_is_trusted, left) in [(false, 0), (true, 3)] {
            let mut sent = sent.clone();
            clean_request(&mut sent, peer_is_trusted, &[]);
            assert_eq!(sent.len(), left);
        }
    }

    #[test]
    fn headers_named_by_connection_are_removed() {
        let mut sent = headers(&[
            ("connection", "close, X-Secret, upgrade"),
            ("x-secret", "1"),
            ("upgrade", "websocket"),
            ("te", "gzip"),
            ("host", "a"),
        ]);
        assert_eq!(
            clean_request(&mut sent, false, &[]).upgrade.unwrap(),
            "websocket"
        );
        assert_eq!(sent.len(), 1);
    }

    #[test]
    fn session_cookies_stay_behind() {
        let mut sent = headers(&[(
            "cookie",
            "a=1; portal.cookie.sid=x; __Host-portal-auth.sid=y; b=2",
        )]);
        remove_session_cookies(&mut sent);
        assert_eq!(sent.get(COOKIE).unwrap(), "a=1; b=2");
    }
}
