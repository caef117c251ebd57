//! The adapter's own end points (events-and-adapters F1).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{
    ServiceName, VERSION, health::Readiness, operator::Operators, ops::Ping, problem::Problem,
};
use tokio::sync::{mpsc, oneshot};
use url::Url;

use crate::{
    control::{Look, Order, Report},
    reconcile::{Adopt, Foreign, Options, PruneError},
    state::Shared,
};

/// What the end points need.
#[derive(Clone)]
pub struct Operations {
    pub shared: Arc<Shared>,
    pub readiness: Readiness,
    pub orders: mpsc::Sender<Order>,
    pub operators: Operators,
    /// Lets everybody ask for a full run.
    pub allow_resync: bool,
    pub own_url: Url,
}

pub fn router(operations: Operations) -> Router {
    let mut open = Router::new().route("/ping", get(ping));
    let mut guarded = Router::new()
        .route("/problems", get(problems))
        .route("/desired", get(desired))
        .route("/foreign", get(foreign))
        .route("/prune", post(prune))
        .route("/adopt", post(adopt));
    if operations.allow_resync {
        open = open.route("/resync", post(resync));
    } else {
        guarded = guarded.route("/resync", post(resync));
    }
    open.merge(operations.operators.clone().only(guarded))
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
    role: &'static str,
    problems: usize,
    queue_length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
}

async fn ping(State(operations): State<Operations>) -> Response {
    let health = operations.shared.health().clone();
    let (status, healthy, message) = match (&health.error, health.initialised) {
        _ if health.is_standby => (StatusCode::OK, 1, "Standing by".to_owned()),
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
        role: if health.is_standby {
            "standby"
        } else {
            "leader"
        },
        problems: health.problems.len(),
        queue_length: health.waiting,
        last_success: health
            .last_success
            .map(|at| sdk::types::Timestamp(at).to_string()),
    };
    (status, Json(ping)).into_response()
}

async fn problems(State(operations): State<Operations>) -> Json<Value> {
    Json(json!(operations.shared.health().problems))
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
) -> Result<Response, Problem> {
    let options = Options {
        dry_run: query.dry_run,
        force: query.force,
        adopt: None,
    };
    Ok(Json(operations.run(options).await?).into_response())
}

/// `GET /desired`: what the gateway shall look like, without secrets.
async fn desired(State(operations): State<Operations>) -> Result<Json<Value>, Problem> {
    let (done, answer) = oneshot::channel();
    operations.look(Look::Desired(done)).await?;
    Ok(Json(answered(answer).await?.map_err(not_readable)?))
}

/// `GET /foreign`: what is on the gateway and does not belong to this installation.
async fn foreign(State(operations): State<Operations>) -> Result<Json<Foreign>, Problem> {
    let (done, answer) = oneshot::channel();
    operations.look(Look::Foreign(done)).await?;
    Ok(Json(answered(answer).await?.map_err(not_readable)?))
}

#[derive(Deserialize)]
struct Prune {
    #[serde(default)]
    confirm: String,
}

/// `POST /prune`: removes the leftovers that `GET /foreign` has shown.
async fn prune(
    State(operations): State<Operations>,
    Json(body): Json<Prune>,
) -> Result<Json<Value>, Problem> {
    let (done, answer) = oneshot::channel();
    let confirm = body.confirm;
    operations.look(Look::Prune { confirm, done }).await?;
    match answered(answer).await? {
        Ok(removed) => Ok(Json(json!({ "removed": removed }))),
        Err(error @ PruneError::OtherList) => Err(Problem::new(
            StatusCode::CONFLICT,
            "other-list",
            error.to_string(),
        )),
        Err(PruneError::Run(error)) => Err(not_readable(error.to_string())),
    }
}

#[derive(Deserialize)]
struct Adoption {
    policy: Adopt,
}

/// `POST /adopt`: a full run that takes over what has our names.
async fn adopt(
    State(operations): State<Operations>,
    Query(query): Query<ResyncQuery>,
    Json(body): Json<Adoption>,
) -> Result<Json<Report>, Problem> {
    let options = Options {
        dry_run: query.dry_run,
        force: query.force,
        adopt: Some(body.policy),
    };
    operations.run(options).await.map(Json)
}

async fn answered<T>(answer: oneshot::Receiver<T>) -> Result<T, Problem> {
    answer.await.map_err(|_| stopping())
}

fn stopping() -> Problem {
    Problem::unavailable("The adapter is stopping.")
}

fn not_readable(reason: String) -> Problem {
    let message = "The gateway or portal-api could not be read.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not-readable", message).with_error(reason)
}

impl Operations {
    /// A full run, and its report.
    async fn run(&self, options: Options) -> Result<Report, Problem> {
        let (done, report) = oneshot::channel();
        let order = Order::Resync { options, done };
        self.orders.send(order).await.map_err(|_| stopping())?;
        answered(report).await?.map_err(|error| {
            let problem = Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "not-synchronised",
                "The gateway could not be brought up to date.",
            );
            problem.with_error(error)
        })
    }

    async fn look(&self, look: Look) -> Result<(), Problem> {
        let order = Order::Look(look);
        self.orders.send(order).await.map_err(|_| stopping())
    }
}
