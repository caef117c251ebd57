//! What existing clients rely on around every operation (portal-api 3): tolerant addresses, version
//! checks, media types, metrics.

mod answer;
mod paths;
pub mod statements;
mod versions;

use std::time::{Duration, Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    response::{IntoResponse, Response},
};
use http::{Method, Uri};
use service::http::WickedMetrics;

use crate::{ApiError, AppState, conditional, extract, idempotency, limits, rendered::Known};

/// Every request is answered within this time (portal-api D19).
const LONGEST: Duration = Duration::from_secs(30);

/// The operations with all that is around them. Plain code rather than layers of middleware: each of
/// those costs several allocations and copies of all that are inside it.
pub struct Api {
    router: Router,
    state: AppState,
    metrics: WickedMetrics,
}

impl Api {
    pub fn new(router: Router, state: AppState) -> Self {
        Self {
            router,
            state,
            metrics: WickedMetrics::new("wicked_api"),
        }
    }

    pub async fn answer(&self, request: Request) -> Response {
        let started = Instant::now();
        self.state.traffic.note(started);
        let method = request.method().clone();
        let wants_problems = answer::accepts_problems(request.headers());
        let response = self.carry_out(request).await;
        let response = answer::finish(response, wants_problems);
        let matched = response.extensions().get::<MatchedPath>();
        let route = matched.map(MatchedPath::as_str);
        self.metrics
            .note(route, &method, started, response.status());
        response
    }

    async fn carry_out(&self, mut request: Request) -> Response {
        if has_null_character(request.uri()) {
            return extract::null_character().into_response();
        }
        // Before it is matched.
        if let Some(uri) = paths::mended(request.uri()) {
            *request.uri_mut() = uri;
        }
        let work = |request| self.operate(request);
        let Some(response) = service::http::within(LONGEST, request, work).await else {
            // What it had written without committing is undone.
            tracing::error!("no answer within {} s", LONGEST.as_secs());
            let message = "This took too long and was given up. Try again shortly.";
            return ApiError::unavailable(message).into_response();
        };
        response
    }

    async fn operate(&self, mut request: Request) -> Response {
        if let Some(problem) = versions::check(&self.state, &request) {
            return problem.into_response();
        }
        let standing = match limits::begin(&self.state, &mut request) {
            Ok(standing) => standing,
            Err(refused) => return *refused,
        };
        let is_read = request.method() == Method::GET;
        let known = is_read.then(|| Known::of(request.headers()));
        let response = idempotency::carry_out(&self.state, request, &self.router).await;
        let mut response = match known {
            Some(known) => conditional::tagged(response, &known).await,
            None => response,
        };
        standing.show(response.headers_mut());
        response
    }
}

fn has_null_character(uri: &Uri) -> bool {
    uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00"))
}
