//! Checks of the request head that the HTTP parser leaves to us. What is ambiguous is refused:
//! it could mean something else to whoever reads it next.

use std::sync::atomic::Ordering::Relaxed;

use http::{
    HeaderMap, HeaderValue, StatusCode, Uri, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, TRANSFER_ENCODING, UPGRADE,
    },
    request::Parts,
};

use super::{Answer, Connection};
use crate::{
    live::{Grpc, Target},
    settings::{EncodedSlash, Traffic},
};

const MAX_REQUEST_LINE: usize = 16 * 1024;

/// The request's host in lower case. Most come that way and without a port; they stay the value
/// that was received.
pub struct Host {
    value: HeaderValue,
    /// Length of the name, without the port.
    name: usize,
}

impl Host {
    fn new(value: HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(byte);
        if !bytes.iter().all(is_allowed) {
            return None;
        }
        let name = match bytes.iter().rposition(|byte| *byte == b':') {
            Some(colon) if bytes[colon + 1..].iter().all(u8::is_ascii_digit) => colon,
            _ => bytes.len(),
        };
        let value = if bytes.iter().any(u8::is_ascii_uppercase) {
            HeaderValue::from_bytes(&bytes.to_ascii_lowercase()).ok()?
        } else {
            value
        };
        Some(Self { value, name })
    }

    pub fn value(&self) -> HeaderValue {
        self.value.clone()
    }

    pub fn as_str(&self) -> &str {
        self.value.to_str().unwrap_or_default()
    }

    /// The name or address alone.
    pub fn name(&self) -> &str {
        let name = self.as_str().get(..self.name).unwrap_or_default();
        name.trim_start_matches('[').trim_end_matches(']')
    }

    pub fn without_port(&self) -> HeaderValue {
        if self.name == self.value.len() {
            return self.value.clone();
        }
        HeaderValue::from_bytes(&self.value.as_bytes()[..self.name])
            .unwrap_or(const { HeaderValue::from_static("") })
    }
}

/// Refuses what is ambiguous; the host of what is not.
pub fn check(
    head: &Parts,
    uri: &Uri,
    connection: &Connection,
    traffic: &Traffic,
) -> Result<Host, Answer> {
    if connection.framing.is_contradictory.load(Relaxed) {
        return Err(bad_request());
    }
    check_framing(&head.headers)?;
    if uri.path().len() + uri.query().map_or(0, str::len) > MAX_REQUEST_LINE {
        return Err(Answer::new(StatusCode::URI_TOO_LONG, "URI too long").closing());
    }
    // Neither `OPTIONS *` nor CONNECT belongs to any route.
    if !uri.path().starts_with('/') {
        return Err(bad_request());
    }
    if traffic.encoded_slash == EncodedSlash::Reject
        && kong::path::hides_dot_segment(uri.path().as_bytes())
    {
        return Err(bad_request());
    }
    if traffic.max_body != u64::MAX && announced(&head.headers) > Some(traffic.max_body) {
        return Err(
            Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "Request size limit exceeded").closing(),
        );
    }
    Host::new(host(head, uri)?).ok_or_else(bad_request)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub fn bad_request() -> Answer {
    Answer::new(StatusCode::BAD_REQUEST, "Bad request").closing()
}

fn check_framing(headers: &HeaderMap) -> Result<(), Answer> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    let only_chunked =
        coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
    if only_chunked && !headers.contains_key(CONTENT_LENGTH) {
        Ok(())
    } else {
        Err(bad_request())
    }
}

/// The host of the target in absolute form, which the one `Host` header must not contradict, else
/// that of the header.
fn host(head: &Parts, uri: &Uri) -> Result<HeaderValue, Answer> {
    let mut hosts = head.headers.get_all(HOST).iter();
    match (uri.authority(), hosts.next(), hosts.next()) {
        (_, _, Some(_)) => Err(bad_request()),
        (Some(authority), Some(host), _) if !is_same_host(authority.as_str(), host) => {
            Err(bad_request())
        }
        (Some(authority), ..) => {
            HeaderValue::from_str(authority.as_str()).map_err(|_| bad_request())
        }
        (None, Some(host), None) => Ok(host.clone()),
        (None, None, None) if head.version == Version::HTTP_10 => Ok(HeaderValue::from_static("")),
        (None, None, None) => Err(bad_request()),
    }
}

fn is_same_host(authority: &str, host: &HeaderValue) -> bool {
    host.as_bytes().eq_ignore_ascii_case(authority.as_bytes())
}

/// Refuses plain http where only https is allowed.
pub fn check_scheme(target: &Target, host: &str, uri: &Uri, proto: &[u8]) -> Result<(), Answer> {
    let Some(status) = target.https_redirect else {
        return Ok(());
    };
    if proto.eq_ignore_ascii_case(b"https") {
        return Ok(());
    }
    if status == StatusCode::UPGRADE_REQUIRED {
        return Err(Answer::new(status, "Please use HTTPS protocol")
            .header(CONNECTION, HeaderValue::from_static("Upgrade"))
            .header(UPGRADE, HeaderValue::from_static("TLS/1.2, HTTP/1.1")));
    }
    // A host of the configuration, where there is one: the client's could be anybody's.
    let name = target.plain_host.as_deref().unwrap_or(host);
    let name = name.rsplit_once(':').map_or(name, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    let target = uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let answer = Answer::empty(status);
    Err(
        match HeaderValue::from_str(&format!("https://{name}{target}")) {
            Ok(location) => answer.header(LOCATION, location),
            Err(_) => bad_request(),
        },
    )
}

/// Refuses on a route for gRPC what is not gRPC.
pub fn check_grpc(target: &Target, head: &Parts, proto: &[u8]) -> Result<(), Answer> {
    let Some(grpc) = target.grpc else {
        return Ok(());
    };
    if !is_grpc(&head.headers) {
        let text = "Non-gRPC request matched gRPC route";
        return Err(Answer::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    if head.version != Version::HTTP_2 {
        let answer = Answer::new(StatusCode::UPGRADE_REQUIRED, "Please use HTTP2 protocol");
        return Err(answer
            .header(CONNECTION, HeaderValue::from_static("Upgrade"))
            .header(UPGRADE, HeaderValue::from_static("HTTP/2")));
    }
    if grpc == Grpc::Encrypted && !proto.eq_ignore_ascii_case(b"https") {
        return Err(Answer::grpc(1, "gRPC request matched gRPCs route"));
    }
    Ok(())
}

/// Whether a message has the media type of gRPC, whatever its encoding.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = kind.and_then(|kind| kind.get(..16));
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/grpc"))
}
