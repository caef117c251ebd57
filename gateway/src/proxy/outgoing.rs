//! The head that the backend gets: the client's, with what the gateway adds.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version,
    header::{HOST, VIA},
};

use super::{
    Exchange,
    forward::Way,
    forwarded::{self, Facts},
    headers::{self, names},
    upgrade,
};
use crate::router::backend_path;

/// A head that can be sent more than once.
pub struct Outgoing<'a> {
    method: Method,
    uri: Uri,
    headers: Headers,
    facts: Facts<'a>,
    version: Version,
    request_id: HeaderValue,
    host: Host,
    hides_sessions: bool,
    asks_websocket: bool,
}

/// What the backend is told to be called.
enum Host {
    /// As the client calls us.
    Client,
    Set(HeaderValue),
    /// As the address is called that a try goes to.
    Endpoint,
}

enum Headers {
    /// The client's.
    Fresh(HeaderMap),
    /// The client's, for another try. Without the gateway's own, and as a list, a copy costs a
    /// quarter of what one of the whole map does.
    Spare(Vec<(HeaderName, HeaderValue)>),
    /// A head that came back unsent.
    Complete(HeaderMap),
    Gone,
}

impl<'a> Outgoing<'a> {
    /// Nothing if the path cannot be a URI.
    pub fn new(way: &Way<'a>, exchange: &mut Exchange<'a>, asks_websocket: bool) -> Option<Self> {
        let host = match exchange.backend_host.take() {
            None if way.preserve_host && !way.host.as_str().is_empty() => {
                // HTTP/2 has it in the target, not among the headers.
                if exchange.head.headers.contains_key(HOST) {
                    Host::Client
                } else {
                    Host::Set(way.host.value())
                }
            }
            None => Host::Endpoint,
            Some(host) => Host::Set(host),
        };
        let uri = backend_uri(way, exchange)?;
        let headers = std::mem::take(&mut exchange.head.headers);
        let method = exchange.head.method.clone();
        Some(Self {
            host,
            asks_websocket,
            ..Self::of_step(way, exchange, method, uri, headers)
        })
    }

    /// One of several requests that a client's becomes.
    pub fn of_step(
        way: &Way<'a>,
        exchange: &Exchange<'a>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
    ) -> Self {
        let stripped: &[u8] = match (way.target.strip_path, way.found.prefix) {
            (true, Some(length)) => exchange.path.get(..length).unwrap_or_default(),
            _ => b"",
        };
        Self {
            uri,
            method,
            headers: Headers::Fresh(headers),
            facts: Facts {
                connection: exchange.connection,
                client: exchange.client,
                peer_is_trusted: way.peer_is_trusted,
                forwarded_for: way.worker.shared.rules.traffic.forwarded_for,
                host: way.host,
                claims_proxy: way.seen.claims_proxy,
                path: exchange.uri.path(),
                stripped,
            },
            version: exchange.head.version,
            request_id: exchange.request_id.clone(),
            host: Host::Endpoint,
            hides_sessions: way.seen.has_cookies && !way.service.may_see_sessions,
            asks_websocket: false,
        }
    }

    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The head for the next try. `keep`: there may be one after it.
    pub fn head(&mut self, keep: bool, authority: &HeaderValue) -> Request<()> {
        let mut headers = match std::mem::replace(&mut self.headers, Headers::Gone) {
            Headers::Fresh(headers) => self.complete(headers, keep),
            Headers::Spare(list) => self.complete(list.into_iter().collect(), keep),
            Headers::Complete(headers) => {
                if keep {
                    self.headers = Headers::Complete(headers.clone());
                }
                headers
            }
            Headers::Gone => HeaderMap::new(),
        };
        match &self.host {
            Host::Client => {}
            Host::Set(host) => {
                headers.insert(HOST, host.clone());
            }
            Host::Endpoint => {
                headers.insert(HOST, authority.clone());
            }
        }
        let mut head = Request::new(());
        *head.method_mut() = self.method.clone();
        *head.uri_mut() = self.uri.clone();
        *head.headers_mut() = headers;
        head
    }

    /// The head of a request that was not sent.
    pub fn take_back(&mut self, head: Request<()>) {
        self.headers = Headers::Complete(head.into_parts().0.headers);
    }

    fn complete(&mut self, mut client: HeaderMap, keep: bool) -> HeaderMap {
        if keep {
            self.headers = Headers::Spare(copy(&client));
        }
        self.add_to(&mut client);
        client
    }

    fn add_to(&self, headers: &mut HeaderMap) {
        headers.reserve(8);
        forwarded::set(headers, &self.facts);
        append_via(headers, self.version);
        headers.insert(names::REQUEST_ID, self.request_id.clone());
        if self.hides_sessions {
            headers::remove_session_cookies(headers);
        }
        if self.asks_websocket {
            upgrade::ask(headers);
        }
    }
}

fn copy(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let mut copy = Vec::with_capacity(headers.len());
    let pairs = headers.iter();
    copy.extend(pairs.map(|(name, value)| (name.clone(), value.clone())));
    copy
}

/// Appends us to `Via`.
pub fn append_via(headers: &mut HeaderMap, version: Version) {
    const HTTP_11: HeaderValue =
        HeaderValue::from_static(concat!("1.1 wicketgate/", env!("CARGO_PKG_VERSION")));
    const HTTP_2: HeaderValue =
        HeaderValue::from_static(concat!("2 wicketgate/", env!("CARGO_PKG_VERSION")));
    const HTTP_10: HeaderValue =
        HeaderValue::from_static(concat!("1.0 wicketgate/", env!("CARGO_PKG_VERSION")));
    headers.append(
        VIA,
        match version {
            Version::HTTP_10 => HTTP_10,
            Version::HTTP_2 => HTTP_2,
            _ => HTTP_11,
        },
    );
}

/// Path and query for the backend.
fn backend_uri(way: &Way<'_>, exchange: &Exchange<'_>) -> Option<Uri> {
    let target = way.target;
    let computed;
    let path: &[u8] = if let Some(path) = &exchange.backend_path {
        path
    } else {
        computed = backend_path(
            &way.service.base_path,
            target.path_handling,
            target.strip_path,
            exchange.path,
            way.found.prefix,
        );
        &computed
    };
    let path = kong::path::encode(path);
    let sent = exchange.uri.path_and_query()?;
    if !exchange.query_is_changed() && *path == *sent.path() {
        return Uri::builder().path_and_query(sent.clone()).build().ok();
    }
    let query = exchange.query();
    let mut text = String::with_capacity(path.len() + query.map_or(0, |query| query.len() + 1));
    text.push_str(&path);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    Uri::from_maybe_shared(bytes::Bytes::from(text)).ok()
}
