//! Requests outside the queue: whether a listener answers (events-and-adapters B11).

use std::time::Instant;

use sdk::types::{Event, listeners::TestResult};
use serde_json::json;

use super::{
    answer,
    body::{self, Body, Context},
    request::{Unsendable, cause, prepare},
};
use crate::{
    ApiError, AppState,
    events::{guard::BLOCKED, listeners::secrets, row::listener},
};

/// Sends a `ping.test`, in the form in which the listener gets its events.
pub async fn test(state: &AppState, listener: &listener::Model) -> Result<TestResult, ApiError> {
    let now = service::clock::now();
    let event = Event {
        id: uuid::Uuid::now_v7().to_string(),
        seq: None,
        utc: now.timestamp(),
        action: "test".to_owned(),
        entity: "ping".to_owned(),
        data: json!({"listenerId": listener.id})
            .as_object()
            .cloned()
            .unwrap_or_default(),
        replay: false,
    };
    let key = format!("listener:{}", listener.id);
    let context = Context {
        at: now,
        key: &key,
        source: &body::source(state),
    };
    let body = Body {
        media_type: body::media_type(listener),
        text: body::alone(&event, &context, listener).to_string(),
        id: event.id,
    };
    let secrets = secrets::of(state.db.read(), &state.keys, &listener.id).await?;
    let request = match prepare(state, listener, &secrets, &body) {
        Ok(request) => request.body(body.text),
        Err(Unsendable::Blocked) => return Ok(failed(BLOCKED)),
        Err(Unsendable::Broken) => return Ok(failed("its headers cannot be read")),
    };
    Ok(ask(request).await)
}

/// Asks an old listener how it is: `GET <url>ping`.
pub async fn ping(state: &AppState, listener: &listener::Model) -> TestResult {
    let Ok(client) = state.doors.client(listener) else {
        return failed(BLOCKED);
    };
    let url = health_url(&listener.url);
    ask(client.get(url).timeout(listener.timeout())).await
}

/// Where a listener tells how it is, whether or not its address ends in `/`.
pub fn health_url(url: &str) -> String {
    let separator = if url.ends_with('/') { "" } else { "/" };
    format!("{url}{separator}ping")
}

async fn ask(request: reqwest::RequestBuilder) -> TestResult {
    let begun = Instant::now();
    let answered = request.send().await;
    let (status, error) = match answered {
        Err(error) => (None, Some(cause(&error).to_owned())),
        Ok(mut answer) => {
            answer::read(&mut answer).await;
            let status = answer.status();
            let error = (!status.is_success()).then(|| format!("answered {status}"));
            (Some(status.as_u16()), error)
        }
    };
    TestResult {
        status,
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        error,
    }
}

fn failed(reason: &str) -> TestResult {
    TestResult {
        error: Some(reason.to_owned()),
        ..TestResult::default()
    }
}
