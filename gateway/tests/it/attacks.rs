//! What is sent to make two servers read one request differently, or to keep one busy.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::support::{Backend, TestGateway};

const AUTHORITY: &str = include_str!("tls/ca.pem");

/// Sends bytes and reads all that comes back until the connection ends.
async fn raw(gateway: &TestGateway, request: &[u8]) -> String {
    crate::support::raw(gateway.proxy, request).await
}

#[tokio::test]
async fn no_request_hides_behind_another() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/").await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: a\r\n";
    for head in [
        // Two lengths.
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "content-length: 4\r\nTRANSFER-ENCODING: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 4\r\nContent-Length: 0\r\n\r\n",
        "Content-Length: 4, 0\r\n\r\n",
        "Content-Length: +4\r\n\r\n",
        "Content-Length: 0x4\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        // Codings that one server knows and another does not.
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
        "X: 1\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "X: 1\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "X: a\0b\r\n\r\n",
        "X\0: a\r\n\r\n",
    ] {
        let answer = raw(&gateway, format!("{post}{head}{hidden}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head:?}: {answer}");
    }
    let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answer = raw(&gateway, format!("{old}{hidden}").as_bytes()).await;
    assert!(answer.contains(" 400 "), "{answer}");
    assert!(backend.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn chunks_of_an_odd_form_end_the_connection() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/").await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    for chunks in [
        "+1\r\na\r\n0\r\n\r\n",
        "-1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "g\r\na\r\n0\r\n\r\n",
        "10000000000000001\r\na\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
    ] {
        let answer = raw(&gateway, format!("{head}{chunks}{hidden}").as_bytes()).await;
        assert!(!answer.contains("HTTP/1.1 200"), "{chunks:?}: {answer}");
        let seen = backend.seen.lock().unwrap().clone();
        let hidden = seen.iter().filter(|seen| seen["uri"] == "/hidden").count();
        assert_eq!(hidden, 0, "{chunks:?}");
    }
}

#[tokio::test]
async fn an_access_list_cannot_be_walked_around() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    let closed = gateway.publish("closed", backend.address, "/closed").await;
    gateway
        .plugin("key-auth", Some(&closed), None, json!({}))
        .await;
    for path in [
        "/closed",
        "/open/../closed",
        "/open/%2e%2e/closed",
        "/open/.%2E/closed",
        "//closed",
        "/./closed",
        "/%63losed",
        "/closed/",
        "/open;x=/../closed",
        "/open/%2e%2e%2fclosed",
        "/open/..%5cclosed",
        "/open/..%c0%afclosed",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = raw(&gateway, request.as_bytes()).await;
        let refused = ["HTTP/1.1 401", "HTTP/1.1 400"];
        assert!(
            refused.iter().any(|start| answer.starts_with(start)),
            "{path}: {answer}"
        );
    }
    assert!(backend.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_says_by_headers_who_he_is() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    let names = [
        "X-Consumer-ID",
        "X-Consumer-Custom-ID",
        "X-Consumer-Username",
        "X-Consumer-Groups",
        "X-Credential-Identifier",
        "X-Credential-Username",
        "X-Anonymous-Consumer",
        "X-Authenticated-UserId",
        "X-Authenticated-Scope",
        "X-Authenticated-Groups",
        "X-Authenticated-Consumer-Id",
    ];
    for name in names {
        let spellings = [
            name.to_owned(),
            name.to_lowercase(),
            name.to_uppercase(),
            name.replace('-', "_"),
            name.replacen('-', "_", 1),
        ];
        for spelling in spellings {
            let sent = gateway.get("/open").header(&spelling, "forged");
            let seen: Value = sent.send().await.unwrap().json().await.unwrap();
            assert!(!seen.to_string().contains("forged"), "{spelling}: {seen}");
        }
    }
    // Nor by naming a header that we set as one of the connection.
    let sent = gateway.get("/open").header("connection", "x-forwarded-for");
    let seen: Value = sent.send().await.unwrap().json().await.unwrap();
    assert_eq!(seen["headers"]["x-forwarded-for"], "127.0.0.1");
}

type Sender = h2::client::SendRequest<Bytes>;

/// A connection of HTTP/2, and how it ended.
async fn connect(
    gateway: &TestGateway,
    agreed: &[&[u8]],
) -> (Sender, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let mut roots = rustls::RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(AUTHORITY.as_bytes()) {
        roots.add(authority.unwrap()).unwrap();
    }
    let mut config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = agreed.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(gateway.tls).await.unwrap();
    let name = ServerName::try_from("one.example").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream: TlsStream<TcpStream> = connector.connect(name, stream).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn request() -> Request<()> {
    let request = Request::get("https://one.example/open");
    request.body(()).unwrap()
}

async fn status(sender: &mut Sender) -> StatusCode {
    let mut ready = sender.clone().ready().await.unwrap();
    let (answer, _) = ready.send_request(request(), true).unwrap();
    answer.await.unwrap().status()
}

#[tokio::test]
async fn floods_on_one_connection_end_that_connection_only() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    let certificate = json!({
        "cert": include_str!("tls/one.pem"), "key": include_str!("tls/one.key"),
        "snis": ["one.example"],
    });
    gateway.post("certificates", certificate).await;
    // One of them says in no word but its first that it speaks HTTP/2.
    let (mut calm, _other) = connect(&gateway, &[]).await;
    assert_eq!(status(&mut calm).await, StatusCode::OK);

    // Requests that are taken back at once.
    let (sender, ended) = connect(&gateway, &[b"h2"]).await;
    for _ in 0..10_000 {
        let Ok(mut ready) = sender.clone().ready().await else {
            break;
        };
        let Ok((_, mut stream)) = ready.send_request(request(), false) else {
            break;
        };
        stream.send_reset(h2::Reason::CANCEL);
    }
    // By the gateway: we hold our end still.
    let outcome = tokio::time::timeout(Duration::from_secs(20), ended).await;
    let _ = outcome.expect("the connection ends").unwrap();
    drop(sender);

    // A megabyte of headers.
    let (sender, _ended) = connect(&gateway, &[b"h2"]).await;
    let mut large = request();
    for number in 0..256 {
        let name: http::HeaderName = format!("x-{number}").parse().unwrap();
        large
            .headers_mut()
            .insert(name, "x".repeat(4096).parse().unwrap());
    }
    let mut ready = sender.ready().await.unwrap();
    let (answer, _) = ready.send_request(large, true).unwrap();
    let answer = answer.await.map(|answer| answer.status());
    assert!(
        !matches!(answer, Ok(StatusCode::OK)),
        "too much is refused: {answer:?}"
    );
    assert_eq!(status(&mut calm).await, StatusCode::OK);
}
