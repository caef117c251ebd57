//! One request to a listener: the headers, the signature, and how its answer is read.

use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::RequestBuilder;
use sdk::signature::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Secrets,
};
use service::http::{CORRELATION_ID, is_refused};

use super::{
    answer::{self, Answered, Outcome},
    body::{self, Body},
    claim::Due,
    schedule,
};
use crate::{
    AppState,
    events::{guard::BLOCKED, listeners::store, row::listener},
};

/// Sends a batch and waits for the answer within the listener's time limit.
pub async fn send(
    state: &AppState,
    listener: &listener::Model,
    secrets: &Secrets,
    due: Vec<Due>,
) -> Answered {
    let (at, begun) = (service::clock::now(), Instant::now());
    let (message_id, outcome, snippet) = match try_send(state, listener, secrets, &due).await {
        Ok(sent) => sent,
        Err(error) => (String::new(), failed(format!("{error:#}")), None),
    };
    Answered {
        due,
        message_id,
        at,
        took: begun.elapsed(),
        outcome,
        snippet,
    }
}

fn failed(reason: String) -> Outcome {
    Outcome::Failed {
        status: None,
        reason,
        retry_after: None,
        may_be_poison: false,
    }
}

async fn try_send(
    state: &AppState,
    listener: &listener::Model,
    secrets: &Secrets,
    due: &[Due],
) -> anyhow::Result<(String, Outcome, Option<String>)> {
    let body = body::body(listener, due, &state.keys, &body::source(state))?;
    let prepared = prepare(state, listener, secrets, &body);
    let Body {
        id: message_id,
        text: body,
        ..
    } = body;
    let Ok(mut request) = prepared else {
        return Ok((message_id, failed(BLOCKED.to_owned()), None));
    };
    if let Some(id) = correlation_id(due) {
        request = request.header(CORRELATION_ID, id);
    }
    let mut answer = match request.body(body).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let outcome = Outcome::Failed {
                status: None,
                reason: cause(&error).to_owned(),
                retry_after: None,
                may_be_poison: error.is_timeout() && !error.is_connect(),
            };
            return Ok((message_id, outcome, None));
        }
    };
    let status = answer.status();
    let (text, is_complete) = answer::read(&mut answer).await;
    let snippet = answer::snippet(&text);
    if !status.is_success() {
        let is_busy = matches!(status.as_u16(), 429 | 503);
        let outcome = Outcome::Failed {
            status: Some(status.as_u16()),
            reason: format!("answered {status}"),
            retry_after: is_busy
                .then(|| schedule::retry_after(answer.headers(), service::clock::now()))
                .flatten(),
            may_be_poison: !is_busy,
        };
        return Ok((message_id, outcome, snippet));
    }
    let status = status.as_u16();
    let report = (listener.acknowledges_by_response() && is_complete)
        .then(|| answer::report(answer.headers(), &text))
        .flatten();
    let outcome = match report {
        Some(report) => Outcome::Partial { status, report },
        None => Outcome::Delivered { status },
    };
    Ok((message_id, outcome, snippet))
}

/// Why no request can be made to this address.
pub enum Unsendable {
    /// It is not allowed.
    Blocked,
    /// What goes with it cannot be read.
    Broken,
}

/// A request with everything but its body.
pub fn prepare(
    state: &AppState,
    listener: &listener::Model,
    secrets: &Secrets,
    body: &Body,
) -> Result<RequestBuilder, Unsendable> {
    let client = state
        .doors
        .client(listener)
        .map_err(|_| Unsendable::Blocked)?;
    let mut headers = HeaderMap::new();
    let fixed = store::headers(&state.keys, listener).map_err(|_| Unsendable::Broken)?;
    for (name, value) in fixed {
        let name = HeaderName::try_from(name);
        let value = HeaderValue::try_from(value.expose());
        if let (Ok(name), Ok(mut value)) = (name, value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(body.media_type),
    );
    let agent = concat!("Wicketgate-Webhooks/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    if !secrets.is_empty() {
        let timestamp = service::clock::now().timestamp();
        let signature = secrets.sign(&body.id, timestamp, &body.text);
        let text = |text: &str| HeaderValue::try_from(text).map_err(|_| Unsendable::Broken);
        headers.insert(HEADER_WEBHOOK_ID, text(&body.id)?);
        headers.insert(HEADER_WEBHOOK_TIMESTAMP, HeaderValue::from(timestamp));
        headers.insert(HEADER_WEBHOOK_SIGNATURE, text(&signature)?);
    }
    Ok(client
        .post(&listener.url)
        .timeout(listener.timeout())
        .headers(headers))
}

/// Why there was no answer. The address of the error is ours to know; foreign text never goes into
/// the log.
pub fn cause(error: &reqwest::Error) -> &'static str {
    if is_refused(error) {
        BLOCKED
    } else if error.is_connect() {
        "cannot connect"
    } else if error.is_timeout() {
        "no answer within the time limit"
    } else {
        "the connection broke"
    }
}

/// The id of the request that caused the event, if all events of the batch come from one.
fn correlation_id(due: &[Due]) -> Option<&str> {
    let first = due.first()?.event.correlation_id.as_deref()?;
    due.iter()
        .all(|due| due.event.correlation_id.as_deref() == Some(first))
        .then_some(first)
}
