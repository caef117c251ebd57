//! The adapter's own end points (events-and-adapters F1).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{
    ServiceName, VERSION, health::Readiness, ops::Ping, problem::Problem, token::Verifier,
};
use tokio::sync::{mpsc, oneshot};
use url::Url;

use crate::{control::Order, reconcile::Options, state::Shared};

/// What the end points need.
#[derive(Clone)]
pub struct Operations {
    pub shared: Arc<Shared>,
    pub readiness: Readiness,
    pub orders: mpsc::Sender<Order>,
    pub verifier: Verifier,
    pub allow_resync: bool,
    pub own_url: Url,
}

pub fn router(operations: Operations) -> Router {
    Router::new()
        .route("/ping", get(ping))
        .route("/problems", get(problems))
        .route("/resync", post(resync))
        .with_state(operations)
}

/// The compatible health object, with what the original says of the gateway.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AdapterPing {
    #[serde(flatten)]
    common: Ping,
    kong_version: String,
    kong_status: String,
    problems: usize,
    queue_length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
}

async fn ping(State(operations): State<Operations>) -> Response {
    let health = operations.shared.health().clone();
    let (status, healthy, message) = match (&health.error, health.initialised) {
        (_, false) => (
            StatusCode::SERVICE_UNAVAILABLE,
            2,
            "Initialising".to_owned(),
        ),
        (Some(error), true) => (StatusCode::OK, 0, error.clone()),
        (None, true) => (StatusCode::OK, 1, "Up and running".to_owned()),
    };
    let common = Ping {
        name: ServiceName::GatewayAdapter.wire_name().to_owned(),
        message,
        uptime: operations.readiness.uptime_seconds(),
        healthy,
        ping_url: operations
            .own_url
            .join("ping")
            .map(String::from)
            .unwrap_or_default(),
        version: VERSION.to_owned(),
        git_last_commit: String::new(),
        git_branch: String::new(),
        build_date: String::new(),
        error: health.error,
    };
    let ping = AdapterPing {
        common,
        kong_version: health.gateway_version,
        kong_status: health.gateway_status,
        problems: health.problems.len(),
        queue_length: health.waiting,
        last_success: health
            .last_success
            .map(|at| sdk::types::Timestamp(at).to_string()),
    };
    (status, Json(ping)).into_response()
}

async fn problems(
    State(operations): State<Operations>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    operations.only_services(&headers)?;
    Ok(Json(json!(operations.shared.health().problems)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct ResyncQuery {
    dry_run: bool,
    force: bool,
}

/// A full run with a report of what it did.
async fn resync(
    State(operations): State<Operations>,
    Query(query): Query<ResyncQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !operations.allow_resync {
        operations.only_services(&headers)?;
    }
    let (done, report) = oneshot::channel();
    let options = Options {
        dry_run: query.dry_run,
        force: query.force,
    };
    let stopping = |()| Problem::unavailable("The adapter is stopping.");
    operations
        .orders
        .send(Order::Resync { options, done })
        .await
        .map_err(|_| stopping(()))?;
    match report.await.map_err(|_| stopping(()))? {
        Ok(report) => Ok(Json(report).into_response()),
        Err(error) => {
            let problem = Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "not-synchronised",
                "The gateway could not be brought up to date.",
            );
            Err(problem.with_error(error))
        }
    }
}

impl Operations {
    fn only_services(&self, headers: &HeaderMap) -> Result<ServiceName, Problem> {
        headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .and_then(|token| self.verifier.verify(token).ok())
            .ok_or_else(|| {
                let message = "This is for services of the installation only.";
                Problem::new(StatusCode::FORBIDDEN, "forbidden", message)
            })
    }
}
