use std::sync::{Arc, atomic::Ordering::Relaxed};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use service::{ServiceName, health, ops::Ping};

use super::{Admin, information};
use crate::plugins::prometheus;

/// `/ping`, `/healthz`, `/readyz`, `/metrics`: on both ports, never on the proxy's.
pub fn router(admin: Arc<Admin>) -> Router<Arc<Admin>> {
    // The recorder must stand before the first measurement.
    service::metrics::recorder();
    drop(admin);
    Router::new()
        .route("/ping", get(ping))
        .route("/healthz", get(async || "alive"))
        .route("/readyz", get(ready))
        .route("/status/ready", get(ready).post(drain))
        .route("/metrics", get(metrics))
}

pub fn status_router() -> Router<Arc<Admin>> {
    Router::new().route("/status", get(status))
}

async fn status(State(admin): State<Arc<Admin>>) -> Json<Value> {
    Json(information::status(&admin))
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    match admin.readiness.state() {
        health::State::Ready if admin.is_draining.load(Relaxed) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "message": "draining" })),
        )
            .into_response(),
        health::State::Ready => Json(json!({ "message": "ready" })).into_response(),
        health::State::Waiting(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "message": reason })),
        )
            .into_response(),
    }
}

/// `{"status": "draining"}`: whoever asks for readiness is told to go elsewhere from now on.
async fn drain(State(admin): State<Arc<Admin>>, Json(body): Json<Value>) -> Response {
    match body.get("status").and_then(Value::as_str) {
        Some("draining") => {
            admin.is_draining.store(true, Relaxed);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => (
            StatusCode::BAD_REQUEST,
            Json(json!({ "message": "status: can be draining" })),
        )
            .into_response(),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let text = prometheus::render(&admin.shared) + &service::metrics::render();
    ([(CONTENT_TYPE, "text/plain; charset=UTF-8")], text).into_response()
}

/// The compatible health object.
async fn ping(State(admin): State<Arc<Admin>>) -> Response {
    let (status, healthy, message) = match admin.readiness.state() {
        health::State::Ready => (StatusCode::OK, 1, "Up and running".to_owned()),
        health::State::Waiting(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            2,
            format!("Waiting: {reason}"),
        ),
    };
    let ping = Ping {
        name: ServiceName::Gateway.wire_name().to_owned(),
        message,
        uptime: admin.readiness.uptime_seconds(),
        healthy,
        ping_url: "/ping".to_owned(),
        version: service::VERSION.to_owned(),
        git_last_commit: String::new(),
        git_branch: String::new(),
        build_date: String::new(),
        error: None,
    };
    (status, Json(ping)).into_response()
}
