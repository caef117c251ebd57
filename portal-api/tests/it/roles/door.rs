//! A door in front of a running portal-api. It has the same routes and passes every call on, but
//! where a call names a handler in `x-broken` and reaches the route of that handler, it answers 500:
//! for the caller that is what a broken handler looks like. A call that goes to another route is
//! passed on, and a row that never reaches its handler does not notice.

use std::collections::BTreeSet;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{StatusCode, header};
use tokio::net::TcpListener;

/// Names the broken handler: `GET /users/{user}`.
pub const BROKEN: &str = "x-broken";

pub struct Door {
    pub address: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Door {
    /// In front of the server at `target`, with routes for these paths.
    pub async fn open(target: &str, paths: &BTreeSet<&str>) -> Self {
        let router = paths
            .iter()
            .fold(Router::new(), |router, path| router.route(path, any(pass)))
            .fallback(pass)
            .with_state(target.to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            serve(listener, router).await;
        });
        Self { address, server }
    }
}

async fn serve(listener: TcpListener, router: Router) {
    let shutdown = tokio_util::sync::CancellationToken::new();
    let name = service::ServiceName::PortalApi;
    service::http::serve(name, listener, router, shutdown)
        .await
        .unwrap();
}

async fn pass(
    State(target): State<String>,
    route: Option<MatchedPath>,
    request: Request,
) -> Response {
    let reached = route.map(|route| format!("{} {}", request.method(), route.as_str()));
    let broken = request.headers().get(BROKEN);
    let broken = broken.and_then(|handler| handler.to_str().ok());
    if broken.is_some() && broken == reached.as_deref() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let (parts, body) = request.into_parts();
    let address = format!("{target}{}", parts.uri);
    let mut headers = parts.headers;
    for name in [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
    ] {
        headers.remove(name);
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let answer = service::http::client()
        .request(parts.method, address)
        .headers(headers)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    (status, Body::from(body)).into_response()
}
