//! A double of Kong 3.x's Admin API, to the letter of what it promises: schemas with their
//! defaults, unique fields, references, paging, tags, error bodies; with a database and without.
//! It routes no calls. With `KONG_ADMIN_URL` the suite runs against a real Kong instead.

mod answer;
mod config;
mod entities;
mod plugins;
mod schema;
mod store;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use service::ServiceName;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use answer::Refusal;
use store::Store;

/// A running double.
#[derive(Clone)]
pub struct Double {
    pub url: Url,
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<DoubleState>,
    _stop: DropGuard,
}

/// All of it.
pub struct DoubleState {
    pub store: Store,
    pub version: &'static str,
    pub database: bool,
    /// Of the loaded document.
    pub hash: String,
    pub text: Option<Vec<u8>>,
    /// Every call: method, path with query.
    pub calls: Vec<(Method, String)>,
    /// Bodies of all calls that had one.
    pub bodies: Vec<Value>,
    /// What the next changing calls are answered with instead.
    pub trouble: Vec<Trouble>,
    /// The largest page that was asked for.
    pub largest_page: usize,
    pub requests: u64,
    /// Entities are there below this segment only.
    pub workspace: Option<String>,
    /// Who does not show it is refused.
    pub token: Option<String>,
}

/// One answer in the place of the real one.
#[derive(Clone)]
pub struct Trouble {
    pub status: u16,
    pub retry_after: Option<u64>,
}

pub const NOTHING_LOADED: &str = "00000000000000000000000000000000";

impl Double {
    pub async fn start(database: bool) -> Self {
        Self::start_version(database, "3.10.0").await
    }

    pub async fn start_version(database: bool, version: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, database, version)
    }

    pub fn on(listener: TcpListener, database: bool, version: &'static str) -> Self {
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let double = Self {
            url: Url::parse(&url).unwrap(),
            inner: Arc::new(Inner {
                state: Mutex::new(DoubleState {
                    store: Store::default(),
                    version,
                    database,
                    hash: NOTHING_LOADED.to_owned(),
                    text: None,
                    calls: Vec::new(),
                    bodies: Vec::new(),
                    trouble: Vec::new(),
                    largest_page: 0,
                    requests: 0,
                    workspace: None,
                    token: None,
                }),
                _stop: stop.clone().drop_guard(),
            }),
        };
        let app = Router::new().fallback(handle).with_state(double.clone());
        tokio::spawn(service::http::serve(
            ServiceName::Gateway,
            listener,
            app,
            stop,
        ));
        double
    }

    pub fn state(&self) -> MutexGuard<'_, DoubleState> {
        self.inner.state.lock().unwrap()
    }

    /// Forgets everything, as a node without database does when it starts anew.
    pub fn restart_empty(&self) {
        let mut state = self.state();
        state.store = Store::default();
        NOTHING_LOADED.clone_into(&mut state.hash);
        state.text = None;
        state.requests = 0;
    }

    /// Forgets the calls, and answers with those so far.
    pub fn take_calls(&self) -> Vec<(Method, String)> {
        std::mem::take(&mut self.state().calls)
    }
}

async fn handle(State(double): State<Double>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 300 << 20).await.unwrap();
    let path = parts.uri.path().to_owned();
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let mut state = double.state();
    let shown = parts.headers.get("kong-admin-token");
    if state.token.is_some()
        && shown.and_then(|token| token.to_str().ok()) != state.token.as_deref()
    {
        return json_response(401, &json!({"message": "Invalid credentials"}));
    }
    state.requests += 1;
    let shown = parts
        .uri
        .path_and_query()
        .map(|path| path.as_str().to_owned())
        .unwrap_or_default();
    state.calls.push((parts.method.clone(), shown));
    if parts.method != Method::GET
        && let Some(trouble) = state.trouble.pop()
    {
        let mut response = json_response(trouble.status, &json!({"message": "not now"}));
        if let Some(seconds) = trouble.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        return response;
    }
    match state.answer(&parts.method, &path, &query, &body) {
        Ok((204 | 304, _)) if path.starts_with("/config") => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        Ok((204, _)) => StatusCode::NO_CONTENT.into_response(),
        Ok((status, value)) => json_response(status, &value),
        Err(refusal) => json_response(refusal.status, &refusal.body),
    }
}

fn json_response(status: u16, value: &Value) -> Response {
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        value.to_string(),
    )
        .into_response()
}

type Answer = Result<(u16, Value), Refusal>;

impl DoubleState {
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        query: &[(String, String)],
        body: &Bytes,
    ) -> Answer {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect();
        let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let Some(workspace) = &self.workspace
            && !matches!(segments[..], [] | ["status"])
        {
            if segments[0] != workspace {
                return Err(Refusal::not_found());
            }
            segments.remove(0);
        }
        match (method.as_str(), segments.as_slice()) {
            ("GET", []) => Ok((200, self.information())),
            ("GET", ["status"]) => Ok((200, self.status())),
            ("GET", ["schemas", "plugins", name]) => match plugins::schema(name, self.version) {
                Some(schema) => Ok((200, schema)),
                None => Err(Refusal::plain(404, format!("No plugin named '{name}'"))),
            },
            ("POST", ["schemas", kind, "validate"]) => self.validate(kind, body),
            ("POST", ["config"]) => self.load(query, body),
            (_, ["config"]) => Err(Refusal::plain(405, "Method not allowed")),
            _ => self.entities(method, &segments, query, body),
        }
    }

    fn information(&self) -> Value {
        let plugins: Map<String, Value> = plugins::NAMES
            .iter()
            .map(|name| {
                let about = json!({"version": self.version, "priority": 1});
                ((*name).to_owned(), about)
            })
            .collect();
        json!({
            "tagline": "Welcome to kong", "version": self.version, "hostname": "kong-double",
            "node_id": "6a72192c-a3a1-4c8d-95c6-efabae9fb969", "lua_version": "LuaJIT 2.1",
            "edition": "community",
            "plugins": {"available_on_server": plugins, "enabled_in_cluster": []},
            "configuration": {
                "database": if self.database { "postgres" } else { "off" },
                "router_flavor": "traditional_compatible", "role": "traditional"
            }
        })
    }

    fn status(&self) -> Value {
        let mut status = json!({
            "server": {"total_requests": self.requests, "connections_active": 1},
            "memory": {"workers_lua_vms": [], "lua_shared_dicts": {}}
        });
        if self.database {
            status["database"] = json!({"reachable": true});
        } else {
            status["configuration_hash"] = json!(self.hash);
        }
        status
    }
}

fn decode(segment: &str) -> String {
    let form = segment.replace('+', "%2B");
    url::form_urlencoded::parse(form.as_bytes())
        .map(|(name, value)| {
            if value.is_empty() {
                name.into_owned()
            } else {
                format!("{name}={value}")
            }
        })
        .collect::<Vec<_>>()
        .join("&")
}
