//! `POST /usage`: where gateways deliver.

use std::io::Read;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use flate2::read::GzDecoder;
use kong::usage::Batch;
use serde::Deserialize;
use service::{keys::Key, problem::Problem};
use subtle::ConstantTimeEq;

use super::{intake::Intake, log_record::LogRecords};

/// A batch as it arrives, and unpacked: ten thousand records are about a tenth of that.
const MAX_BODY: usize = 8 << 20;
const MAX_UNPACKED: u64 = 64 << 20;

pub fn router(intake: Intake) -> Router {
    Router::new()
        .route("/usage", post(take))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(intake)
}

/// What gateways send.
#[derive(Deserialize)]
#[serde(untagged)]
enum Delivered {
    /// By the embedded gateway.
    Batch(Batch),
    /// By a Kong.
    Log(LogRecords),
}

async fn take(
    State(intake): State<Intake>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    if !is_gateway(intake.key(), &headers) {
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
    let taken = match read(&headers, body).await? {
        Delivered::Batch(batch) => intake.take_batch(&batch).await,
        Delivered::Log(records) => intake.take_records(&records.into_vec()).await,
    };
    match taken {
        Ok(()) => Ok(StatusCode::ACCEPTED),
        Err(_) => Err(Problem::unavailable(
            "The batch could not be handed on; send it again later.",
        )),
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

async fn read(headers: &HeaderMap, body: Bytes) -> Result<Delivered, Problem> {
    let packed = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding == "gzip");
    // Unpacking and parsing megabytes would hold up everything else on this thread.
    let parsed = tokio::task::spawn_blocking(move || {
        if !packed {
            return parse(&body);
        }
        let mut unpacked = Vec::new();
        let mut reader = GzDecoder::new(&body[..]).take(MAX_UNPACKED);
        reader
            .read_to_end(&mut unpacked)
            .map_err(|error| format!("gzip: {error}"))?;
        parse(&unpacked)
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

fn parse(text: &[u8]) -> Result<Delivered, String> {
    serde_json::from_slice(text).map_err(|error| error.to_string())
}
