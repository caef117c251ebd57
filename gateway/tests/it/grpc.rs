//! Calls of gRPC, with real clients and servers of HTTP/2.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use h2::{RecvStream, SendStream, client::SendRequest};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::support::{TestGateway, key_auth};

/// A server that sends every message back at once, and at the end what came in the trailers. Counts
/// its connections.
struct Echo {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Echo {
    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Relaxed);
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream).await,
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else {
                                return;
                            };
                            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                            serve(stream).await;
                        }
                    }
                });
            }
        });
        Self {
            address,
            connections,
        }
    }

    fn encrypted() -> TlsAcceptor {
        let chain = CertificateDer::pem_slice_iter(include_bytes!("tls/backend.pem"));
        let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/backend.key")).unwrap();
        let mut config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond));
    }
}

async fn answer(request: Request<RecvStream>, mut respond: h2::server::SendResponse<Bytes>) {
    let (head, mut body) = request.into_parts();
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    let seen = [
        ("seen-uri", head.uri.to_string()),
        ("seen-te", format!("{:?}", head.headers.get("te"))),
        (
            "seen-timeout",
            format!("{:?}", head.headers.get("grpc-timeout")),
        ),
        ("seen-host", format!("{:?}", head.headers.get("host"))),
    ];
    for (name, value) in seen {
        headers.insert(name, value.parse().unwrap());
    }
    let mut sender = respond.send_response(response, false).unwrap();
    while let Some(Ok(piece)) = body.data().await {
        let _ = body.flow_control().release_capacity(piece.len());
        if piece == "die" {
            sender.send_reset(h2::Reason::INTERNAL_ERROR);
            return;
        }
        if sender.send_data(piece, false).is_err() {
            return;
        }
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    if let Ok(Some(came)) = body.trailers().await {
        trailers.extend(came);
    }
    let _ = sender.send_trailers(trailers);
}

/// A gateway that speaks HTTP/2 without TLS, with a route of gRPC.
struct Proxied {
    gateway: TestGateway,
    _directory: tempfile::TempDir,
}

impl Proxied {
    async fn new(service: Value, route: Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let gateway = TestGateway::start_with(directory.path(), |settings| {
            settings.traffic.plain_http = gateway::PlainHttp::Http1AndHttp2;
        });
        gateway.post("services", service).await;
        gateway.post("services/s/routes", route).await;
        Self {
            gateway,
            _directory: directory,
        }
    }

    async fn before(echo: &Echo) -> Self {
        let service = json!({"name": "s", "url": format!("grpc://{}", echo.address), "retries": 0});
        Self::new(
            service,
            json!({"paths": ["/shop."], "protocols": ["grpc", "grpcs"]}),
        )
        .await
    }

    async fn client(&self) -> SendRequest<Bytes> {
        let stream = TcpStream::connect(self.gateway.proxy).await.unwrap();
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        sender.ready().await.unwrap()
    }

    fn request(&self, path: &str) -> Request<()> {
        Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}{path}", self.gateway.proxy))
            .header("content-type", "application/grpc+proto")
            .header("te", "trailers")
            .header("grpc-timeout", "5S")
            .body(())
            .unwrap()
    }

    /// Begins a call.
    async fn call(&self, path: &str) -> (h2::client::ResponseFuture, SendStream<Bytes>) {
        let request = self.request(path);
        self.client().await.send_request(request, false).unwrap()
    }

    /// The headers of the answer to an empty call.
    async fn headers(&self, path: &str) -> (u16, HeaderMap) {
        let (answer, mut body) = self.call(path).await;
        let _ = body.send_data(Bytes::new(), true);
        let answer = answer.await.unwrap();
        (answer.status().as_u16(), answer.headers().clone())
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work)
        .await
        .unwrap()
}

#[tokio::test]
async fn messages_go_both_ways_while_the_call_lasts_and_trailers_end_it() {
    let echo = Echo::start(None).await;
    let proxied = Proxied::before(&echo).await;
    let (answer, mut sender) = proxied.call("/shop.Orders/Watch").await;
    let answer = within(answer).await.unwrap();
    let headers = answer.headers().clone();
    assert_eq!(answer.status(), 200);
    assert_eq!(headers["content-type"], "application/grpc");
    assert_eq!(
        headers["seen-uri"],
        format!("http://{}/shop.Orders/Watch", echo.address)
    );
    assert_eq!(headers["seen-te"], "Some(\"trailers\")");
    assert_eq!(headers["seen-timeout"], "Some(\"5S\")");
    assert_eq!(headers["seen-host"], "None");
    assert!(headers["via"].to_str().unwrap().starts_with("2 wicketgate"));
    let mut body = answer.into_body();
    // Each message is answered before the next one is sent.
    for message in ["one", "two", "three"] {
        sender.send_data(message.into(), false).unwrap();
        let piece = within(body.data()).await.unwrap().unwrap();
        assert_eq!(piece, message);
        body.flow_control().release_capacity(piece.len()).unwrap();
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("my-trailer", HeaderValue::from_static("mine"));
    sender.send_trailers(trailers).unwrap();
    assert!(within(body.data()).await.is_none());
    let trailers = within(body.trailers()).await.unwrap().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(trailers["my-trailer"], "mine");
}

#[tokio::test]
async fn calls_share_connections_and_one_that_breaks_is_replaced() {
    let echo = Echo::start(None).await;
    let proxied = Proxied::before(&echo).await;
    let mut client = proxied.client().await;
    let first: Vec<_> = (0..20)
        .map(|_| {
            client
                .send_request(proxied.request("/shop.A/B"), false)
                .unwrap()
        })
        .collect();
    let mut bodies = Vec::new();
    for (answer, sender) in first {
        bodies.push((within(answer).await.unwrap().into_body(), sender));
    }
    // The client's one connection is with one worker, which has one.
    assert_eq!(echo.connections.load(Relaxed), 1);
    let (mut body, mut sender) = bodies.pop().unwrap();
    sender.send_data("die".into(), false).unwrap();
    assert!(within(body.data()).await.is_none_or(|piece| piece.is_err()));
    for (mut body, mut sender) in bodies {
        sender.send_data("m".into(), true).unwrap();
        assert_eq!(within(body.data()).await.unwrap().unwrap(), "m");
    }
    let (answer, mut sender) = client
        .send_request(proxied.request("/shop.A/B"), false)
        .unwrap();
    sender.send_data(Bytes::new(), true).unwrap();
    assert_eq!(within(answer).await.unwrap().status(), 200);
}

#[tokio::test]
async fn backends_may_want_tls() {
    let echo = Echo::start(Some(Echo::encrypted())).await;
    let service = json!({"name": "s", "url": format!("grpcs://{}", echo.address), "retries": 0});
    let route = json!({"paths": ["/"], "protocols": ["grpc"]});
    let proxied = Proxied::new(service, route).await;
    // Nobody knows its authority.
    let (status, headers) = proxied.headers("/shop.A/B").await;
    assert_eq!(
        (status, &headers["grpc-status"]),
        (200, &HeaderValue::from_static("13"))
    );
    let gateway = &proxied.gateway;
    let authority = json!({"cert": include_str!("tls/ca.pem")});
    let authority = gateway.post("ca_certificates", authority).await;
    let change = json!({"ca_certificates": [authority["id"]]});
    gateway.call(Method::PATCH, "services/s", change).await;
    let (_, headers) = proxied.headers("/shop.A/B").await;
    assert_eq!(
        headers["seen-uri"],
        format!("https://{}/shop.A/B", echo.address)
    );
    let change = json!({"ca_certificates": null, "tls_verify": false});
    gateway.call(Method::PATCH, "services/s", change).await;
    assert!(
        proxied
            .headers("/shop.A/B")
            .await
            .1
            .contains_key("seen-uri")
    );
}

#[tokio::test]
async fn errors_are_those_of_grpc() {
    let echo = Echo::start(None).await;
    let proxied = Proxied::before(&echo).await;
    let gateway = &proxied.gateway;
    let status = async |path: &str| {
        let (status, headers) = proxied.headers(path).await;
        let grpc = headers
            .get("grpc-status")
            .map(|status| status.to_str().unwrap().to_owned());
        (status, grpc)
    };
    let is = |code: &str| (200, Some(code.to_owned()));
    assert_eq!(status("/nowhere").await, is("5"));
    gateway.plugin("key-auth", None, None, key_auth()).await;
    assert_eq!(status("/shop.A/B").await, is("16"));
    let (_, headers) = proxied.headers("/shop.A/B").await;
    assert_eq!(headers["content-type"], "application/grpc");
    assert!(headers.contains_key("grpc-message"));
    assert!(headers.contains_key("www-authenticate"));
    let plugins = gateway.call(Method::GET, "plugins", Value::Null).await.1;
    let path = format!("plugins/{}", plugins["data"][0]["id"].as_str().unwrap());
    gateway.call(Method::DELETE, &path, Value::Null).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let change = json!({"port": closed.local_addr().unwrap().port()});
    drop(closed);
    gateway.call(Method::PATCH, "services/s", change).await;
    assert_eq!(status("/shop.A/B").await, is("13"));
    let change = json!({"protocols": ["grpcs"]});
    let routes = gateway.call(Method::GET, "routes", Value::Null).await.1;
    let route = format!("routes/{}", routes["data"][0]["id"].as_str().unwrap());
    gateway.call(Method::PATCH, &route, change).await;
    assert_eq!(status("/shop.A/B").await, is("1"));
    // What is no gRPC is told so in its own way.
    for (kind, status) in [("application/json", 415), ("application/grpc", 426)] {
        let call = gateway.get("/shop.A/B").header("content-type", kind);
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status(), status, "{kind}");
        if status == 426 {
            assert_eq!(answer.headers()["upgrade"], "HTTP/2");
        }
    }
}

#[tokio::test]
async fn entities_for_grpc_are_checked() {
    let gateway = TestGateway::start().await;
    let service = json!({"name": "s", "url": "grpcs://backend"});
    let service = gateway.post("services", service).await;
    assert_eq!(
        (&service["port"], &service["path"]),
        (&json!(443), &Value::Null)
    );
    let route = json!({"name": "r", "paths": ["/a"], "protocols": ["grpc"]});
    let route = gateway.post("services/s/routes", route).await;
    assert_eq!(route["strip_path"], false);
    for (path, body, field) in [
        ("services", json!({"url": "grpc://b/path"}), "path"),
        (
            "services",
            json!({"host": "b", "protocol": "tcp"}),
            "protocol",
        ),
        (
            "services",
            json!({"host": "b", "protocol": "grpc", "tls_verify": true}),
            "tls_verify",
        ),
        (
            "routes",
            json!({"paths": ["/"], "protocols": ["grpc", "http"]}),
            "protocols",
        ),
        (
            "routes",
            json!({"paths": ["/"], "protocols": ["grpc"], "strip_path": true}),
            "strip_path",
        ),
        (
            "routes",
            json!({"paths": ["/"], "protocols": ["grpc"], "methods": ["POST"]}),
            "methods",
        ),
        (
            "routes",
            json!({"paths": ["/"], "protocols": ["grpc"], "snis": ["a"]}),
            "snis",
        ),
        ("routes", json!({"protocols": ["grpc"]}), "@entity"),
    ] {
        let (status, error) = gateway.call(Method::POST, path, body).await;
        assert_eq!(status, 400, "{field}");
        assert!(!error["fields"][field].is_null(), "{field}: {error}");
    }
}
