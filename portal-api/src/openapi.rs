//! The description of this API, made out of the list of operations and the types of the wire
//! (portal-api A1).

mod document;
mod operation;
mod operations;
mod yaml;

use std::sync::LazyLock;

use axum::{Router, extract::Request, response::Response, routing::get};
use config::Rendered;

use crate::{
    AppState,
    rendered::{JSON, respond},
};

const YAML: &str = "application/yaml; charset=utf-8";

/// The description as the server gives it and as the portal shows it (portal-api 24.4).
pub fn document() -> serde_json::Value {
    serde_json::to_value(document::build()).expect("its keys are texts")
}

/// The addresses of all operations, with their parameters in braces.
pub fn addresses() -> impl Iterator<Item = &'static str> {
    let all = operations::all().into_iter();
    all.flat_map(|(_, operations)| operations)
        .map(|operation| operation.path)
}

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/openapi.json", get(json))
        .route("/openapi.yaml", get(yaml))
}

/// `GET /openapi.json`
async fn json(request: Request) -> Response {
    static DOCUMENT: LazyLock<Rendered> = LazyLock::new(|| Rendered::json(&document()));
    respond(request.headers(), &DOCUMENT, JSON)
}

/// `GET /openapi.yaml`
async fn yaml(request: Request) -> Response {
    static DOCUMENT: LazyLock<Rendered> = LazyLock::new(|| Rendered::new(yaml::write(&document())));
    respond(request.headers(), &DOCUMENT, YAML)
}
