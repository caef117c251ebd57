//! Settings of how requests and answers are treated on their way.

use std::time::Duration;

use gateway::{
    AnswerHeaders, EncodedSlash, ErrorType, ForwardedFor, PlainHttp, RealIp, Settings,
    TrustedPeers, Underscores,
};
use reqwest::{Method, StatusCode, Version};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{Backend, TestGateway, raw};

/// A gateway with these settings, and a backend below `/open`.
async fn start(change: impl FnOnce(&mut Settings)) -> (TestGateway, Backend, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let gateway = TestGateway::start_with(folder.path(), change);
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    (gateway, backend, folder)
}

async fn seen(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn answers_have_the_headers_that_are_wanted() {
    for (wanted, present, absent) in [
        (
            "x-kong-upstream-status, via",
            &["x-kong-upstream-status", "via"][..],
            &["x-kong-request-id", "x-kong-proxy-latency", "server"][..],
        ),
        ("off", &[], &["via", "x-kong-request-id", "server"]),
        (
            "server_tokens, latency_tokens, x-kong-request-id",
            &[
                "server",
                "via",
                "x-kong-upstream-latency",
                "x-kong-request-id",
            ],
            &["x-kong-upstream-status"],
        ),
    ] {
        let (gateway, ..) = start(|settings| {
            settings.traffic.answer_headers = AnswerHeaders::parse(wanted).unwrap();
        })
        .await;
        let proxied = gateway.get("/open").send().await.unwrap();
        for name in present {
            assert!(proxied.headers().contains_key(*name), "{wanted}: {name}");
        }
        let own = gateway.get("/nothing").send().await.unwrap();
        for name in absent {
            assert!(!proxied.headers().contains_key(*name), "{wanted}: {name}");
            assert!(!own.headers().contains_key(*name), "{wanted}: {name}");
        }
    }
}

#[tokio::test]
async fn a_client_may_ask_which_route_it_was() {
    let (gateway, ..) = start(|settings| settings.traffic.debug_header = true).await;
    let answer = gateway
        .get("/open")
        .header("kong-debug", "1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["kong-route-name"], "open.0");
    assert_eq!(answer.headers()["kong-service-name"], "open");
    let answer = gateway.get("/open").send().await.unwrap();
    assert!(!answer.headers().contains_key("kong-route-name"));
    let (gateway, ..) = start(|_| {}).await;
    let answer = gateway
        .get("/open")
        .header("kong-debug", "1")
        .send()
        .await
        .unwrap();
    assert!(!answer.headers().contains_key("kong-route-name"));
}

#[tokio::test]
async fn what_is_said_of_the_way_can_be_kept() {
    let (gateway, ..) = start(|settings| {
        settings.traffic.forwarded_for = ForwardedFor::Append;
        let local = settings.listeners.proxy_address().unwrap().port();
        settings.traffic.port_maps = vec![(local, 443)];
    })
    .await;
    let seen = seen(gateway.get("/open").header("x-forwarded-for", "192.0.2.1")).await;
    assert_eq!(seen["headers"]["x-forwarded-for"], "192.0.2.1, 127.0.0.1");
    assert_eq!(seen["headers"]["x-forwarded-port"], "443");
    assert_eq!(seen["headers"]["x-real-ip"], "127.0.0.1");
}

#[tokio::test]
async fn further_headers_are_kept_out_and_their_other_spelling_refused() {
    let (gateway, ..) = start(|settings| {
        settings.traffic.strip_headers = vec!["x-tenant".parse().unwrap()];
        settings.traffic.underscores = Underscores::Refuse;
    })
    .await;
    let seen = seen(
        gateway
            .get("/open")
            .header("X-Tenant", "1")
            .header("a_b", "2"),
    )
    .await;
    assert!(seen["headers"]["x-tenant"].is_null());
    assert_eq!(seen["headers"]["a_b"], "2");
    for name in ["x_tenant", "X_Consumer-Id", "x_forwarded_for"] {
        let answer = gateway.get("/open").header(name, "1").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name}");
    }
}

/// Rows 60 and 69 of the worked examples.
#[tokio::test]
async fn encoded_separators_can_be_let_through() {
    let (gateway, backend, _folder) =
        start(|settings| settings.traffic.encoded_slash = EncodedSlash::Pass).await;
    for path in ["/open/..%2fadm", "/open/..%5Cadm", "/open\\..\\adm"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = raw(gateway.proxy, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    let seen = backend.seen.lock().unwrap();
    let paths: Vec<&str> = seen
        .iter()
        .filter_map(|seen| seen["uri"].as_str())
        .collect();
    assert_eq!(paths, ["/..%2Fadm", "/..%5Cadm", "/%5C..%5Cadm"]);
}

#[tokio::test]
async fn failures_are_told_in_the_form_that_the_client_reads() {
    let (gateway, ..) = start(|settings| settings.traffic.error_type = ErrorType::Html).await;
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    gateway.publish("dead", nobody, "/dead").await;
    for (path, headers, expected) in [
        ("/dead", &[][..], "text/html"),
        (
            "/dead",
            &[("content-type", "application/json")],
            "application/json",
        ),
        ("/dead", &[("content-type", "image/png")], "text/html"),
        (
            "/dead",
            &[
                ("content-type", "application/json"),
                ("accept", "application/xml;q=0.9, text/plain;q=0.1"),
            ],
            "application/xml",
        ),
        (
            "/nothing",
            &[("content-type", "text/plain")],
            "application/json",
        ),
    ] {
        let mut request = gateway.get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let found = answer.headers()["content-type"].to_str().unwrap();
        assert!(found.starts_with(expected), "{path} {headers:?}: {found}");
    }
}

#[tokio::test]
async fn no_body_is_larger_than_the_gateway_allows() {
    let (gateway, backend, _folder) = start(|settings| settings.traffic.max_body = 10).await;
    for (head, body, status) in [
        ("Content-Length: 10", "1234567890", 200),
        ("Content-Length: 11", "12345678901", 413),
        (
            "Transfer-Encoding: chunked",
            "b\r\n12345678901\r\n0\r\n\r\n",
            413,
        ),
    ] {
        let request =
            format!("POST /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{head}\r\n\r\n{body}");
        let answer = raw(gateway.proxy, request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{head}: {answer}"
        );
    }
    assert_eq!(backend.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_balancer_says_whose_connection_it_is() {
    let (gateway, backend, _folder) = start(|settings| {
        settings.trusted_peers = TrustedPeers::parse("127.0.0.1").unwrap();
        settings.real_ip = RealIp {
            proxy_protocol: true,
            ..RealIp::default()
        };
    })
    .await;
    let get =
        "GET /open HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.9.9.9\r\nConnection: close\r\n\r\n";
    let answer = raw(
        gateway.proxy,
        format!("PROXY TCP4 192.0.2.7 203.0.113.5 4711 443\r\n{get}").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    {
        let seen = backend.seen.lock().unwrap();
        let headers = &seen[0]["headers"];
        // It speaks for a client that nobody trusts.
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-real-ip"], "192.0.2.7");
        assert_eq!(headers["x-forwarded-port"], "443");
    }
    assert_eq!(raw(gateway.proxy, get.as_bytes()).await, "");
}

#[tokio::test]
async fn a_client_has_so_many_connections_and_no_more() {
    let (gateway, ..) = start(|settings| settings.traffic.max_connections_per_client = 2).await;
    let connect = async || {
        let mut stream = TcpStream::connect(gateway.proxy).await.unwrap();
        let _ = stream
            .write_all(b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        let mut start = [0; 12];
        let is_served = stream.read_exact(&mut start).await.is_ok();
        is_served.then_some(stream)
    };
    let one = connect().await.unwrap();
    let _other = connect().await.unwrap();
    assert!(connect().await.is_none());
    drop(one);
    // The gateway hears of it a moment later.
    let again = async {
        while connect().await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again)
        .await
        .unwrap();
}

#[tokio::test]
async fn http2_without_encryption_is_spoken_where_it_is_wanted() {
    for (plain_http, is_spoken) in [(PlainHttp::Http1, false), (PlainHttp::Http1AndHttp2, true)] {
        let (gateway, ..) = start(|settings| settings.traffic.plain_http = plain_http).await;
        let client = reqwest::Client::builder()
            .http2_prior_knowledge()
            .build()
            .unwrap();
        let url = format!("http://{}/open", gateway.proxy);
        match client.get(&url).send().await {
            Ok(answer) => {
                assert!(is_spoken);
                assert_eq!(answer.status(), StatusCode::OK);
                assert_eq!(answer.version(), Version::HTTP_2);
            }
            Err(error) => assert!(!is_spoken, "{error}"),
        }
        assert_eq!(gateway.get("/open").send().await.unwrap().status(), 200);
    }
}

/// A backend of the test's own: takes one connection and reads until `end`.
async fn accept(listener: &TcpListener, end: &[u8]) -> (TcpStream, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(end) {
        let length = stream.read_buf(&mut read).await.unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&read));
    }
    (stream, read)
}

#[tokio::test]
async fn the_backend_is_asked_when_the_whole_body_is_there_unless_it_is_to_be_streamed() {
    let (gateway, ..) = start(|settings| settings.traffic.body_in_memory = 8).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = listener.local_addr().unwrap();
    gateway.publish("upload", backend, "/upload").await;
    let head = "PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut client = TcpStream::connect(gateway.proxy).await.unwrap();
    client
        .write_all(format!("{head}5\r\nfirst\r\n").as_bytes())
        .await
        .unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(
        early.is_err(),
        "the backend was asked before the body was there"
    );
    client
        .write_all(b"7\r\n-second\r\n5\r\n-last\r\n0\r\n\r\n")
        .await
        .unwrap();
    // Larger than what is kept in memory, and there for another try all the same.
    let (first, _) = accept(&listener, b"-last").await;
    drop(first);
    let (mut second, request) = accept(&listener, b"-last").await;
    let request = String::from_utf8(request).unwrap().to_lowercase();
    assert!(request.contains("content-length: 17"), "{request}");
    assert!(request.ends_with("\r\n\r\nfirst-second-last"), "{request}");
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    second.write_all(answer.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    client.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");

    let change = json!({"request_buffering": false});
    gateway.call(Method::PATCH, "routes/upload.0", change).await;
    let mut client = TcpStream::connect(gateway.proxy).await.unwrap();
    client
        .write_all(format!("{head}5\r\nfirst\r\n").as_bytes())
        .await
        .unwrap();
    let early = accept(&listener, b"first\r\n");
    tokio::time::timeout(Duration::from_secs(10), early)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_websocket_that_is_silent_for_too_long_ends() {
    let (gateway, ..) = start(|_| {}).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = listener.local_addr().unwrap();
    gateway.publish("socket", backend, "/socket").await;
    let change = json!({"read_timeout": 300});
    gateway.call(Method::PATCH, "services/socket", change).await;
    let serve = async {
        let (mut stream, _) = accept(&listener, b"\r\n\r\n").await;
        let answer =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        rest
    };
    let ask =
        "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello";
    let (rest, answer) = tokio::join!(serve, raw(gateway.proxy, ask.as_bytes()));
    assert_eq!(rest, b"hello");
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
}
