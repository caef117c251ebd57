//! What came of a request.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use http::header;
use reqwest::Response;
use serde::Deserialize;

use super::claim::Due;

/// Answers are read up to this size (events-and-adapters B3).
const MAX_ANSWER: usize = 64 * 1024;
/// Characters of it that go into the log.
const MAX_SNIPPET: usize = 2048;
const MAX_REASON: usize = 500;

/// A request that is over.
pub struct Answered {
    pub due: Vec<Due>,
    pub message_id: String,
    pub at: DateTime<Utc>,
    pub took: Duration,
    pub outcome: Outcome,
    /// The beginning of the answer's body.
    pub snippet: Option<String>,
}

impl Answered {
    pub fn seqs(&self) -> Vec<i64> {
        self.due.iter().map(|due| due.event.seq).collect()
    }
}

pub enum Outcome {
    /// Any 2xx.
    Delivered { status: u16 },
    /// 2xx with a body that names events (events-and-adapters B4).
    Partial { status: u16, report: Report },
    Failed {
        status: Option<u16>,
        reason: String,
        retry_after: Option<Duration>,
        /// Whether it may be the fault of an event: something answered, or took too long.
        may_be_poison: bool,
    },
}

impl Outcome {
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Delivered { status } | Self::Partial { status, .. } => Some(*status),
            Self::Failed { status, .. } => *status,
        }
    }

    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// What the listener says of single events.
#[derive(Debug, Default)]
pub struct Report {
    pub acked: Vec<String>,
    /// With the reason, and whether they are to come again.
    pub failed: HashMap<String, (bool, String)>,
}

#[derive(Deserialize)]
struct Wire {
    acked: Vec<String>,
    #[serde(default)]
    failed: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    id: String,
    #[serde(default = "retry_by_default")]
    retry: bool,
    #[serde(default)]
    reason: Option<String>,
}

const fn retry_by_default() -> bool {
    true
}

/// The beginning of the body, and whether that is all.
pub async fn read(answer: &mut Response) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = MAX_ANSWER - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return (body, false);
        }
        body.extend_from_slice(&chunk);
    }
    (body, true)
}

pub fn snippet(body: &[u8]) -> Option<String> {
    if body.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_SNIPPET)]);
    // No database takes this one.
    Some(text.replace('\0', "").chars().take(MAX_SNIPPET).collect())
}

/// The report in the body of a 2xx, if it is one.
pub fn report(answer: &http::HeaderMap, body: &[u8]) -> Option<Report> {
    let kind = answer.get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/json") {
        return None;
    }
    let wire: Wire = serde_json::from_slice(body).ok()?;
    let failed = wire.failed.into_iter().map(|failure| {
        let reason = failure.reason.unwrap_or_default();
        let reason = reason.replace('\0', "").chars().take(MAX_REASON).collect();
        (failure.id, (failure.retry, reason))
    });
    Some(Report {
        acked: wire.acked,
        failed: failed.collect(),
    })
}
