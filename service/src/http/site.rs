use std::{
    convert::Infallible,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    middleware,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::StatusCode;
use hyper::body::Incoming;
use tower::ServiceExt;
use tracing::Instrument;

use crate::{ServiceName, problem::Problem};

use super::{
    correlation,
    observe::{Observed, expose_route},
    within,
};

/// Every request is answered within this time (portal-api D19); long polls stay below.
const LONGEST: Duration = Duration::from_mins(1);

/// An application with what every request to it meets. Plain code rather than layers of middleware:
/// each of those costs several allocations and copies of all that are inside it.
pub struct Site {
    app: Router,
    observed: Observed,
}

impl Site {
    pub fn new(service: ServiceName, app: Router) -> Self {
        Self {
            app: app.layer(middleware::from_fn(expose_route)),
            observed: Observed::new(service),
        }
    }

    /// Answers one request of `peer`.
    pub async fn answer(
        self: Arc<Self>,
        peer: SocketAddr,
        request: http::Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let mut request = request.map(Body::new);
        request
            .extensions_mut()
            .insert(ConnectInfo::<SocketAddr>(peer));
        let id = correlation::take_over_or_make(&mut request);
        let header = correlation::header(&id);
        let started = Instant::now();
        let span = self.observed.span(&id);
        let method = request.method().clone();
        // Only the path: query strings hold codes and addresses.
        let path = request.uri().path().to_owned();
        let work = self.carry_out(request).instrument(span.clone());
        let mut response = correlation::with_correlation_id(id, work).await;
        span.in_scope(|| self.observed.note(&method, &path, started, &response));
        response.headers_mut().extend(header);
        Ok(response)
    }

    async fn carry_out(&self, request: Request) -> Response {
        let app = self.app.clone();
        let work = within(LONGEST, request, |request| app.oneshot(request));
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Some(Ok(response))) => response,
            Ok(None) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Err(_) => Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong here. The operators find the cause by the correlation id.",
            )
            .into_response(),
        }
    }
}
