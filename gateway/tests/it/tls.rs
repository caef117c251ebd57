//! Encrypted connections, from clients and to backends.

use std::{net::SocketAddr, sync::Arc};

use reqwest::{Method, StatusCode, Version};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::support::{Backend, TestGateway};

const AUTHORITY: &str = include_str!("tls/ca.pem");
const ONE: (&str, &str) = (include_str!("tls/one.pem"), include_str!("tls/one.key"));
const OTHER: (&str, &str) = (include_str!("tls/other.pem"), include_str!("tls/other.key"));
const BACKEND: (&str, &str) = (
    include_str!("tls/backend.pem"),
    include_str!("tls/backend.key"),
);

/// A client that trusts the test authority and finds these names at the gateway.
fn client(gateway: &TestGateway, name: &str) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(AUTHORITY.as_bytes()).unwrap()])
        .resolve(name, gateway.tls)
        .build()
        .unwrap()
}

async fn certificate(gateway: &TestGateway, (cert, key): (&str, &str), snis: Value) -> Value {
    gateway
        .post(
            "certificates",
            json!({"cert": cert, "key": key, "snis": snis}),
        )
        .await
}

#[tokio::test]
async fn the_certificate_is_chosen_by_the_name() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    certificate(&gateway, ONE, json!(["one.example"])).await;
    let other = certificate(&gateway, OTHER, json!(["*.other.example"])).await;
    assert_eq!(other["snis"], json!(["*.other.example"]));
    for name in ["one.example", "a.other.example"] {
        let url = format!("https://{name}:{}/open", gateway.tls.port());
        let answer = client(&gateway, name).get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.version(), Version::HTTP_2);
        let seen: Value = answer.json().await.unwrap();
        let headers = &seen["headers"];
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], name);
        assert_eq!(
            headers["via"].as_str().unwrap().split(' ').next(),
            Some("2")
        );
    }
    // The built-in one is trusted by nobody.
    let url = format!("https://else.example:{}/open", gateway.tls.port());
    assert!(
        client(&gateway, "else.example")
            .get(url)
            .send()
            .await
            .is_err()
    );
    // SNI names lead to their certificate, and keep it from going.
    let (status, found) = gateway
        .call(Method::GET, "certificates/one.example", Value::Null)
        .await;
    assert_eq!(
        (status, &found["snis"]),
        (StatusCode::OK, &json!(["one.example"]))
    );
    let path = format!("certificates/{}", other["id"].as_str().unwrap());
    let (status, _) = gateway.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, changed) = gateway
        .call(Method::PATCH, &path, json!({"snis": []}))
        .await;
    assert_eq!(changed["snis"], json!([]));
    let (status, _) = gateway.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let taken = json!({"cert": OTHER.0, "key": OTHER.1, "snis": ["one.example"]});
    let (status, error) = gateway.call(Method::POST, "certificates", taken).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(error["fields"]["snis"]["1"].is_string(), "{error}");
}

#[tokio::test]
async fn keys_have_to_fit_and_authorities_have_to_be_some() {
    let gateway = TestGateway::start().await;
    for (path, body, field) in [
        (
            "certificates",
            json!({"cert": ONE.0, "key": OTHER.1}),
            "key",
        ),
        ("certificates", json!({"cert": "x", "key": ONE.1}), "cert"),
        (
            "certificates",
            json!({"cert": ONE.0, "key": ONE.1, "cert_alt": ONE.0}),
            "key_alt",
        ),
        ("ca_certificates", json!({"cert": ONE.0}), "cert"),
        (
            "ca_certificates",
            json!({"cert": format!("{AUTHORITY}{AUTHORITY}")}),
            "cert",
        ),
    ] {
        let (status, error) = gateway.call(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {field}");
        assert!(error["fields"][field].is_string(), "{error}");
    }
    let first = gateway
        .post("ca_certificates", json!({"cert": AUTHORITY}))
        .await;
    assert_eq!(first["cert_digest"].as_str().unwrap().len(), 64);
    let (status, _) = gateway
        .call(Method::POST, "ca_certificates", json!({"cert": AUTHORITY}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    let service = json!({"name": "s", "url": "https://h", "ca_certificates": [first["id"]]});
    gateway.post("services", service).await;
    let path = format!("ca_certificates/{}", first["id"].as_str().unwrap());
    let (status, error) = gateway.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(
        (status, &error["code"]),
        (StatusCode::BAD_REQUEST, &json!(19))
    );
}

#[tokio::test]
async fn routes_are_chosen_by_the_name_of_the_connection() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    certificate(&gateway, ONE, json!(["one.example"])).await;
    certificate(&gateway, OTHER, json!(["other.example"])).await;
    let route = json!({"name": "one", "snis": ["one.example"], "paths": ["/open"], "protocols": ["https"], "strip_path": false});
    gateway.post("services/open/routes", route).await;
    for (name, path) in [("one.example", "/open/x"), ("other.example", "/x")] {
        let url = format!("https://{name}:{}/open/x", gateway.tls.port());
        let seen: Value = client(&gateway, name)
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(seen["uri"], path, "{name}");
    }
}

/// A backend that shows the certificate of the test authority, and says whether it saw one.
async fn encrypted_backend() -> SocketAddr {
    backend_with(BACKEND.0, BACKEND.1).await
}

async fn backend_with(chain: &str, key: &str) -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(AUTHORITY.as_bytes()) {
        roots.add(authority.unwrap()).unwrap();
    }
    let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots))
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config = rustls::ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let known = stream.get_ref().1.peer_certificates().is_some();
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{known:<5}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn backends_are_checked_by_the_services_own_authorities() {
    let gateway = TestGateway::start().await;
    let backend = encrypted_backend().await;
    let service = json!({"name": "s", "url": format!("https://{backend}"), "retries": 0});
    gateway.post("services", service).await;
    gateway
        .post("services/s/routes", json!({"paths": ["/s"]}))
        .await;
    let status = async || gateway.get("/s").send().await.unwrap().status();
    assert_eq!(
        status().await,
        StatusCode::BAD_GATEWAY,
        "the system does not know the authority"
    );
    let authority = gateway
        .post("ca_certificates", json!({"cert": AUTHORITY}))
        .await;
    let change = json!({"ca_certificates": [authority["id"]]});
    gateway.call(Method::PATCH, "services/s", change).await;
    let answer = gateway.get("/s").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.unwrap().trim(), "false");
    let own = certificate(&gateway, ONE, json!([])).await;
    let change = json!({"client_certificate": {"id": own["id"]}});
    gateway.call(Method::PATCH, "services/s", change).await;
    let answer = gateway.get("/s").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap().trim(), "true");
    let missing = json!({"ca_certificates": ["11111111-2222-3333-4444-555555555555"]});
    let (status, _) = gateway.call(Method::PATCH, "services/s", missing).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_backend_that_sees_the_clients_host_has_to_be_that_host() {
    let gateway = TestGateway::start().await;
    let backend = encrypted_backend().await;
    let authority = gateway
        .post("ca_certificates", json!({"cert": AUTHORITY}))
        .await;
    let service = json!({
        "name": "s", "url": format!("https://{backend}"), "retries": 0, "tls_verify_depth": 0,
        "ca_certificates": [authority["id"]],
    });
    gateway.post("services", service).await;
    let route = json!({"name": "s", "paths": ["/s"], "preserve_host": true});
    gateway.post("services/s/routes", route).await;
    let status = async |host: &str| {
        let request = gateway.get("/s").header("host", host);
        request.send().await.unwrap().status()
    };
    assert_eq!(status("127.0.0.1:80").await, StatusCode::OK);
    assert_eq!(status("else.example").await, StatusCode::BAD_GATEWAY);
    let change = json!({"preserve_host": false});
    gateway.call(Method::PATCH, "routes/s", change).await;
    assert_eq!(status("else.example").await, StatusCode::OK);
}

/// PEM of DER.
fn pem(kind: &str, der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(der);
    format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
}

#[tokio::test]
async fn no_more_authorities_than_allowed_stand_between_certificate_and_root() {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let authority = |name: &str| {
        let mut about = CertificateParams::default();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let common = rcgen::DnType::CommonName;
        about.distinguished_name.push(common, name);
        about
    };
    let key = || KeyPair::generate().unwrap();
    let (root_key, between_key, leaf_key) = (key(), key(), key());
    let root = authority("root");
    let root_pem = pem("CERTIFICATE", root.self_signed(&root_key).unwrap().der());
    let root = Issuer::new(root, root_key);
    let between = authority("between");
    let between_der = between.signed_by(&between_key, &root).unwrap();
    let between = Issuer::new(between, between_key);
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf_der = leaf.signed_by(&leaf_key, &between).unwrap();
    let chain = pem("CERTIFICATE", leaf_der.der()) + &pem("CERTIFICATE", between_der.der());
    let backend = backend_with(&chain, &pem("PRIVATE KEY", &leaf_key.serialize_der())).await;

    let gateway = TestGateway::start().await;
    let trusted = gateway
        .post("ca_certificates", json!({"cert": root_pem}))
        .await;
    let service = json!({
        "name": "s", "url": format!("https://{backend}"), "retries": 0, "ca_certificates": [trusted["id"]],
    });
    gateway.post("services", service).await;
    let route = json!({"paths": ["/s"]});
    gateway.post("services/s/routes", route).await;
    for (depth, status) in [(json!(null), 200), (json!(0), 502), (json!(1), 200)] {
        let change = json!({"tls_verify_depth": depth});
        gateway.call(Method::PATCH, "services/s", change).await;
        let answer = gateway.get("/s").send().await.unwrap();
        assert_eq!(answer.status(), status, "{depth}");
    }
}
