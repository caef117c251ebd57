//! One id follows a request from the browser through every service to the backend.

use axum::extract::Request;
use http::{HeaderName, HeaderValue};
use uuid::Uuid;

/// Header in which the id is accepted, answered and passed on.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("correlation-id");

/// Ids of callers are taken over only up to this length.
const MAX_LENGTH: usize = 128;

/// The id of the request in work; a request extension.
#[derive(Clone, Debug)]
pub struct CorrelationId(pub String);

tokio::task_local! {
    static CURRENT: CorrelationId;
}

/// The id of the request that the running task works for.
pub fn current_correlation_id() -> Option<String> {
    CURRENT.try_with(|id| id.0.clone()).ok()
}

/// Runs `work` on behalf of the request `id`, for work that goes on outside its handler.
pub async fn with_correlation_id<F: Future>(id: CorrelationId, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// Ids need to differ, not to be secret, so they do not cost a call of the operating system.
fn made() -> Uuid {
    let mut bytes = [0; 16];
    fastrand::fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// The id of `request`, which carries it as an extension from now on.
pub(super) fn take_over_or_make(request: &mut Request) -> CorrelationId {
    let id = request
        .headers()
        .get(CORRELATION_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= MAX_LENGTH)
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()))
        .map_or_else(|| made().to_string(), str::to_owned);
    let id = CorrelationId(id);
    request.extensions_mut().insert(id.clone());
    id
}

/// The header of the answer.
pub(super) fn header(id: &CorrelationId) -> Option<(HeaderName, HeaderValue)> {
    Some((CORRELATION_ID, HeaderValue::from_str(&id.0).ok()?))
}
