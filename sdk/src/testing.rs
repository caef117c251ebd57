//! portal-api as listeners see it, for their tests: a real HTTP server that checks service tokens,
//! takes registrations, answers what the test says and delivers signed events.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    random,
    token::Verifier,
};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::{
    signature::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Secrets},
    types::{
        Event, ListenerRegistration,
        listeners::{AckReport, BulkAck},
    },
};

/// A running server; stops when dropped. Cheap to clone.
#[derive(Clone)]
pub struct PortalApi(Arc<Inner>);

struct Inner {
    url: Url,
    keys: Keys,
    verifier: Verifier,
    answers: Mutex<HashMap<String, (StatusCode, Value)>>,
    once: Mutex<HashMap<String, Value>>,
    listeners: Mutex<HashMap<String, ListenerRegistration>>,
    calls: Mutex<Vec<String>>,
    acknowledged: Mutex<Vec<String>>,
    changed: Notify,
    _stop: DropGuard,
}

impl PortalApi {
    /// Starts on a free port with fresh keys.
    pub async fn start() -> Self {
        let keys = Keys::from_master(MasterKey::generate());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let stop = CancellationToken::new();
        let api = Self(Arc::new(Inner {
            url: Url::parse(&format!("http://{address}/")).expect("a valid address"),
            verifier: Verifier::new(ServiceName::PortalApi, keys.clone()),
            keys,
            answers: Mutex::default(),
            once: Mutex::default(),
            listeners: Mutex::default(),
            calls: Mutex::default(),
            acknowledged: Mutex::default(),
            changed: Notify::new(),
            _stop: stop.clone().drop_guard(),
        }));
        api.answer(
            "GET /ping",
            json!({"message": "OK", "version": service::VERSION}),
        );
        api.answer("GET /confighash", json!("first"));
        // The server must not keep itself alive.
        let weak = Arc::downgrade(&api.0);
        let app = Router::new().fallback(
            async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| match weak
                .upgrade()
            {
                Some(inner) => respond(State(Self(inner)), &method, &uri, &headers, &body),
                None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            },
        );
        tokio::spawn(service::http::serve(
            ServiceName::PortalApi,
            listener,
            app,
            stop,
        ));
        api
    }

    /// Its address.
    pub fn url(&self) -> Url {
        self.0.url.clone()
    }

    /// The keys of the installation that it plays.
    pub fn keys(&self) -> Keys {
        self.0.keys.clone()
    }

    /// What `call` (`GET /users/ada`) answers from now on. A text is sent as plain text.
    pub fn answer(&self, call: &str, body: Value) {
        self.answer_status(call, StatusCode::OK, body);
    }

    /// Answers `call` (`PUT /gateway/status`, for instance) with this status and body.
    pub fn answer_status(&self, call: &str, status: StatusCode, body: Value) {
        lock(&self.0.answers).insert(call.to_owned(), (status, body));
    }

    /// What the next `call` answers; later ones get the usual answer.
    pub fn answer_once(&self, call: &str, body: Value) {
        lock(&self.0.once).insert(call.to_owned(), body);
    }

    /// All calls so far, as `METHOD /path?query`.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.0.calls).clone()
    }

    /// Ids of the events that were acknowledged by a call, in the order of their arrival.
    pub fn acknowledged(&self) -> Vec<String> {
        lock(&self.0.acknowledged).clone()
    }

    fn usual_answer(&self, call: &str) -> Response {
        if let Some(body) = lock(&self.0.once).remove(call) {
            return Json(body).into_response();
        }
        match lock(&self.0.answers).get(call) {
            Some((status, Value::String(text))) => (*status, text.clone()).into_response(),
            Some((status, body)) => (*status, Json(body.clone())).into_response(),
            None => (
                StatusCode::NOT_FOUND,
                Json(json!({"message": "Not found."})),
            )
                .into_response(),
        }
    }

    /// Waits until the listener is registered.
    pub async fn registered(&self, listener: &str) -> ListenerRegistration {
        loop {
            let changed = self.0.changed.notified();
            if let Some(registration) = lock(&self.0.listeners).get(listener) {
                return registration.clone();
            }
            changed.await;
        }
    }

    /// Waits until `is_so`; looked at after each call.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is_so(self) {
                return;
            }
            changed.await;
        }
    }

    /// Delivers events to a registered listener, signed.
    pub async fn deliver(&self, listener: &str, events: &[Event]) -> Result<AckReport, StatusCode> {
        let registration = self.registered(listener).await;
        let url = registration.url.unwrap_or_default();
        let body = serde_json::to_string(events).expect("events are JSON");
        let secrets =
            Secrets::of_listener(&self.0.keys, listener).expect("the master key has all keys");
        let (id, now) = (random::hex_id(), service::clock::now().timestamp());
        let response = service::http::client()
            .post(url)
            .timeout(std::time::Duration::from_mins(1))
            .header(HEADER_WEBHOOK_ID, &id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now)
            .header(HEADER_WEBHOOK_SIGNATURE, secrets.sign(&id, now, &body))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|_| StatusCode::BAD_GATEWAY)?;
        if !response.status().is_success() {
            return Err(response.status());
        }
        // In the compatible mode the body is free.
        Ok(response.json().await.unwrap_or_default())
    }
}

/// An event with a fresh id, created now.
///
/// # Panics
/// When `data` is no object.
pub fn event(entity: &str, action: &str, data: Value) -> Event {
    let Value::Object(data) = data else {
        panic!("the data of an event is an object")
    };
    Event {
        id: random::hex_id(),
        seq: None,
        utc: service::clock::now().timestamp(),
        action: action.to_owned(),
        entity: entity.to_owned(),
        data,
        replay: false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}

fn respond(
    State(api): State<PortalApi>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    lock(&api.0.calls).push(format!("{method} {uri}"));
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if token.is_none_or(|token| api.0.verifier.verify(token).is_err()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let response = match uri.path().strip_prefix("/webhooks/listeners/") {
        Some(id) if method == Method::PUT => match serde_json::from_slice(body) {
            Ok(registration) => {
                let registration: ListenerRegistration = registration;
                let answer = json!({"id": id, "url": registration.url});
                lock(&api.0.listeners).insert(id.to_owned(), registration);
                Json(answer).into_response()
            }
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        },
        _ if method == Method::POST && is_bulk_ack(uri.path()) => {
            match serde_json::from_slice::<BulkAck>(body) {
                Ok(done) => {
                    lock(&api.0.acknowledged).extend(done.ids);
                    StatusCode::NO_CONTENT.into_response()
                }
                Err(_) => StatusCode::BAD_REQUEST.into_response(),
            }
        }
        _ if method == Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        _ => api.usual_answer(&format!("{method} {uri}")),
    };
    api.0.changed.notify_waiters();
    response
}

fn is_bulk_ack(path: &str) -> bool {
    path.starts_with("/webhooks/events/") && path.ends_with("/ack")
}
