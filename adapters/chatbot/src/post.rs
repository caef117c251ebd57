//! One post to one hook, and what its answer means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderName, StatusCode, header};
use sdk::signature::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Secrets,
};
use serde_json::Value;
use service::{clock, http::read_at_most};
use url::Url;

/// Answers are read up to this size.
const MAX_ANSWER: usize = 4096;
/// Nobody makes us wait longer.
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// What came of a post.
#[derive(Debug, PartialEq, Eq)]
pub enum Posted {
    Accepted,
    /// Worth another try, at once or after the time the platform asks for.
    Later {
        reason: String,
        after: Option<Duration>,
    },
    /// Would be refused again.
    Refused(String),
    /// The hook does not exist any more.
    Gone(String),
}

/// Posts `body`, signed where the receiver has a secret for it. `id` is the same at each try, so that
/// the receiver can tell a repetition.
pub async fn post(
    client: &reqwest::Client,
    hook: &Url,
    secrets: &Secrets,
    id: &str,
    body: &Value,
) -> Posted {
    let body = body.to_string();
    let mut request = client
        .post(hook.clone())
        .header(header::CONTENT_TYPE, "application/json");
    if !secrets.is_empty() {
        let now = clock::now().timestamp();
        request = request
            .header(
                HeaderName::from_static(HEADER_WEBHOOK_SIGNATURE),
                secrets.sign(id, now, &body),
            )
            .header(HeaderName::from_static(HEADER_WEBHOOK_TIMESTAMP), now)
            .header(HeaderName::from_static(HEADER_WEBHOOK_ID), id);
    }
    match request.body(body).send().await {
        Ok(answer) => judge(answer).await,
        // The error's own text holds the address, which is a secret.
        Err(error) if error.is_timeout() => later("no answer within the time limit", None),
        Err(error) if error.is_connect() => later("cannot connect", None),
        Err(_) => later("the connection broke", None),
    }
}

fn later(reason: &str, after: Option<Duration>) -> Posted {
    Posted::Later {
        reason: reason.to_owned(),
        after: after.map(|after| after.min(MAX_PAUSE)),
    }
}

async fn judge(answer: reqwest::Response) -> Posted {
    let status = answer.status();
    let reason = format!("answered {status}");
    match status {
        _ if status.is_success() => Posted::Accepted,
        StatusCode::NOT_FOUND | StatusCode::GONE => Posted::Gone(reason),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            let after = asked_pause(answer).await;
            later(&reason, after)
        }
        _ if status.is_server_error() => {
            let after = asked_pause(answer).await;
            later(&reason, after)
        }
        _ => Posted::Refused(reason),
    }
}

/// `Retry-After` in seconds or as a date; Discord says it more exactly in the body.
async fn asked_pause(answer: reqwest::Response) -> Option<Duration> {
    let header = answer
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| pause(value.to_str().ok()?.trim(), clock::now()));
    let body = read_at_most(answer, MAX_ANSWER).await.unwrap_or_default();
    let exact = serde_json::from_slice::<Value>(&body)
        .ok()
        .and_then(|body| body.get("retry_after")?.as_f64())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    header.max(exact)
}

fn pause(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    (date.to_utc() - now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_seconds_or_dates() {
        let now = DateTime::from_timestamp(784_111_777, 0).unwrap();
        assert_eq!(pause("5", now), Some(Duration::from_secs(5)));
        let date = "Sun, 06 Nov 1994 08:50:07 GMT";
        assert_eq!(pause(date, now), Some(Duration::from_secs(30)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:00:00 GMT", now), None);
        assert_eq!(pause("soon", now), None);
    }
}
