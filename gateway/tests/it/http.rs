use std::convert::Infallible;

use axum::{
    Router,
    body::{Body, Bytes},
    response::Response,
    routing::get,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::support::{Backend, TestGateway, serve};

/// Sends bytes and reads all that comes back until the connection ends.
async fn raw(gateway: &TestGateway, request: &str) -> String {
    crate::support::raw(gateway.proxy, request.as_bytes()).await
}

#[tokio::test]
async fn ambiguous_requests_are_refused_and_the_connection_closed() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/").await;
    for request in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
        "GET /a/..%2fb HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let answer = raw(&gateway, request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{request:?}: {answer}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(17_000));
    assert!(raw(&gateway, &long).await.starts_with("HTTP/1.1 414"));
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: 1\r\n".repeat(120)
    );
    assert!(raw(&gateway, &many).await.starts_with("HTTP/1.1 431"));
    assert!(backend.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn bodies_stream_in_both_directions() {
    let gateway = TestGateway::start().await;
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    let receiver = std::sync::Arc::new(tokio::sync::Mutex::new(Some(receiver)));
    let app = Router::new().route(
        "/events",
        get(async move || {
            let receiver = receiver.lock().await.take().unwrap();
            let stream = futures_util::stream::unfold(receiver, async |mut receiver| {
                receiver
                    .recv()
                    .await
                    .map(|bytes| (Ok::<_, Infallible>(bytes), receiver))
            });
            Response::builder()
                .header("content-type", "text/event-stream")
                .body(Body::from_stream(stream))
                .unwrap()
        }),
    );
    gateway.publish("events", serve(app).await, "/live").await;
    let mut response = gateway.get("/live/events").send().await.unwrap();
    // Each event arrives before the next one is made.
    for number in 0..3 {
        let event = format!("data: {number}\n\n");
        sender.send(event.clone().into()).unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), event);
    }
    drop(sender);
    assert_eq!(response.chunk().await.unwrap(), None);

    let backend = Backend::start().await;
    gateway.publish("upload", backend.address, "/upload").await;
    let big = "x".repeat(3 << 20);
    let response = gateway
        .http
        .post(format!("http://{}/upload", gateway.proxy))
        .body(big.clone())
        .send()
        .await
        .unwrap();
    let seen: Value = response.json().await.unwrap();
    assert_eq!(seen["body"].as_str().unwrap().len(), big.len());
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("upload", backend.address, "/upload").await;
    gateway
        .plugin(
            "request-size-limiting",
            Some(&service),
            None,
            json!({ "allowed_payload_size": 10, "size_unit": "bytes" }),
        )
        .await;
    let url = format!("http://{}/upload", gateway.proxy);
    let send = async |body: reqwest::Body| {
        gateway
            .http
            .post(&url)
            .body(body)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(send("1234567890".into()).await, StatusCode::OK);
    assert_eq!(
        send("12345678901".into()).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let chunked = "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n12345678901234567890\r\n0\r\n\r\n";
    assert!(raw(&gateway, chunked).await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn backends_that_fail_are_told_apart() {
    let gateway = TestGateway::start().await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    gateway.publish("closed", closed, "/closed").await;
    assert_eq!(
        gateway.get("/closed").send().await.unwrap().status(),
        StatusCode::BAD_GATEWAY
    );
    // Accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut service = gateway
        .publish("silent", silent.local_addr().unwrap(), "/silent")
        .await;
    service.read_timeout = 50;
    service.retries = 0;
    gateway.admin.put(&service).await.unwrap();
    assert_eq!(
        gateway.get("/silent").send().await.unwrap().status(),
        StatusCode::GATEWAY_TIMEOUT
    );
    // The gateway's own inner ports are no backends.
    let inner = gateway.admin.base().socket_addrs(|| None).unwrap()[0];
    gateway.publish("inner", inner, "/inner").await;
    assert_eq!(
        gateway.get("/inner").send().await.unwrap().status(),
        StatusCode::BAD_GATEWAY
    );
    let missing = gateway
        .get("/nowhere")
        .header("accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        missing.headers()["content-type"],
        "text/html; charset=utf-8"
    );
}

#[tokio::test]
async fn a_kept_connection_that_the_backend_closes_costs_no_request() {
    let gateway = TestGateway::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    gateway
        .publish("moody", listener.local_addr().unwrap(), "/moody")
        .await;
    tokio::spawn(async move {
        // Answers one request per connection, promises to keep it, and hangs up on the second.
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    .await;
                let _ = stream.read(&mut buffer).await;
            });
        }
    });
    for _ in 0..10 {
        assert_eq!(
            gateway.get("/moody").send().await.unwrap().status(),
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn websockets_are_tunnelled() {
    let gateway = TestGateway::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    gateway
        .publish("socket", listener.local_addr().unwrap(), "/socket")
        .await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(
            String::from_utf8_lossy(&buffer[..length])
                .to_lowercase()
                .contains("upgrade: websocket")
        );
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await.unwrap();
        let length = stream.read(&mut buffer).await.unwrap();
        stream.write_all(&buffer[..length]).await.unwrap();
    });
    let mut stream = TcpStream::connect(gateway.proxy).await.unwrap();
    stream
        .write_all(
            b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        )
        .await
        .unwrap();
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer).await.unwrap();
    assert!(
        buffer[..length].starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&buffer[..length])
    );
    stream.write_all(b"frame").await.unwrap();
    let length = stream.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..length], b"frame");
}

#[tokio::test]
async fn an_https_only_route_redirects() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("plain", backend.address, "/plain").await;
    let mut route = kong::Route {
        id: uuid::Uuid::new_v4(),
        service: Some(service.id.into()),
        paths: Some(vec!["/secure".to_owned()]),
        protocols: vec!["https".to_owned()],
        ..kong::Route::default()
    };
    gateway.admin.put(&route).await.unwrap();
    let response = gateway.get("/secure").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    route.https_redirect_status_code = 308;
    gateway.admin.put(&route).await.unwrap();
    let response = gateway
        .get("/secure?x=1")
        .header("X-Forwarded-Proto", "https")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        response.headers()["location"],
        "https://127.0.0.1/secure?x=1"
    );
}
