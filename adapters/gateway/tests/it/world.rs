//! A whole small installation.

use gateway_adapter::Rules;
use reqwest::{Response, StatusCode};
use sdk::types::Event;
use serde_json::{Value, json};
use service::{
    ServiceName,
    health::Readiness,
    keys::{Keys, MasterKey},
};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::{
    backend::{self, AuthServer, Key, Server},
    gateway::Gateway,
    portal::{Installation, Portal},
};

pub struct World {
    pub portal: Portal,
    pub gateway: Gateway,
    pub auth: AuthServer,
    pub key: Key,
    pub adapter: Url,
    pub readiness: Readiness,
    pub keys: Keys,
    pub backend: Server,
    stop: Option<DropGuard>,
}

impl World {
    /// Three APIs (`open`, `keyed`, `tokens`), two plans, nobody subscribed, everything running.
    pub async fn start() -> Self {
        let world = Self::start_without_waiting(|_| {}).await;
        world.readiness.until_ready().await;
        world
    }

    /// The same, with an adapter that takes every installation for a large one.
    pub async fn start_compact() -> Self {
        let world = Self::start_around(|_| {}, 0).await;
        world.readiness.until_ready().await;
        world
    }

    pub async fn start_without_waiting(change: impl FnOnce(&mut Installation)) -> Self {
        Self::start_around(change, Rules::default().compact_above).await
    }

    async fn start_around(change: impl FnOnce(&mut Installation), compact_above: usize) -> Self {
        service::http::install_crypto();
        let keys = Keys::from_master(MasterKey::generate());
        let backend = backend::echo().await;
        let key = Key::new("k1");
        let auth = AuthServer::start(&[&key], &keys).await;
        let mut installation = installation(&backend.url, &auth.server.url);
        change(&mut installation);
        let portal = Portal::start(keys.clone(), installation).await;
        let gateway = Gateway::start();

        let (adapter, readiness, stop) =
            start_adapter(&portal, &gateway, &keys, compact_above).await;
        Self {
            portal,
            gateway,
            auth,
            key,
            adapter,
            readiness,
            keys,
            backend,
            stop: Some(stop),
        }
    }

    /// Ends the adapter, so that another one can take over.
    pub fn stop_adapter(&mut self) {
        self.stop = None;
        self.portal.installation().lease = None;
    }

    /// One more adapter for the same gateway; it stops when the guard is dropped.
    pub async fn start_adapter(&self) -> (DropGuard, Readiness) {
        let (_, readiness, stop) = start_adapter(
            &self.portal,
            &self.gateway,
            &self.keys,
            Rules::default().compact_above,
        )
        .await;
        (stop, readiness)
    }

    /// Subscribes `application` to the key API and waits for the acknowledgement.
    pub async fn subscribe(&self, application: &str, plan: &str, api_key: &str) {
        let credential = json!({"id": format!("cred-{api_key}"), "kind": "key", "digest": self.portal.digest(api_key)});
        let subscription = subscription(application, "keyed", plan, json!([credential]));
        self.deliver(self.portal.change(application, "subscription.add", |all| {
            all.push(subscription);
        }))
        .await;
    }

    /// Subscribes to the OAuth API as this client.
    pub async fn subscribe_client(&self, application: &str, client_id: &str) {
        let credential = json!({
            "id": format!("cred-{client_id}"), "kind": "client", "digest": "d", "clientId": client_id
        });
        let subscription = subscription(application, "tokens", "unlimited", json!([credential]));
        self.deliver(self.portal.change(application, "subscription.add", |all| {
            all.push(subscription);
        }))
        .await;
    }

    pub async fn unsubscribe(&self, application: &str) {
        self.deliver(
            self.portal
                .change(application, "subscription.delete", |all| {
                    all.retain(|subscription| subscription["application"] != json!(application));
                }),
        )
        .await;
    }

    /// Delivers one event; it must be done.
    pub async fn deliver(&self, event: Event) {
        let id = event.id.clone();
        let report = self.portal.deliver(&[event]).await;
        assert_eq!(report.acked, [id], "{:?}", report.failed);
    }

    /// A call through the gateway with these headers.
    pub async fn call(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = service::http::client().get(format!("{}{path}", self.gateway.proxy));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    pub async fn status(&self, path: &str, headers: &[(&str, &str)]) -> StatusCode {
        self.call(path, headers).await.status()
    }

    /// `POST /resync`: how many calls it made, or would.
    pub async fn resync(&self, query: &str) -> Value {
        let url = self.adapter.join(&format!("resync{query}")).unwrap();
        let response = service::http::client().post(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// The entities of one kind on the gateway.
    pub async fn entities(&self, collection: &str) -> Vec<Value> {
        let url = self
            .gateway
            .admin
            .join(&format!("{collection}?size=1000"))
            .unwrap();
        let page: Value = service::http::client()
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        page["data"].as_array().unwrap().clone()
    }

    pub async fn admin(&self, method: reqwest::Method, path: &str, body: Value) -> StatusCode {
        let url = self.gateway.admin.join(path).unwrap();
        service::http::client()
            .request(method, url)
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
    }
}

async fn start_adapter(
    portal: &Portal,
    gateway: &Gateway,
    keys: &Keys,
    compact_above: usize,
) -> (Url, Readiness, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let url = Url::parse(&url).unwrap();
    let settings = gateway_adapter::Settings::new(
        portal.url(),
        gateway.admin.clone(),
        url.clone(),
        adapter_keys(keys),
    );
    let settings = gateway_adapter::Settings {
        allow_resync: true,
        rules: Rules {
            compact_above,
            ..settings.rules.clone()
        },
        ..settings
    };
    let (readiness, stop) = (Readiness::new(), CancellationToken::new());
    let guard = stop.clone().drop_guard();
    tokio::spawn(gateway_adapter::serve(
        settings,
        listener,
        readiness.clone(),
        stop,
    ));
    (url, readiness, guard)
}

pub fn subscription(application: &str, api: &str, plan: &str, credentials: Value) -> Value {
    json!({
        "id": format!("sub-{application}-{api}"), "application": application, "api": api,
        "plan": plan, "credentials": credentials
    })
}

pub fn api(id: &str, auth: &str, upstream: &str) -> Value {
    json!({
        "id": id, "name": id, "auth": auth, "authMethods": ["default:local"], "plans": [],
        "config": {"api": {
            "upstream_url": upstream, "routes": [{"paths": [format!("/{id}")], "strip_path": true}]
        }}
    })
}

fn installation(backend: &str, auth: &str) -> Installation {
    let limit = json!({"name": "rate-limiting", "config": {"hour": 3}});
    Installation {
        hash: "hash1".to_owned(),
        globals: json!({"title": "", "network": {
            "schema": "http", "apiHost": "gateway.test", "portalUrl": backend
        }}),
        apis: vec![
            api("open", "none", backend),
            api("keyed", "key-auth", backend),
            api("tokens", "oauth2", backend),
        ],
        auth_servers: vec![json!({
            "id": "default", "name": "default", "tokens": {"mode": "jwt"},
            "config": {"api": {
                "upstream_url": auth, "routes": [{"paths": ["/auth"], "strip_path": false}]
            }}
        })],
        plans: vec![
            json!({"id": "limited", "name": "", "config": {"plugins": [limit]}}),
            json!({"id": "unlimited", "name": ""}),
        ],
        ..Installation::default()
    }
}

/// Nothing but the keys that `wicketgate keys derive --for gateway-adapter` prints.
pub fn adapter_keys(all: &Keys) -> Keys {
    let keys = all.needed_by(ServiceName::GatewayAdapter).unwrap();
    Keys::from_derived(&keys).unwrap()
}
