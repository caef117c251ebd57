//! `POST /`: where deliveries arrive.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use service::problem::Problem;

use super::{Receiver, body};
use crate::types::{Mode, listeners::AckReport};

/// Listeners accept at least this much (events-and-adapters F1).
const MAX_BODY: usize = 2 << 20;

pub(super) fn router(receiver: Receiver) -> Router {
    Router::new()
        .route("/", post(deliver))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(receiver)
}

async fn deliver(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    if !receiver.is_open() {
        return Err(Problem::unavailable(
            "Initialising; send the events again later.",
        ));
    }
    let body = body.map_err(|rejection| {
        Problem::new(rejection.status(), "invalid-body", rejection.body_text())
    })?;
    if receiver.secrets().is_empty() {
        receiver.delivered();
        receiver
            .work_through_queue()
            .await
            .map_err(|error| failed(&error))?;
        return Ok("OK".into_response());
    }
    receiver
        .secrets()
        .verify(&headers, &body)
        .map_err(|error| {
            let message = format!("The delivery is not signed as agreed: {error}.");
            Problem::new(StatusCode::UNAUTHORIZED, "invalid-signature", message)
        })?;
    receiver.delivered();
    let events = body::events(&body).map_err(|error| {
        let message = format!("The body holds no events: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "invalid-body", message)
    })?;
    if receiver.mode() == Mode::Explicit {
        receiver
            .work_and_delete(events)
            .await
            .map_err(|error| failed(&error))?;
        return Ok("OK".into_response());
    }
    let report = receiver.work(events).await;
    let message = "OK";
    Ok(Json(Worked { message, report }).into_response())
}

/// What became of the events of a delivery, and the word that wicked's listeners answered.
#[derive(Serialize)]
struct Worked {
    message: &'static str,
    #[serde(flatten)]
    report: AckReport,
}

fn failed(error: &crate::Error) -> Problem {
    tracing::warn!("events stay in the queue: {error}");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "not-acknowledged",
        "The queue at portal-api could not be brought up to date.",
    )
}
