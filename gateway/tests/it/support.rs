//! A gateway with a backend behind it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gateway::{Bound, Settings};
use kong::{Consumer, KeyAuth, Plugin, Route, Service, admin::Client};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use service::health::Readiness;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub struct TestGateway {
    pub proxy: SocketAddr,
    pub tls: SocketAddr,
    pub admin: Client,
    pub admin_url: String,
    pub status_url: String,
    pub readiness: Readiness,
    pub http: reqwest::Client,
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
    directory: Option<TempDir>,
}

impl TestGateway {
    #[expect(clippy::unused_async, reason = "reads like all other starts")]
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut gateway = Self::start_in(directory.path());
        gateway.directory = Some(directory);
        gateway
    }

    pub fn start_in(directory: &Path) -> Self {
        Self::start_with(directory, |_| {})
    }

    /// With other settings than the usual ones.
    pub fn start_with(directory: &Path, change: impl FnOnce(&mut Settings)) -> Self {
        service::http::install_crypto();
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = Bound::new(free, free, free).unwrap();
        Self::start_on(bound.with_tls(free).unwrap(), directory, change)
    }

    /// On sockets that are there already.
    pub fn start_on(bound: Bound, directory: &Path, change: impl FnOnce(&mut Settings)) -> Self {
        let tls = bound.proxy_tls[0].local_addr().unwrap();
        let proxy = bound.proxy_address().unwrap();
        let admin_url = format!("http://{}/", bound.admin.local_addr().unwrap());
        let status_url = format!("http://{}/", bound.status.local_addr().unwrap());
        let mut settings = Settings::new(bound, directory.to_owned());
        settings.grace = Duration::from_secs(2);
        change(&mut settings);
        let (shutdown, readiness) = (CancellationToken::new(), Readiness::new());
        let task = tokio::spawn(gateway::serve(
            settings,
            readiness.clone(),
            shutdown.clone(),
        ));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self {
            proxy,
            tls,
            admin: Client::new(http.clone(), admin_url.parse().unwrap(), None),
            admin_url,
            status_url,
            readiness,
            http,
            shutdown,
            task,
            directory: None,
        }
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.ended().await;
    }

    /// Waits until it has ended by itself.
    pub async fn ended(self) {
        self.task.await.unwrap().unwrap();
    }

    /// A service at the backend with a route for `path`.
    pub async fn publish(&self, name: &str, backend: SocketAddr, path: &str) -> Service {
        let service = Service {
            id: Uuid::new_v4(),
            name: Some(name.to_owned()),
            host: backend.ip().to_string(),
            port: backend.port(),
            ..Service::default()
        };
        self.admin.put(&service).await.unwrap();
        let route = Route {
            id: Uuid::new_v4(),
            name: Some(format!("{name}.0")),
            service: Some(service.id.into()),
            paths: Some(vec![path.to_owned()]),
            ..Route::default()
        };
        self.admin.put(&route).await.unwrap();
        service
    }

    pub async fn plugin(
        &self,
        name: &str,
        service: Option<&Service>,
        consumer: Option<&Consumer>,
        config: Value,
    ) -> Plugin {
        let plugin = Plugin {
            id: Uuid::new_v4(),
            name: name.to_owned(),
            service: service.map(|service| service.id.into()),
            consumer: consumer.map(|consumer| consumer.id.into()),
            config: config.as_object().unwrap().clone(),
            ..Plugin::default()
        };
        self.admin.put(&plugin).await.unwrap()
    }

    pub async fn consumer(&self, name: &str) -> Consumer {
        let consumer = Consumer {
            id: Uuid::new_v4(),
            username: Some(name.to_owned()),
            custom_id: Some(format!("subscription-{name}")),
            ..Consumer::default()
        };
        self.admin.put(&consumer).await.unwrap()
    }

    pub async fn key(&self, consumer: &Consumer, key: &str) -> KeyAuth {
        let credential = KeyAuth {
            id: Uuid::new_v4(),
            consumer: Some(consumer.id.into()),
            key_digest: Some(digest(key)),
            ..KeyAuth::default()
        };
        self.admin.put(&credential).await.unwrap()
    }

    pub async fn group(&self, consumer: &Consumer, group: &str) {
        let acl = kong::Acl {
            id: Uuid::new_v4(),
            consumer: Some(consumer.id.into()),
            group: group.to_owned(),
            ..kong::Acl::default()
        };
        self.admin.put(&acl).await.unwrap();
    }

    /// A call of the Admin API: status and body.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.admin_url));
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap_or_default())
    }

    /// Creates an entity.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::CREATED, "{path}: {answer}");
        answer
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("http://{}{path}", self.proxy))
    }

    pub async fn status(&self, path: &str, key: &str) -> StatusCode {
        self.get(path)
            .header("apikey", key)
            .send()
            .await
            .unwrap()
            .status()
    }
}

const DIGEST_KEY: [u8; 32] = [7; 32];

pub fn digest_key() -> String {
    URL_SAFE_NO_PAD.encode(DIGEST_KEY)
}

/// As the portal computes it.
pub fn digest(key: &str) -> String {
    let hmac = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &DIGEST_KEY);
    hex::encode(ring::hmac::sign(&hmac, key.as_bytes()))
}

/// Key-auth as the adapter writes it.
pub fn key_auth() -> Value {
    json!({ "key_names": ["apikey"], "digest_key": digest_key() })
}

/// A backend that answers with what it saw.
pub struct Backend {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Value>>>,
}

impl Backend {
    pub async fn start() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let app = {
            let seen = seen.clone();
            Router::new().fallback(async move |request: Request| echo(request, &seen).await)
        };
        Self {
            address: serve(app).await,
            seen,
        }
    }
}

/// Sends bytes and reads all that comes back until the connection ends.
pub async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer))
        .await
        .expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Serves an application on a free port as long as the test runs.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn echo(request: Request, seen: &Mutex<Vec<Value>>) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24)
        .await
        .unwrap_or_default();
    let headers: serde_json::Map<String, Value> = head
        .headers
        .keys()
        .map(|name| {
            let values: Vec<&str> = head
                .headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .collect();
            (name.to_string(), values.join(" | ").into())
        })
        .collect();
    let report = json!({
        "method": head.method.as_str(), "uri": head.uri.to_string(), "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    seen.lock().unwrap().push(report.clone());
    Response::builder()
        .header("content-type", "application/json")
        .body(Body::from(report.to_string()))
        .unwrap()
}
