//! Refused operations (A9): who tried what he may not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Method, StatusCode};
use serde_json::json;
use service::problem::Kind;

use super::{Actor, Entry, record};
use crate::{ApiError, AppState};

/// The same refusal is on record once in this time; whoever repeats it cannot flood the log.
const PAUSE: Duration = Duration::from_mins(1);
/// Refusals that are remembered; beyond, the oldest may be recorded again.
const REMEMBERED: usize = 10_000;

/// Filled in when the caller of a request has been identified.
#[derive(Clone, Default)]
pub struct Identified(pub Arc<OnceLock<Actor>>);

/// What was recorded lately: actor and operation.
#[derive(Default)]
pub struct Lately(Mutex<HashMap<String, Instant>>);

impl Lately {
    /// Whether this is the first one for a while.
    fn is_first(&self, refusal: String) -> bool {
        let now = Instant::now();
        let mut lately = self.0.lock().expect("no holder panics");
        if lately.len() >= REMEMBERED {
            lately.retain(|_, at| now.duration_since(*at) < PAUSE);
            if lately.len() >= REMEMBERED {
                lately.clear();
            }
        }
        let before = lately.get(&refusal).copied();
        let is_first = before.is_none_or(|at| now.duration_since(at) >= PAUSE);
        if is_first {
            lately.insert(refusal, now);
        }
        is_first
    }
}

/// Records writes that were refused to somebody known, and reads that only administrators have.
///
/// Also tells those around the router which route matched: each layer has its price.
pub async fn record_refusals(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let identified = Identified::default();
    request.extensions_mut().insert(identified.clone());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route.clone() {
        response.extensions_mut().insert(route);
    }
    if response.status() != StatusCode::FORBIDDEN {
        return response;
    }
    let kind = response
        .extensions()
        .get::<Kind>()
        .map_or("forbidden", |kind| kind.0);
    let is_read = matches!(method, Method::GET | Method::HEAD);
    // These have records of their own.
    let is_recorded = matches!(
        kind,
        "wrong-password" | "wrong-client-secret" | "user-disabled"
    );
    if is_recorded || is_read && kind != "admins-only" {
        return response;
    }
    let (Some(actor), Some(route)) = (identified.0.get(), route) else {
        return response;
    };
    let route = route.as_str();
    let who = actor.id.as_deref().or(actor.via.as_deref());
    let Some(who) = who else { return response };
    if state
        .refused_lately
        .is_first(format!("{who} {method} {route} {kind}"))
    {
        let entry = Entry::new(actor.clone(), "operation", "denied")
            .about(cut(&format!("{method} {route}"), 160))
            .with_data(json!({"method": method.as_str(), "path": cut(&path, 500), "reason": kind}))
            .refused();
        if let Err(error) = write(&state, entry).await {
            tracing::warn!(%error, "a refused operation could not be recorded");
        }
    }
    response
}

async fn write(state: &AppState, entry: Entry) -> Result<(), ApiError> {
    let txn = state.db.write().await?;
    record(&txn, state, entry).await?;
    txn.commit().await?;
    Ok(())
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_refusal_is_recorded_once() {
        let lately = Lately::default();
        assert!(lately.is_first("a".to_owned()));
        assert!(!lately.is_first("a".to_owned()));
        assert!(lately.is_first("b".to_owned()));
    }
}
