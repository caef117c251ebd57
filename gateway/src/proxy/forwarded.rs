//! What the backend is told about the way that the request came (gateway 4.7).

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};

use super::{Connection, head::Host, rules::Rules};
use crate::settings::ForwardedFor;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PATH: HeaderName = HeaderName::from_static("x-forwarded-path");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The peer, or who a trusted peer says it speaks for.
pub fn client_address(
    headers: &HeaderMap,
    connection: &Connection,
    peer_is_trusted: bool,
    rules: &Rules,
) -> IpAddr {
    let peer = connection.peer.ip().to_canonical();
    if !peer_is_trusted || rules.real_ip.proxy_protocol {
        return peer;
    }
    let values: Vec<&str> = headers
        .get_all(&rules.real_ip.header)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let mut client = peer;
    // From the nearest on; what cannot be read ends it.
    for text in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        let Some(address) = address(text.trim()) else {
            break;
        };
        client = address;
        if !rules.real_ip.recursive || !rules.trusted_peers.contains(address) {
            break;
        }
    }
    client
}

/// An address, perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let address = bare.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    Some(address?.to_canonical())
}

/// The scheme that the client used.
pub fn proto<'a>(
    headers: &'a HeaderMap,
    connection: &Connection,
    peer_is_trusted: bool,
) -> &'a [u8] {
    let own = connection.scheme().as_bytes();
    if !peer_is_trusted {
        return own;
    }
    headers
        .get(X_FORWARDED_PROTO)
        .map_or(own, HeaderValue::as_bytes)
}

/// What is known about the request.
pub struct Facts<'a> {
    pub connection: &'a Connection,
    pub client: IpAddr,
    pub peer_is_trusted: bool,
    pub forwarded_for: ForwardedFor,
    pub host: &'a Host,
    /// Whether the client sent `Forwarded` or `X-Forwarded-Prefix`.
    pub claims_proxy: bool,
    /// The request path as received, without query.
    pub path: &'a str,
    /// What was stripped from it.
    pub stripped: &'a [u8],
}

/// Sets the headers; what untrusted peers sent is replaced.
pub fn set(headers: &mut HeaderMap, facts: &Facts<'_>) {
    let connection = facts.connection;
    if !facts.peer_is_trusted {
        match facts.forwarded_for {
            ForwardedFor::Replace => {
                headers.insert(X_FORWARDED_FOR, connection.peer_header.clone());
            }
            ForwardedFor::Append => append_peer(headers, connection),
        }
        let scheme = HeaderValue::from_static(connection.scheme());
        headers.insert(X_FORWARDED_PROTO, scheme);
        headers.insert(X_FORWARDED_HOST, facts.host.without_port());
        headers.insert(X_FORWARDED_PORT, connection.local_port_header.clone());
        insert_text(headers, X_FORWARDED_PATH, facts.path);
        headers.insert(X_REAL_IP, connection.peer_header.clone());
        if facts.claims_proxy {
            headers.remove(FORWARDED);
            headers.remove(X_FORWARDED_PREFIX);
        }
        if let Some(prefix) = stripped(facts) {
            headers.insert(X_FORWARDED_PREFIX, prefix);
        }
        return;
    }
    append_peer(headers, connection);
    let client = facts.client.to_string();
    insert_text(headers, X_REAL_IP, &client);
    for (name, own) in [
        (
            X_FORWARDED_PROTO,
            Some(HeaderValue::from_static(connection.scheme())),
        ),
        (X_FORWARDED_HOST, Some(facts.host.without_port())),
        (X_FORWARDED_PORT, Some(connection.local_port_header.clone())),
        (X_FORWARDED_PATH, HeaderValue::from_str(facts.path).ok()),
        (X_FORWARDED_PREFIX, stripped(facts)),
    ] {
        if let Some(own) = own
            && !headers.contains_key(&name)
        {
            headers.insert(name, own);
        }
    }
}

/// Adds the peer to those that the request has passed.
fn append_peer(headers: &mut HeaderMap, connection: &Connection) {
    let hops: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let own = connection.peer.ip().to_canonical().to_string();
    let hops = if hops.is_empty() {
        own
    } else {
        format!("{}, {own}", hops.join(", "))
    };
    insert_text(headers, X_FORWARDED_FOR, &hops);
}

fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    match HeaderValue::from_str(text) {
        Ok(value) => headers.insert(name, value),
        // Not ours to pass on in any form.
        Err(_) => headers.remove(name),
    };
}

fn stripped(facts: &Facts<'_>) -> Option<HeaderValue> {
    if facts.stripped.is_empty() || facts.stripped == b"/" {
        return None;
    }
    HeaderValue::from_str(&kong::path::encode(facts.stripped)).ok()
}
