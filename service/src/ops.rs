//! The routes that every service has beside its own: liveness, readiness, metrics and the
//! compatible health object.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use crate::{VERSION, build, health, health::Readiness, metrics, problem::Problem};

/// Compatible health object of `GET /ping` (events-and-adapters A7).
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ping {
    pub name: String,
    pub message: String,
    /// Seconds since start.
    pub uptime: u64,
    /// 0 failed, 1 fine, 2 initialising.
    pub healthy: u8,
    pub ping_url: String,
    pub version: String,
    pub git_last_commit: String,
    pub git_branch: String,
    pub build_date: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// How the work on events goes.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// Whether the last try failed for a reason that concerns all others, too.
    #[serde(skip)]
    pub is_failing: bool,
    /// What went wrong last.
    #[serde(skip)]
    pub error: Option<String>,
    /// Where this is served, as others see it.
    #[serde(skip)]
    pub ping_url: Option<String>,
    /// Settings with which less happens than one might think.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What was given up and is still remembered.
    pub problems: usize,
    /// What waits to be done.
    pub queue_length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<chrono::DateTime<chrono::Utc>>,
}

#[derive(Serialize)]
struct WorkingPing {
    #[serde(flatten)]
    ping: Ping,
    #[serde(flatten)]
    work: Work,
}

/// `/ping` of services that work on events, which also says how that goes. A failing one answers
/// 500, as those who watch it expect (events-and-adapters F2); `/healthz` and `/readyz` do not
/// depend on it.
pub fn working(
    name: &'static str,
    readiness: Readiness,
    work: impl Fn() -> Work + Clone + Send + Sync + 'static,
) -> Router {
    let ping = async move || {
        let (mut status, mut ping) = state_of(name, &readiness);
        let work = work();
        ping.error.clone_from(&work.error);
        if let Some(url) = &work.ping_url {
            ping.ping_url.clone_from(url);
        }
        if work.is_failing && status == StatusCode::OK {
            status = StatusCode::INTERNAL_SERVER_ERROR;
            ping.healthy = 0;
            "The last try failed".clone_into(&mut ping.message);
        }
        (status, Json(WorkingPing { ping, work })).into_response()
    };
    Router::new().route("/ping", get(ping))
}

#[derive(Clone)]
struct Ops {
    name: &'static str,
    readiness: Readiness,
}

/// `/ping`, `/healthz`, `/readyz` and `/metrics`. `name` is the name in `/systemhealth`.
pub fn router(name: &'static str, readiness: Readiness) -> Router {
    Router::new()
        .route("/ping", get(ping))
        .merge(without_ping(name, readiness.clone()))
        .with_state(Ops { name, readiness })
}

/// As [`router`], for services that answer `/ping` in a form of their own.
pub fn without_ping<S: Clone + Send + Sync + 'static>(
    name: &'static str,
    readiness: Readiness,
) -> Router<S> {
    metrics::recorder();
    Router::new()
        .route("/healthz", get(async || "alive"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(Ops { name, readiness })
}

async fn ping(State(ops): State<Ops>) -> Response {
    let (status, ping) = state_of(ops.name, &ops.readiness);
    (status, Json(ping)).into_response()
}

fn state_of(name: &str, readiness: &Readiness) -> (StatusCode, Ping) {
    let (status, healthy, message) = match readiness.state() {
        health::State::Ready => (StatusCode::OK, 1, "Up and running".to_owned()),
        health::State::Waiting(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            2,
            format!("Waiting: {reason}"),
        ),
    };
    let ping = Ping {
        name: name.to_owned(),
        message,
        uptime: readiness.uptime_seconds(),
        healthy,
        ping_url: "/ping".to_owned(),
        version: VERSION.to_owned(),
        git_last_commit: build::LAST_COMMIT.to_owned(),
        git_branch: build::BRANCH.to_owned(),
        build_date: build::DATE.to_owned(),
        error: None,
    };
    (status, ping)
}

async fn readyz(State(ops): State<Ops>) -> Response {
    match ops.readiness.state() {
        health::State::Ready => "ready".into_response(),
        health::State::Waiting(reason) => {
            Problem::unavailable(format!("{} is waiting: {reason}", ops.name)).into_response()
        }
    }
}

/// Metrics are for the inside: a call that carries the marks of a gateway is refused
/// (portal-api D29).
async fn render(headers: HeaderMap) -> Response {
    let through_gateway = headers.contains_key(header::VIA)
        || headers
            .keys()
            .any(|name| name.as_str().starts_with("x-consumer-"));
    if through_gateway {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "internal-only",
            "Metrics are only served inside the network.",
        )
        .into_response();
    }
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        metrics::render(),
    )
        .into_response()
}
