//! A whole small installation in front of a Kong: the double, or the real one of `KONG_ADMIN_URL`
//! (which has to be there for nothing else: everything on it is removed first).

use gateway_adapter::Settings;
use reqwest::{Method, StatusCode};
use sdk::types::Event;
use serde_json::{Value, json};
use service::{
    health::Readiness,
    keys::{Keys, MasterKey},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, MutexGuard},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::{
    backend::{AuthServer, Key},
    double::Double,
    portal::{Installation, Portal},
    world::{adapter_keys, api, subscription},
};

/// A real Kong is used by one test at a time.
static REAL: Mutex<()> = Mutex::const_new(());

pub struct KongWorld {
    pub portal: Portal,
    /// Unless the Kong is a real one.
    pub double: Option<Double>,
    pub admin: Url,
    pub adapter: Url,
    pub readiness: Readiness,
    pub keys: Keys,
    _auth: AuthServer,
    stop: Option<DropGuard>,
    settings: Settings,
    _turn: Option<MutexGuard<'static, ()>>,
}

/// What is in front of the adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Database,
    Memory,
}

impl KongWorld {
    /// Nothing if the Kong of `KONG_ADMIN_URL` is one of the other kind.
    pub async fn start(store: Store) -> Option<Self> {
        Self::start_with(store, |_| {}, |_| {}).await
    }

    pub async fn start_with(
        store: Store,
        change: impl FnOnce(&mut Installation),
        tune: impl FnOnce(&mut Settings),
    ) -> Option<Self> {
        let world = Self::prepare(store, change, tune).await?;
        world.readiness.until_ready().await;
        Some(world)
    }

    /// The same, without waiting for the adapter.
    pub async fn prepare(
        store: Store,
        change: impl FnOnce(&mut Installation),
        tune: impl FnOnce(&mut Settings),
    ) -> Option<Self> {
        service::http::install_crypto();
        let Some(url) = service::settings::var("KONG_ADMIN_URL") else {
            let double = Double::start(store == Store::Database).await;
            let admin = double.url.clone();
            return Some(Self::around(Some(double), admin, None, change, tune).await);
        };
        let turn = REAL.lock().await;
        let admin = Url::parse(&url).unwrap();
        if !empty(&admin, store).await {
            eprintln!("skipped: the Kong of KONG_ADMIN_URL is no {store:?} one");
            return None;
        }
        Some(Self::around(None, admin, Some(turn), change, tune).await)
    }

    /// In front of this double.
    pub async fn with_double(
        double: Double,
        change: impl FnOnce(&mut Installation),
        tune: impl FnOnce(&mut Settings),
    ) -> Self {
        let world = Self::before_double(double, change, tune).await;
        world.readiness.until_ready().await;
        world
    }

    /// The same, without waiting for the adapter.
    pub async fn before_double(
        double: Double,
        change: impl FnOnce(&mut Installation),
        tune: impl FnOnce(&mut Settings),
    ) -> Self {
        service::http::install_crypto();
        let admin = double.url.clone();
        Self::around(Some(double), admin, None, change, tune).await
    }

    async fn around(
        double: Option<Double>,
        admin: Url,
        turn: Option<MutexGuard<'static, ()>>,
        change: impl FnOnce(&mut Installation),
        tune: impl FnOnce(&mut Settings),
    ) -> Self {
        let keys = Keys::from_master(MasterKey::generate());
        let key = Key::new("k1");
        let auth = AuthServer::start(&[&key], &keys).await;
        let mut installation = installation(&auth.server.url);
        change(&mut installation);
        let portal = Portal::start(keys.clone(), installation).await;
        let own = adapter_keys(&keys);
        let mut settings = Settings::new(portal.url(), admin.clone(), portal.url(), own);
        settings.allow_resync = true;
        settings.access.admin_token = Some("operator".to_owned().into());
        tune(&mut settings);
        let (adapter, readiness, stop) = start_adapter(&settings).await;
        Self {
            portal,
            double,
            admin,
            adapter,
            readiness,
            keys,
            _auth: auth,
            stop: Some(stop),
            settings,
            _turn: turn,
        }
    }

    /// Ends the adapter without any notice, and starts another one.
    pub async fn restart_adapter(&mut self, tune: impl FnOnce(&mut Settings)) {
        self.stop = None;
        self.portal.installation().lease = None;
        tune(&mut self.settings);
        let (adapter, readiness, stop) = start_adapter(&self.settings).await;
        (self.adapter, self.readiness, self.stop) = (adapter, readiness, Some(stop));
        self.readiness.until_ready().await;
    }

    /// Subscribes to the key API and waits for the acknowledgement.
    pub async fn subscribe(&self, application: &str, api: &str, plan: &str, key: &str) {
        let credential = self.key_credential(key);
        let subscription = subscription(application, api, plan, json!([credential]));
        let event = self.portal.change(application, "subscription.add", |all| {
            all.push(subscription);
        });
        self.deliver(event).await;
    }

    pub fn key_credential(&self, key: &str) -> Value {
        json!({
            "id": format!("cred-{key}"), "kind": "key", "digest": self.portal.digest(key), "key": key
        })
    }

    /// Delivers one event; it must be done.
    pub async fn deliver(&self, event: Event) {
        let id = event.id.clone();
        let report = self.portal.deliver(&[event]).await;
        assert_eq!(report.acked, [id], "{:?}", report.failed);
    }

    /// Another configuration comes into force.
    pub async fn configure(&self, change: impl FnOnce(&mut Installation)) {
        {
            let mut installation = self.portal.installation();
            installation.hash = format!("{}+", installation.hash);
            change(&mut installation);
        }
        let event = self.portal.change("", "config.updated", |_| {});
        self.deliver(event).await;
    }

    /// `POST /resync`
    pub async fn resync(&self, query: &str) -> Value {
        let (status, report) = self
            .operate(Method::POST, &format!("resync{query}"), json!({}))
            .await;
        assert_eq!(status, StatusCode::OK, "{report}");
        report
    }

    /// A call of the adapter, as its operator.
    pub async fn operate(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let url = self.adapter.join(path).unwrap();
        let request = service::http::client()
            .request(method, url)
            .bearer_auth("operator")
            .timeout(std::time::Duration::from_mins(3))
            .json(&body);
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap_or_default())
    }

    /// All entities of a collection, with all pages.
    pub async fn entities(&self, collection: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut offset = String::new();
        loop {
            let page = self.get(&format!("{collection}?size=1000{offset}")).await;
            all.extend(page["data"].as_array().unwrap().clone());
            match page["offset"].as_str() {
                Some(next) => offset = format!("&offset={next}"),
                None => return all,
            }
        }
    }

    /// The entity whose field has this value.
    pub async fn entity(&self, collection: &str, field: &str, value: &str) -> Value {
        let all = self.entities(collection).await;
        let found = all.into_iter().find(|entity| entity[field] == value);
        found.unwrap_or_else(|| panic!("no {collection} with {field} {value}"))
    }

    /// The plugin of this name on a service, without consumer.
    pub async fn plugin(&self, service: &str, name: &str) -> Value {
        let service = self.entity("services", "name", service).await;
        let plugins = self.entities("plugins").await;
        let found = plugins.into_iter().find(|plugin| {
            plugin["name"] == name
                && plugin["service"]["id"] == service["id"]
                && plugin["consumer"].is_null()
        });
        found.unwrap_or_else(|| panic!("no plugin {name}"))
    }

    pub async fn get(&self, path: &str) -> Value {
        let url = self.admin.join(path).unwrap();
        let response = service::http::client().get(url).send().await.unwrap();
        response.json().await.unwrap()
    }

    pub async fn admin(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        call(&self.admin, method, path, body).await
    }

    /// Calls that would change something, since the last question.
    pub fn changing_calls(&self) -> Vec<String> {
        let calls = self.double.as_ref().map(Double::take_calls);
        let calls = calls.unwrap_or_default().into_iter();
        let asks = |path: &str| path.starts_with("/schemas/");
        calls
            .filter(|(method, path)| method != Method::GET && !asks(path))
            .map(|(method, path)| format!("{method} {path}"))
            .collect()
    }

    /// Ids that portal-api shows as problems.
    pub async fn problems(&self) -> Vec<String> {
        let (_, problems) = self.operate(Method::GET, "problems", json!({})).await;
        let mut ids: Vec<String> = problems
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| problem["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    }
}

async fn start_adapter(settings: &Settings) -> (Url, Readiness, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let url = Url::parse(&url).unwrap();
    let settings = Settings {
        own_url: url.clone(),
        ..settings.clone()
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

pub async fn call(base: &Url, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let url = base.join(path).unwrap();
    let request = service::http::client().request(method, url).json(&body);
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

/// Removes everything from a real Kong; false if it is not of this kind.
async fn empty(admin: &Url, store: Store) -> bool {
    let (_, node) = call(admin, Method::GET, "", json!({})).await;
    let has_database = node["configuration"]["database"] != "off";
    if has_database != (store == Store::Database) {
        return false;
    }
    if !has_database {
        let nothing = json!({"_format_version": "3.0"});
        call(admin, Method::POST, "config", nothing).await;
        return true;
    }
    for collection in ["consumers", "plugins", "routes", "services"] {
        loop {
            let (_, page) = call(
                admin,
                Method::GET,
                &format!("{collection}?size=1000"),
                json!({}),
            )
            .await;
            let found = page["data"].as_array().unwrap().clone();
            if found.is_empty() {
                break;
            }
            for entity in found {
                let path = format!("{collection}/{}", entity["id"].as_str().unwrap());
                call(admin, Method::DELETE, &path, json!({})).await;
            }
        }
    }
    true
}

/// Three APIs (`open`, `keyed`, `tokens`), three plans, nobody subscribed.
pub fn installation(auth: &str) -> Installation {
    let backend = "http://backend.test:8080/v2";
    let limit = |hour: u32| {
        json!({"config": {"plugins": [{
            "name": "rate-limiting", "config": {"hour": hour, "policy": "local"}
        }]}})
    };
    let plan = |id: &str, mut plan: Value| {
        plan["id"] = json!(id);
        plan["name"] = json!(id);
        plan
    };
    Installation {
        hash: "hash1".to_owned(),
        globals: json!({
            "title": "", "gateway": {"type": "kong"}, "network": {
                "schema": "https", "apiHost": "gateway.test", "portalUrl": "http://portal.test:3000/"
            }
        }),
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
            plan("limited", limit(3)),
            plan("generous", limit(300)),
            plan("unlimited", json!({})),
        ],
        ..Installation::default()
    }
}
