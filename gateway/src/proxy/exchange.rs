use std::{
    cell::Cell,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, header::CONTENT_LENGTH, request::Parts,
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{body::Source, buffered::Room};
use crate::{
    live::{Consumer, Target},
    plugins::{
        Composition, Credential, ResponseTransformer, jwt::Verified, mtls_auth::ClientCertificate,
        opentelemetry::Trace, proxy_cache::Keeping, response_ratelimiting::Counting,
    },
    worker::Framing,
};

/// What the handshake of an encrypted connection has told.
pub struct Tls {
    /// The name that the client asked for, in lower case and without the last dot.
    pub sni: Option<String>,
    /// What the client has shown of its own.
    pub client: Option<ClientCertificate>,
    /// `TLSv1.3`, and the name of the cipher suite.
    pub version: &'static str,
    pub cipher: String,
}

/// A client's connection.
pub struct Connection {
    pub peer: SocketAddr,
    pub local: SocketAddr,
    pub number: u64,
    /// Requests so far.
    pub requests: Cell<u64>,
    /// The addresses as header values, made once per connection.
    pub peer_header: HeaderValue,
    pub local_port_header: HeaderValue,
    pub framing: Arc<Framing>,
    /// Of an encrypted connection.
    pub tls: Option<Tls>,
    working: Cell<u32>,
    idle_since: Cell<Instant>,
    /// Requests that were taken back, and since when they are counted.
    resets: Cell<(u32, Instant)>,
    flooded: Notify,
}

/// Requests that a client may take back in [`RESET_WINDOW`] (gateway 10.4).
const MAX_RESETS: u32 = 100;
const RESET_WINDOW: Duration = Duration::from_secs(10);

impl Connection {
    /// `port` is the one that clients know.
    pub fn new(
        peer: SocketAddr,
        local: SocketAddr,
        port: u16,
        number: u64,
        tls: Option<Tls>,
    ) -> Self {
        let peer_text = peer.ip().to_canonical().to_string();
        Self {
            peer,
            local,
            number,
            requests: Cell::new(0),
            peer_header: HeaderValue::from_str(&peer_text).expect("an address is a header value"),
            local_port_header: HeaderValue::from(port),
            framing: Arc::default(),
            tls,
            working: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            resets: Cell::new((0, Instant::now())),
            flooded: Notify::new(),
        }
    }

    /// The client has taken a request back that was being worked on.
    pub fn note_reset(&self) {
        let (count, since) = self.resets.get();
        if since.elapsed() > RESET_WINDOW {
            self.resets.set((1, Instant::now()));
            return;
        }
        self.resets.set((count + 1, since));
        if count >= MAX_RESETS {
            self.flooded.notify_one();
        }
    }

    /// Ends when the client does that all the time.
    pub async fn is_flooded(&self) {
        self.flooded.notified().await;
    }

    pub const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The port that a host without one means.
    pub const fn default_port(&self) -> u16 {
        if self.is_tls() { 443 } else { 80 }
    }

    pub const fn scheme(&self) -> &'static str {
        if self.is_tls() { "https" } else { "http" }
    }

    pub fn begin(&self) {
        self.requests.set(self.requests.get() + 1);
        self.working.set(self.working.get() + 1);
        self.framing.in_request.store(true, Relaxed);
    }

    pub fn end(&self, now: Instant) {
        self.working.set(self.working.get().saturating_sub(1));
        self.framing
            .in_request
            .store(self.working.get() > 0, Relaxed);
        self.idle_since.set(now);
    }

    /// How long it has been waiting for a request.
    pub fn idle_for(&self) -> Duration {
        if self.working.get() > 0 {
            Duration::ZERO
        } else {
            self.idle_since.get().elapsed()
        }
    }
}

/// A request on its way through the plugins.
pub struct Exchange<'a> {
    /// The client's head without identity and hop-by-hop headers; becomes the backend's.
    pub head: Parts,
    /// As received; plugins may change the one in `head`.
    pub client_method: Method,
    /// The target as received.
    pub uri: &'a Uri,
    /// The normalised path.
    pub path: &'a [u8],
    pub connection: &'a Rc<Connection>,
    /// The client's address, as far as it can be believed.
    pub client: IpAddr,
    pub request_id: HeaderValue,
    pub target: &'a Target,
    /// Length of the part of the path that the route's path matched.
    pub matched: Option<usize>,
    pub consumer: Option<Arc<Consumer>>,
    pub credential: Option<Credential>,
    /// Whether the consumer is the anonymous one.
    pub anonymous: bool,
    pub token: Option<Verified>,
    /// Those that the credential itself says its owner belongs to.
    pub groups: Vec<String>,
    /// Headers by which plugins tell the backend about the user.
    pub told: Vec<HeaderName>,
    pub correlation_id: Option<HeaderValue>,
    pub trace: Option<Trace>,
    /// Hop-by-hop, so it is gone from the headers; credentials may be in it.
    pub proxy_authorization: Option<HeaderValue>,
    pub body: Option<Source>,
    pub body_limit: u64,
    /// The backend's path when a plugin sets it.
    pub backend_path: Option<Vec<u8>>,
    pub backend_host: Option<HeaderValue>,
    /// Several backends answer it.
    pub composition: Option<Box<Composition>>,
    pub response: ResponseEdits,
    /// Held as long as the request's body is.
    pub room: Option<Room>,
    new_query: Query,
}

/// What plugins did to the query.
enum Query {
    AsSent,
    Changed(String),
    Removed,
}

impl<'a> Exchange<'a> {
    pub fn new(
        head: Parts,
        uri: &'a Uri,
        path: &'a [u8],
        connection: &'a Rc<Connection>,
        client: IpAddr,
        id: u128,
        target: &'a Target,
    ) -> Self {
        Self {
            client_method: head.method.clone(),
            head,
            uri,
            path,
            connection,
            client,
            request_id: request_id(id),
            target,
            matched: None,
            consumer: None,
            credential: None,
            anonymous: false,
            token: None,
            groups: Vec::new(),
            told: Vec::new(),
            correlation_id: None,
            trace: None,
            proxy_authorization: None,
            body: None,
            body_limit: u64::MAX,
            backend_path: None,
            backend_host: None,
            composition: None,
            response: ResponseEdits::default(),
            room: None,
            new_query: Query::AsSent,
        }
    }

    pub fn has_body(&self) -> bool {
        self.body.is_some()
    }

    pub fn take_body(&mut self) -> Option<Source> {
        self.body.take()
    }

    /// The body, if a plugin has read it.
    pub fn kept_body(&self) -> Option<&Bytes> {
        match &self.body {
            Some(Source::Kept(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Another body in the place of the client's.
    pub fn set_body(&mut self, body: Bytes) {
        let headers = &mut self.head.headers;
        if body.is_empty() {
            headers.remove(CONTENT_LENGTH);
        } else {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        self.body = (!body.is_empty()).then_some(Source::Kept(body));
    }

    /// Tells the backend something about the user.
    pub fn tell(&mut self, name: HeaderName, value: HeaderValue) {
        self.head.headers.insert(name.clone(), value);
        self.told.push(name);
    }

    pub fn service_id(&self) -> Option<Uuid> {
        self.target.service.as_ref().map(|service| service.id)
    }

    /// The query as it is now.
    pub fn query(&self) -> Option<&str> {
        match &self.new_query {
            Query::AsSent => self.uri.query(),
            Query::Changed(query) => Some(query),
            Query::Removed => None,
        }
    }

    pub fn query_is_changed(&self) -> bool {
        !matches!(self.new_query, Query::AsSent)
    }

    pub fn set_query(&mut self, query: Option<String>) {
        self.new_query = query.map_or(Query::Removed, Query::Changed);
    }

    /// Removes all parameters of this name; the others keep their spelling.
    pub fn remove_query_parameter(&mut self, name: &str) {
        let Some(query) = self.query() else { return };
        let is_named = |pair: &&str| {
            url::form_urlencoded::parse(pair.as_bytes())
                .next()
                .is_some_and(|(known, _)| known == name)
        };
        let kept: Vec<&str> = query.split('&').filter(|pair| !is_named(pair)).collect();
        let kept = kept.join("&");
        self.set_query((!kept.is_empty()).then_some(kept));
    }
}

/// 32 hex digits.
pub fn request_id(id: u128) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (byte, pair) in id.to_be_bytes().into_iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).expect("hex digits are a header value")
}

/// What plugins change in the answer, whoever makes it.
#[derive(Default)]
pub struct ResponseEdits {
    edits: Vec<(Edit, HeaderName, Option<HeaderValue>)>,
    transformer: Option<Arc<ResponseTransformer>>,
    counting: Option<Box<Counting>>,
    keeping: Option<Box<Keeping>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edit {
    Set,
    Append,
    Remove,
}

impl ResponseEdits {
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.edits.push((Edit::Set, name, Some(value)));
    }

    pub fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.edits.push((Edit::Append, name, Some(value)));
    }

    pub fn remove(&mut self, name: HeaderName) {
        self.edits.push((Edit::Remove, name, None));
    }

    /// The backend's answer says what it costs.
    pub fn count(&mut self, counting: Counting) {
        self.counting = Some(Box::new(counting));
    }

    pub fn take_counting(&mut self) -> Option<Box<Counting>> {
        self.counting.take()
    }

    /// The backend's answer is kept, if it may be.
    pub fn keep(&mut self, keeping: Keeping) {
        self.keeping = Some(Box::new(keeping));
    }

    pub fn take_keeping(&mut self) -> Option<Box<Keeping>> {
        self.keeping.take()
    }

    /// Those of plugins that run earlier are made first.
    pub fn transform(&mut self, transformer: Option<Arc<ResponseTransformer>>) {
        self.transformer = transformer;
    }

    /// Changes the headers; answers what has to change the body.
    pub fn apply(self, headers: &mut HeaderMap) -> Option<Arc<ResponseTransformer>> {
        for (edit, name, value) in self.edits {
            match (edit, value) {
                (Edit::Append, Some(value)) => {
                    headers.append(name, value);
                }
                (_, Some(value)) => {
                    headers.insert(name, value);
                }
                (_, None) => {
                    headers.remove(name);
                }
            }
        }
        self.transformer
            .filter(|transformer| transformer.change_headers(headers))
    }
}
