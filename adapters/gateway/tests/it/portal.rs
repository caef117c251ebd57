//! portal-api as the adapter sees it: snapshots of an installation that the test changes, signed
//! deliveries, and what arrives of status and usage.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use sdk::{
    signature::Secrets,
    types::{
        Event, ListenerRegistration, Timestamp,
        gateway::{GatewayStatus, HeldLease, TakeLease},
        listeners::AckReport,
        usage::UsageBatch,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, Purpose},
    random,
    token::Verifier,
};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;
use url::Url;

/// A running stand-in; it ends with the runtime of the test.
#[derive(Clone)]
pub struct Portal(Arc<Inner>);

struct Inner {
    url: Url,
    keys: Keys,
    installation: Mutex<Installation>,
    changed: Notify,
}

/// What the installation consists of.
#[derive(Default)]
pub struct Installation {
    pub hash: String,
    pub seq: i64,
    pub globals: Value,
    pub apis: Vec<Value>,
    pub auth_servers: Vec<Value>,
    pub plans: Vec<Value>,
    pub subscriptions: Vec<Value>,
    pub applications: Vec<Value>,
    pub groups: Vec<Value>,
    pub listener: Option<ListenerRegistration>,
    pub status: Option<GatewayStatus>,
    pub usage: Vec<UsageBatch>,
    /// While true, every call but the registration is answered 503.
    pub away: bool,
    /// OpenAPI documents by API.
    pub definitions: HashMap<String, Value>,
    /// Who holds the lease.
    pub lease: Option<String>,
    /// Snapshots that were asked for: the application, or nothing for all.
    pub snapshots: Vec<Option<String>>,
    /// How often the list of APIs was asked for.
    pub lookups: usize,
}

impl Portal {
    pub async fn start(keys: Keys, installation: Installation) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let portal = Self(Arc::new(Inner {
            url,
            keys: keys.clone(),
            installation: Mutex::new(installation),
            changed: Notify::new(),
        }));
        let verifier = Verifier::new(ServiceName::PortalApi, keys);
        let app = Router::new()
            .route(
                "/ping",
                get(async || Json(json!({"message": "OK", "version": "2.0.0"}))),
            )
            .route("/confighash", get(config_hash))
            .route("/apis", get(apis))
            .route("/apis/{api}/swagger", get(definition))
            .route("/webhooks/listeners/{id}", put(register))
            .route("/gateway/snapshot", get(snapshot))
            .route("/gateway/status", put(status))
            .route("/leases/{name}", put(take_lease).delete(give_back_lease))
            .route("/usage/records", post(usage))
            .layer(middleware::from_fn_with_state(verifier, only_the_adapter))
            .layer(axum::Extension(portal.clone()));
        let stop = CancellationToken::new();
        tokio::spawn(service::http::serve(
            ServiceName::PortalApi,
            listener,
            app,
            stop,
        ));
        portal
    }

    pub fn url(&self) -> Url {
        self.0.url.clone()
    }

    pub fn installation(&self) -> MutexGuard<'_, Installation> {
        self.0.installation.lock().unwrap()
    }

    /// Waits until `done` holds.
    pub async fn until(&self, done: impl Fn(&Installation) -> bool) {
        loop {
            let changed = self.0.changed.notified();
            if done(&self.installation()) {
                return;
            }
            changed.await;
        }
    }

    /// Waits for a status for which `done` holds.
    pub async fn until_status(&self, done: impl Fn(&GatewayStatus) -> bool) -> GatewayStatus {
        self.until(|installation| installation.status.as_ref().is_some_and(&done))
            .await;
        self.installation().status.clone().unwrap()
    }

    /// Changes subscriptions, and answers with the event about it.
    pub fn change(
        &self,
        application: &str,
        kind: &str,
        change: impl FnOnce(&mut Vec<Value>),
    ) -> Event {
        let mut installation = self.installation();
        installation.seq += 1;
        change(&mut installation.subscriptions);
        let (entity, action) = kind.split_once('.').unwrap();
        serde_json::from_value(json!({
            "id": random::hex_id(), "seq": installation.seq, "utc": 1, "entity": entity,
            "action": action, "data": {"applicationId": application}
        }))
        .unwrap()
    }

    /// Delivers events as portal-api does: signed, and waiting for the report.
    pub async fn deliver(&self, events: &[Event]) -> AckReport {
        self.until(|installation| installation.listener.is_some())
            .await;
        let registration = self.installation().listener.clone().unwrap();
        let body = serde_json::to_string(events).unwrap();
        let secrets = Secrets::of_listener(&self.0.keys, &registration.id).unwrap();
        let (id, now) = (random::hex_id(), service::clock::now().timestamp());
        let response = service::http::client()
            .post(registration.url.unwrap())
            .timeout(std::time::Duration::from_mins(1))
            .header("webhook-id", &id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", secrets.sign(&id, now, &body))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// The digest under which portal-api keeps an API key.
    pub fn digest(&self, key: &str) -> String {
        let lookup = self.0.keys.derive(&Purpose::CredentialLookup).unwrap();
        hex::encode(lookup.hmac_sha256(key.as_bytes()))
    }
}

async fn only_the_adapter(
    State(verifier): State<Verifier>,
    request: Request,
    next: Next,
) -> Response {
    let portal = portal(&request);
    let path = request.uri().path();
    if portal.installation().away && !path.starts_with("/webhooks") {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match token.map(|token| verifier.verify(token)) {
        Some(Ok(ServiceName::GatewayAdapter)) => {}
        _ => return StatusCode::UNAUTHORIZED.into_response(),
    }
    let response = next.run(request).await;
    portal.0.changed.notify_waiters();
    response
}

fn portal(request: &Request) -> Portal {
    request.extensions().get::<Portal>().unwrap().clone()
}

type ThePortal = axum::Extension<Portal>;

async fn config_hash(portal: ThePortal) -> String {
    portal.installation().hash.clone()
}

async fn apis(portal: ThePortal) -> Json<Value> {
    let mut installation = portal.installation();
    installation.lookups += 1;
    Json(json!({"apis": installation.apis}))
}

async fn definition(portal: ThePortal, Path(api): Path<String>) -> Response {
    match portal.installation().definitions.get(&api) {
        Some(definition) => Json(definition.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn register(portal: ThePortal, Json(listener): Json<ListenerRegistration>) -> Json<Value> {
    let answer = json!({"id": listener.id, "url": listener.url});
    portal.installation().listener = Some(listener);
    Json(answer)
}

#[derive(Deserialize)]
struct Part {
    application: Option<String>,
}

async fn snapshot(portal: ThePortal, Query(part): Query<Part>) -> Json<Value> {
    let mut installation = portal.installation();
    installation.snapshots.push(part.application.clone());
    let revision = format!("{}.{}", installation.hash, installation.seq);
    let wanted = |subscription: &&Value| match &part.application {
        Some(application) => subscription["application"] == json!(application),
        None => true,
    };
    let mut subscriptions: Vec<Value> = installation
        .subscriptions
        .iter()
        .filter(wanted)
        .cloned()
        .collect();
    let now = json!(Timestamp(service::clock::now()));
    for subscription in &mut subscriptions {
        let credentials = subscription["credentials"].as_array_mut().unwrap();
        // Both are texts of the same form, so they sort as the moments do.
        credentials.retain(|credential| match credential["expiresAt"].as_str() {
            Some(end) => end > now.as_str().unwrap(),
            None => true,
        });
    }
    Json(json!({
        "revision": revision, "seq": installation.seq, "globals": installation.globals,
        "apis": installation.apis, "authServers": installation.auth_servers,
        "plans": installation.plans, "groups": installation.groups,
        "applications": installation.applications,
        "subscriptions": subscriptions
    }))
}

async fn take_lease(
    portal: ThePortal,
    Json(wanted): Json<TakeLease>,
) -> (StatusCode, Json<HeldLease>) {
    let mut installation = portal.installation();
    let last_seq = installation.seq;
    let holder = installation.lease.get_or_insert(wanted.holder.clone());
    let status = if *holder == wanted.holder {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    };
    let held = HeldLease {
        holder: holder.clone(),
        expires_at: service::clock::now().into(),
        last_seq,
    };
    (status, Json(held))
}

async fn give_back_lease(portal: ThePortal) -> StatusCode {
    portal.installation().lease = None;
    StatusCode::NO_CONTENT
}

async fn status(portal: ThePortal, Json(status): Json<GatewayStatus>) -> StatusCode {
    portal.installation().status = Some(status);
    StatusCode::NO_CONTENT
}

async fn usage(portal: ThePortal, _: HeaderMap, Json(batch): Json<UsageBatch>) -> StatusCode {
    let mut installation = portal.installation();
    let known: HashSet<&String> = installation
        .usage
        .iter()
        .map(|batch| &batch.batch_id)
        .collect();
    if known.contains(&batch.batch_id) {
        return StatusCode::OK;
    }
    installation.usage.push(batch);
    StatusCode::ACCEPTED
}
