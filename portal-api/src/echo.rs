//! The second port: the echo service (portal-api 24.3) and the backends of the sample
//! configuration, which really answer. Nothing here is reached without the gateway in front.

mod backend;
mod clock;
mod orders;
mod petstore;

use axum::{
    Json, Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use service::ServiceName;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves the port until `shutdown`.
pub async fn serve(listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    let app = Router::new()
        .nest("/petstore/v1", petstore::routes())
        .nest("/clock/v1", clock::routes())
        .nest("/orders/v1", orders::routes())
        .fallback(echo);
    service::http::serve(ServiceName::PortalApi, listener, app, shutdown).await
}

/// Answers with what arrived, if the token holds the scope named like the method.
async fn echo(request: Request) -> Response {
    let method = request.method();
    let known = [
        Method::GET,
        Method::PUT,
        Method::POST,
        Method::PATCH,
        Method::DELETE,
    ];
    if !known.contains(method) {
        let error = format!("The method {method} is not served here.");
        return refuse(StatusCode::BAD_REQUEST, &error);
    }
    let scope = method.as_str().to_ascii_lowercase();
    if !backend::has_scope(request.headers(), &scope) {
        let error = format!("This method needs the scope `{scope}`.");
        return refuse(StatusCode::FORBIDDEN, &error);
    }
    let headers: Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into(),
            )
        })
        .collect();
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    Json(json!({"method": method.as_str(), "path": path, "headers": headers})).into_response()
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (
        status,
        Json(json!({"status": status.as_u16(), "error": error})),
    )
        .into_response()
}
