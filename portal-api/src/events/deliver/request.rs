//! One request to a listener: the body, the signature, and how its answer is read.

use std::{collections::HashSet, time::Duration};

use http::{HeaderName, HeaderValue, header};
use reqwest::Response;
use serde::Deserialize;
use serde_json::{Map, Value};
use service::{
    crypto,
    http::CORRELATION_ID,
    keys::{Key, Purpose},
};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

use super::{schedule, worker::timeout};
use crate::{
    AppState,
    events::{
        guard, own,
        row::{delivery, event, listener},
    },
};

/// Answers are read up to this size.
const MAX_ANSWER: usize = 64 * 1024;

/// What came of a request.
pub enum Outcome {
    /// Any 2xx.
    Delivered { status: u16 },
    /// 2xx with a body that names events (events-and-adapters B4).
    Partial {
        status: u16,
        acked: HashSet<String>,
        dead: HashSet<String>,
    },
    Failed {
        status: Option<u16>,
        reason: String,
        retry_after: Option<Duration>,
    },
}

/// Sends a batch and waits for the answer within the listener's time limit.
pub async fn send(
    state: &AppState,
    listener: &listener::Model,
    due: &[(delivery::Model, event::Model)],
) -> Outcome {
    match try_send(state, listener, due).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed {
            status: None,
            reason: format!("{error:#}"),
            retry_after: None,
        },
    }
}

async fn try_send(
    state: &AppState,
    listener: &listener::Model,
    due: &[(delivery::Model, event::Model)],
) -> anyhow::Result<Outcome> {
    let events: Vec<_> = due
        .iter()
        .map(|(_, event)| wire(event, listener, &state.keys.derive(&Purpose::EventData)?))
        .collect::<anyhow::Result<_>>()?;
    let body = serde_json::to_string(&events)?;
    let mut request = guard::client(state, listener)?
        .post(&listener.url)
        .timeout(timeout(listener))
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::USER_AGENT,
            concat!("Wicketgate-Webhooks/", env!("CARGO_PKG_VERSION")),
        );
    if let Some(id) = correlation_id(due) {
        request = request.header(CORRELATION_ID, id);
    }
    for (name, value) in signature(state, listener, due, &body)? {
        request = request.header(name, value);
    }
    // The address of the error is ours to know; foreign text never goes into the log.
    let answer = request
        .body(body)
        .send()
        .await
        .map_err(|error| anyhow::anyhow!(cause(&error)))?;
    let status = answer.status();
    if !status.is_success() {
        return Ok(Outcome::Failed {
            status: Some(status.as_u16()),
            reason: format!("answered {status}"),
            retry_after: schedule::retry_after(answer.headers()),
        });
    }
    if listener.acknowledges_by_response() {
        return Ok(read_result(answer).await);
    }
    Ok(Outcome::Delivered {
        status: status.as_u16(),
    })
}

fn cause(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer within the time limit"
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the connection broke"
    }
}

/// The event as this listener may see it.
pub fn wire(
    event: &event::Model,
    listener: &listener::Model,
    key: &Key,
) -> anyhow::Result<sdk::types::Event> {
    let mut data = event.data.as_object().cloned().unwrap_or_default();
    if listener.sensitive
        && let Some(sealed) = &event.sealed
    {
        let secret: Map<String, Value> =
            serde_json::from_slice(&key.open(sealed, event.id.as_bytes())?)?;
        data.extend(secret);
    }
    Ok(sdk::types::Event {
        id: event.id.clone(),
        seq: Some(event.seq),
        utc: event.occurred_at.timestamp(),
        action: event.action.clone(),
        entity: event.entity.clone(),
        data,
        replay: false,
    })
}

/// The id of the request that caused the event, if all events of the batch come from one.
fn correlation_id(due: &[(delivery::Model, event::Model)]) -> Option<&str> {
    let first = due.first()?.1.correlation_id.as_deref()?;
    due.iter()
        .all(|(_, event)| event.correlation_id.as_deref() == Some(first))
        .then_some(first)
}

/// Standard Webhooks headers for our own components, whose secret both sides derive.
fn signature(
    state: &AppState,
    listener: &listener::Model,
    due: &[(delivery::Model, event::Model)],
    body: &str,
) -> anyhow::Result<Vec<(HeaderName, HeaderValue)>> {
    if !own::is_component(&listener.id) {
        return Ok(Vec::new());
    }
    let key = state.keys.derive(&Purpose::Listener(listener.id.clone()))?;
    let ids: Vec<&str> = due.iter().map(|(_, event)| event.id.as_str()).collect();
    // A repeated identical batch has the same id.
    let id = format!(
        "batch_{}",
        hex::encode(&crypto::sha256(ids.join(",").as_bytes())[..16])
    );
    let timestamp = service::clock::now().timestamp();
    let signature =
        Webhook::from_bytes(key.bytes().to_vec())?.sign(&id, timestamp, body.as_bytes())?;
    Ok(vec![
        (
            HeaderName::from_static(HEADER_WEBHOOK_ID),
            HeaderValue::try_from(id)?,
        ),
        (
            HeaderName::from_static(HEADER_WEBHOOK_TIMESTAMP),
            HeaderValue::from(timestamp),
        ),
        (
            HeaderName::from_static(HEADER_WEBHOOK_SIGNATURE),
            HeaderValue::try_from(signature)?,
        ),
    ])
}

#[derive(Deserialize)]
struct BatchResult {
    acked: Vec<String>,
    #[serde(default)]
    failed: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    id: String,
    #[serde(default = "retry_by_default")]
    retry: bool,
}

const fn retry_by_default() -> bool {
    true
}

async fn read_result(mut answer: Response) -> Outcome {
    let status = answer.status().as_u16();
    let is_json = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > MAX_ANSWER {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    match serde_json::from_slice::<BatchResult>(&body) {
        Ok(result) if is_json => Outcome::Partial {
            status,
            acked: result.acked.into_iter().collect(),
            dead: result
                .failed
                .into_iter()
                .filter(|f| !f.retry)
                .map(|f| f.id)
                .collect(),
        },
        _ => Outcome::Delivered { status },
    }
}
