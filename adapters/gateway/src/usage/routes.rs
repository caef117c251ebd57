//! `POST /usage`: where gateways deliver.

use std::{io::Read, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use flate2::read::GzDecoder;
use kong::usage::Batch;
use sdk::Client;
use service::{
    keys::{Key, Keys, MissingKey, Purpose},
    problem::Problem,
};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::cells;
use crate::state::Shared;

/// A batch as it arrives, and unpacked: ten thousand records are about a tenth of that.
const MAX_BODY: usize = 8 << 20;
const MAX_UNPACKED: u64 = 64 << 20;
/// Batches on their way to portal-api at a time; those of further gateways wait.
const PARALLEL: usize = 4;
/// A gateway gives up after ten seconds and comes again.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `POST /usage` needs.
#[derive(Clone)]
pub struct Intake {
    portal: Client,
    shared: Arc<Shared>,
    key: Key,
    turns: Arc<Semaphore>,
}

impl Intake {
    pub fn new(portal: &Client, shared: Arc<Shared>, keys: &Keys) -> Result<Self, MissingKey> {
        Ok(Self {
            portal: portal.clone().with_patience(PATIENCE),
            shared,
            key: keys.derive(&Purpose::UsageIntake)?,
            turns: Arc::new(Semaphore::new(PARALLEL)),
        })
    }
}

pub fn router(intake: Intake) -> Router {
    Router::new()
        .route("/usage", post(take))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(intake)
}

async fn take(
    State(intake): State<Intake>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    if !is_gateway(&intake.key, &headers) {
        let message = "Usage is taken from gateways only, which show the key of the adapter.";
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            message,
        ));
    }
    let body = body.map_err(|rejection| {
        Problem::new(rejection.status(), "invalid-body", rejection.body_text())
    })?;
    let batch = read(&headers, body).await?;
    metrics::counter!("wicketgate_usage_records_total")
        .increment(u64::try_from(batch.records.len()).unwrap_or(u64::MAX));
    let sums = cells::sum(&batch, |entity| intake.shared.credential(entity));
    if sums.cells.is_empty() {
        return Ok(StatusCode::ACCEPTED);
    }
    let _turn = intake.turns.acquire().await;
    match intake.portal.post_usage(&sums).await {
        Ok(()) => Ok(StatusCode::ACCEPTED),
        // Sending it again would not help, and the gateway's next batches wait behind it.
        Err(error) if matches!(error.status(), Some(StatusCode::BAD_REQUEST)) => {
            tracing::error!(batch.id = %sums.batch_id, "usage lost, portal-api refuses it: {error}");
            metrics::counter!("wicketgate_usage_batches_lost_total").increment(1);
            Ok(StatusCode::ACCEPTED)
        }
        Err(error) => {
            tracing::warn!(batch.id = %sums.batch_id, "usage stays with the gateway: {error}");
            Err(Problem::unavailable(
                "The batch could not be handed on; send it again later.",
            ))
        }
    }
}

/// Whether the caller has the key, the one before it included while keys rotate.
fn is_gateway(key: &Key, headers: &HeaderMap) -> bool {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .and_then(|token| URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok())
        .unwrap_or_default();
    let is = |key: &[u8; 32]| bool::from(given.as_slice().ct_eq(key));
    is(key.bytes()) || key.previous().is_some_and(is)
}

async fn read(headers: &HeaderMap, body: Bytes) -> Result<Batch, Problem> {
    let packed = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding == "gzip");
    // Unpacking and parsing megabytes would hold up everything else on this thread.
    let parsed = tokio::task::spawn_blocking(move || {
        if !packed {
            return serde_json::from_slice(&body).map_err(|error| error.to_string());
        }
        let mut unpacked = Vec::new();
        let mut reader = GzDecoder::new(&body[..]).take(MAX_UNPACKED);
        reader
            .read_to_end(&mut unpacked)
            .map_err(|error| format!("gzip: {error}"))?;
        serde_json::from_slice(&unpacked).map_err(|error| error.to_string())
    });
    parsed
        .await
        .unwrap_or_else(|_| Err("the body cannot be read".to_owned()))
        .map_err(|reason| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid-body",
                format!("The body is no batch of usage records: {reason}"),
            )
        })
}
