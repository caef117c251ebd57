//! `Idempotency-Key` (portal-api B2): a POST that arrives again with the same key is carried out
//! once, and gets the same answer.
//!
//! A key is taken before the work begins, in a row that all instances see. [`mark`] notes in the
//! transaction of the work itself that it was done; so even if the process ends before the answer
//! is kept, the work is not done twice.

mod store;

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use ring::digest::{Context, SHA256};
use service::{
    http::{CorrelationId, current_correlation_id, with_correlation_id},
    problem::Problem,
};
use tokio::time::Instant;
use tower::ServiceExt;

use crate::{ApiError, AppState, caller::Caller};
use store::{Answer, Begun};
pub use store::{LIFETIME, mark};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that the answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const MAX_KEY: usize = 255;
/// The largest body that any operation takes.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// Larger answers are not kept; none of a POST comes near.
const MAX_ANSWER: usize = 1024 * 1024;
/// How long a repetition waits for the answer of the first request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Headers that belong to the answer and not to the transport of it.
const KEPT_HEADERS: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::LOCATION,
    header::ETAG,
];

/// Whose key it is, and for what.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Digest of the caller and what he may do: nobody gets the answer of somebody else.
    principal: String,
    key: String,
    /// Digest of the request.
    request: String,
}

tokio::task_local! {
    static CURRENT: Scope;
}

/// Carries the request out by `router`; once, if it has a key.
pub async fn carry_out(state: &AppState, request: Request, router: &Router) -> Response {
    let router = router.clone();
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return ask(router, request).await;
    }
    Box::pin(once(state.clone(), request, router))
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn ask(router: Router, request: Request) -> Response {
    let Ok(response) = router.oneshot(request).await;
    response
}

async fn once(state: AppState, request: Request, router: Router) -> Result<Response, ApiError> {
    let key = read_key(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &state).await?;
    let body = axum::body::to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| too_large())?;
    let Some(principal) = caller.principal() else {
        // Nobody in particular: there is nothing that could be told apart, and nothing to gain.
        return Ok(ask(router, Request::from_parts(parts, body.into())).await);
    };
    let scope = Scope {
        principal,
        key,
        request: digest_of(&parts, &body),
    };
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(20);
    loop {
        match store::begin(&state, &scope).await? {
            Begun::Mine => break,
            Begun::Answered(answer) => return Ok(replay(answer)),
            Begun::OtherRequest => return Err(other_request()),
            Begun::AnswerLost => return Err(answer_lost()),
            Begun::UnderWay if Instant::now() > deadline => return Err(under_way()),
            Begun::UnderWay => tokio::time::sleep(pause).await,
        }
        pause = Ord::min(pause * 2, Duration::from_millis(500));
    }
    // Extracted once; the handler finds it there.
    parts.extensions.insert(caller);
    let request = Request::from_parts(parts, body.into());
    // A task of its own: a caller who goes away does not stop work that he will ask for again.
    let correlation = CorrelationId(current_correlation_id().unwrap_or_default());
    let work = with_correlation_id(correlation, run(state, scope, request, router));
    tokio::spawn(work)
        .await
        .map_err(|error| ApiError::Internal(error.into()))?
}

/// Carries the request out and keeps its answer.
async fn run(
    state: AppState,
    scope: Scope,
    request: Request,
    router: Router,
) -> Result<Response, ApiError> {
    let response = CURRENT.scope(scope.clone(), ask(router, request)).await;
    if !is_final(response.status()) {
        store::forget(&state, &scope).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MAX_ANSWER)
        .await
        .map_err(|error| ApiError::Internal(error.into()))?;
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    let answer = Answer {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: body.to_vec(),
    };
    store::finish(&state, &scope, &answer).await?;
    Ok(Response::from_parts(parts, body.into()))
}

/// Whether the same request would get the same answer for ever. Our own faults and refusals that
/// depend on the moment are worth another try.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error()
        && !matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::PRECONDITION_REQUIRED
                | StatusCode::TOO_MANY_REQUESTS
        )
}

fn replay(answer: Answer) -> Response {
    let mut response = Bytes::from(answer.body).into_response();
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.clear();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value),
        ) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn read_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let key = headers.get(KEY).and_then(|value| value.to_str().ok());
    key.filter(|key| (1..=MAX_KEY).contains(&key.len()))
        .map(str::to_owned)
        .ok_or_else(|| {
            let message = format!("`Idempotency-Key` has 1 to {MAX_KEY} visible characters.");
            ApiError::invalid("Idempotency-Key", "length", message)
        })
}

fn digest_of(parts: &http::request::Parts, body: &Bytes) -> String {
    let mut digest = Context::new(&SHA256);
    let kind = parts.headers.get(header::CONTENT_TYPE);
    for part in [
        parts.uri.to_string().as_bytes(),
        kind.map(HeaderValue::as_bytes).unwrap_or_default(),
        body,
    ] {
        // With its length, so that no two requests read alike.
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finish())
}

fn too_large() -> ApiError {
    ApiError::Refused(Box::new(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        "The body of the request is too large.",
    )))
}

fn other_request() -> ApiError {
    ApiError::conflict(
        "idempotency-key-reused",
        "This `Idempotency-Key` belongs to another request; take a new one.",
    )
}

fn answer_lost() -> ApiError {
    ApiError::conflict(
        "idempotency-answer-lost",
        "This request was carried out, but its answer was lost. Read what it has changed.",
    )
}

fn under_way() -> ApiError {
    let problem = Problem::new(
        StatusCode::CONFLICT,
        "idempotency-under-way",
        "The first request with this `Idempotency-Key` is still under way.",
    );
    let retry = HeaderValue::from_static("2");
    ApiError::Refused(Box::new(problem.with_header(header::RETRY_AFTER, retry)))
}
