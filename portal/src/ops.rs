//! `/ping` in the form that monitors of the portal know, and `/kill` (portal-ui 5.6, 16).

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{ConnectInfo, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use service::{VERSION, build, health::Readiness, settings};
use tokio_util::sync::CancellationToken;

/// Time for the answer to `/kill` to arrive.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Ops {
    readiness: Readiness,
    stop: CancellationToken,
}

/// Both, and what every service has.
pub fn router(readiness: Readiness, stop: CancellationToken) -> Router {
    let others = service::ops::without_ping("portal", readiness.clone());
    Router::new()
        .route("/ping", get(ping))
        .route("/kill", post(kill))
        .merge(others)
        .with_state(Ops { readiness, stop })
}

async fn ping(State(ops): State<Ops>) -> Response {
    let is_ready = ops.readiness.is_ready();
    let mut body = json!({
        "name": "portal",
        "message": if is_ready { "Up and running" } else { "Initialising" },
        "uptime": if is_ready { ops.readiness.uptime_seconds() } else { 0 },
        "healthy": is_ready,
        "version": VERSION,
        "gitLastCommit": build::LAST_COMMIT,
        "gitBranch": build::BRANCH,
        "buildDate": build::DATE,
    });
    if is_ready {
        body["pingUrl"] = "/ping".into();
        return Json(body).into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// Ends the portal where `ALLOW_KILL` is set. The port is that of the pages, so whoever comes from
/// outside or from a browser is refused in any case.
async fn kill(
    State(ops): State<Ops>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> StatusCode {
    let is_allowed = settings::var("ALLOW_KILL").is_some_and(|flag| flag != "false");
    if !is_allowed || !is_inside(&peer.0) || came_through(&headers) {
        return StatusCode::FORBIDDEN;
    }
    tracing::warn!("ending, as POST /kill asks for it");
    tokio::spawn(async move {
        tokio::time::sleep(PAUSE).await;
        ops.stop.cancel();
    });
    StatusCode::NO_CONTENT
}

fn is_inside(peer: &SocketAddr) -> bool {
    match peer.ip().to_canonical() {
        std::net::IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        std::net::IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

/// Marks of browsers and of proxies.
fn came_through(headers: &HeaderMap) -> bool {
    let marks = [
        header::VIA,
        header::FORWARDED,
        header::ORIGIN,
        header::COOKIE,
    ];
    marks.iter().any(|name| headers.contains_key(name))
        || headers.keys().any(|name| {
            let name = name.as_str();
            name.starts_with("x-forwarded-")
                || name.starts_with("x-consumer-")
                || name == "x-real-ip"
        })
}
