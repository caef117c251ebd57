//! Validators (portal-api A3): reads answer with a strong `ETag`, and a change may name the one it
//! was made for.
//!
//! An `ETag` is the digest of an answer. A change compares it with the answer that a read would get
//! inside the transaction of the change, from rows that the transaction has locked; so between the
//! comparison and the change nobody else writes.

use std::convert::Infallible;

use axum::{
    body::{Body, HttpBody},
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use config::Rendered;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;
use service::problem::Problem;

use crate::{ApiError, rendered::Known};

/// Longer answers are lists that change all the time; reading them for a digest costs more than it
/// saves.
const LONGEST: u64 = 256 * 1024;

/// What a change demands of the present state: `If-Match`, or `If-None-Match: *`.
#[derive(Clone, Debug, Default)]
pub struct Precondition {
    matches: Option<String>,
    absent: bool,
}

impl<S: Sync> FromRequestParts<S> for Precondition {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let text = |name: HeaderName| {
            let values = parts.headers.get_all(name).iter();
            let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
            (!values.is_empty()).then(|| values.join(","))
        };
        Ok(Self {
            matches: text(header::IF_MATCH),
            absent: text(header::IF_NONE_MATCH).is_some_and(|value| value.trim() == "*"),
        })
    }
}

impl Precondition {
    /// Whether the caller wants to create and not to replace (`If-None-Match: *`). Then whoever
    /// stores first wins, which only the database can tell.
    pub const fn demands_absence(&self) -> bool {
        self.absent
    }

    /// 412 for one who came second.
    pub fn exists() -> ApiError {
        failed("There is one already.")
    }

    /// Refuses with 412 unless the present state is as demanded. `current` reads it as a `GET` of
    /// the same caller would show it, with the locks of the change; it is only asked if something
    /// is demanded.
    pub async fn check<T: Serialize>(
        &self,
        current: impl AsyncFnOnce() -> Result<Option<T>, ApiError>,
    ) -> Result<(), ApiError> {
        if self.matches.is_none() && !self.absent {
            return Ok(());
        }
        let current = current().await?;
        if self.absent && current.is_some() {
            return Err(Self::exists());
        }
        let Some(wanted) = &self.matches else {
            return Ok(());
        };
        let holds = current.is_some_and(|current| {
            let tag = Rendered::json(&current).etag;
            // Weak validators prove nothing here (RFC 9110, 13.1.1).
            wanted
                .split(',')
                .map(str::trim)
                .any(|one| one == "*" || one == tag)
        });
        if holds {
            return Ok(());
        }
        Err(failed(
            "It was changed since you read it. Read it again and repeat the change.",
        ))
    }
}

/// The header of an answer that tells the validator of the new state.
pub type Tag = [(HeaderName, String); 1];

/// The validator of a state, for the answer to the change that led to it. `state` is what a `GET` of
/// the same caller would show, read inside the transaction: after it somebody else may have changed
/// it again.
pub fn etag<T: Serialize>(state: &T) -> Tag {
    [(header::ETAG, Rendered::json(state).etag)]
}

fn failed(message: &str) -> ApiError {
    ApiError::Refused(Box::new(Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition-failed",
        message,
    )))
}

/// Gives the answer of a read its `ETag`, or is 304 for those who have it.
pub async fn tagged(response: Response, known: &Known) -> Response {
    if !is_tagged_here(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return ApiError::Internal(anyhow::anyhow!("an answer in memory could not be read"))
            .into_response();
    };
    let answer = Rendered::new(bytes);
    tag(&mut parts.headers, &answer.etag);
    if known.has(&answer.etag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(answer.bytes))
}

/// JSON that is in memory already and has no validator of its own.
fn is_tagged_here(response: &Response) -> bool {
    let headers = response.headers();
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let is_short = response
        .body()
        .size_hint()
        .exact()
        .is_some_and(|length| length <= LONGEST);
    response.status() == StatusCode::OK
        && is_json
        && is_short
        && !headers.contains_key(header::ETAG)
}

fn tag(headers: &mut HeaderMap, etag: &str) {
    if let Ok(value) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, value);
    }
    // What is shown depends on the caller, and rights may change at any time.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(precondition: Precondition, current: Option<u8>) -> bool {
        let checked = precondition.check(async || Ok(current)).await;
        checked.is_ok()
    }

    #[tokio::test]
    async fn a_change_goes_on_only_from_the_state_it_names() {
        let matches = |text: &str| Precondition {
            matches: Some(text.to_owned()),
            absent: false,
        };
        let tag = Rendered::json(&7).etag;
        assert!(outcome(Precondition::default(), None).await);
        assert!(outcome(matches(&tag), Some(7)).await);
        assert!(outcome(matches(&format!("\"x\", {tag}")), Some(7)).await);
        assert!(outcome(matches("*"), Some(7)).await);
        assert!(!outcome(matches("*"), None).await);
        assert!(!outcome(matches(&tag), Some(8)).await);
        assert!(!outcome(matches(&format!("W/{tag}")), Some(7)).await);
        let absent = Precondition {
            matches: None,
            absent: true,
        };
        assert!(outcome(absent.clone(), None).await);
        assert!(!outcome(absent, Some(7)).await);
    }
}
