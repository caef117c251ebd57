//! `POST /mcp`: the catalogue for assistants, by the Model Context Protocol (portal-ui 21.8).
//!
//! It only reads, with the rights of whoever shows a personal token, or of a guest. It has no
//! sessions: each request is answered by itself, in JSON.

mod tools;

use axum::{
    Json, Router,
    body::Bytes,
    extract::rejection::BytesRejection,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{failure::Failure, host, state::App, visitor::Visitor};

/// Versions of the protocol that are spoken, the newest first.
const VERSIONS: [&str; 3] = ["2025-06-18", "2025-03-26", "2024-11-05"];

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL_ERROR: i32 = -32603;

pub fn routes() -> Router<App> {
    Router::new().route("/mcp", post(answer))
}

/// A request or notification of JSON-RPC 2.0.
#[derive(Deserialize)]
struct Message {
    jsonrpc: String,
    /// Absent in notifications.
    id: Option<Value>,
    method: String,
    #[serde(default)]
    params: Value,
}

/// Why a request is not answered: code and text of JSON-RPC.
pub struct Fault(i32, String);

impl Fault {
    pub fn params(text: impl Into<String>) -> Self {
        Self(INVALID_PARAMS, text.into())
    }
}

async fn answer(
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    // A page of another site must not ask in the name of somebody's browser.
    let own = host::authority(&visitor.installation.external);
    let origin = headers.get(header::ORIGIN).map(http::HeaderValue::as_bytes);
    let is_ours = origin.is_none_or(|origin| {
        let origin = String::from_utf8_lossy(origin);
        origin
            .split_once("://")
            .is_some_and(|(_, host)| host == own)
    });
    if !is_ours {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let kind = headers.get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
        let text = "the body has to be application/json";
        return Err(Failure::BadRequest(text.to_owned()));
    }
    let body = body.map_err(|rejection| Failure::BadRequest(rejection.body_text()))?;
    let message: Message = match serde_json::from_slice::<Value>(&body) {
        Err(error) => {
            return Ok(refused(
                &Value::Null,
                &Fault(PARSE_ERROR, error.to_string()),
            ));
        }
        Ok(value) => {
            let id = value.get("id").cloned().unwrap_or_default();
            match serde_json::from_value(value) {
                Ok(message) => message,
                Err(error) => {
                    return Ok(refused(&id, &Fault(INVALID_REQUEST, error.to_string())));
                }
            }
        }
    };
    let Some(id) = message.id.clone() else {
        return Ok(StatusCode::ACCEPTED.into_response());
    };
    if message.jsonrpc != "2.0" {
        let fault = Fault(INVALID_REQUEST, "`jsonrpc` has to be \"2.0\"".to_owned());
        return Ok(refused(&id, &fault));
    }
    Ok(match result(&visitor, &message).await {
        Ok(result) => ui::no_store(
            Json(json!({"jsonrpc": "2.0", "id": id, "result": result})).into_response(),
        ),
        Err(fault) => refused(&id, &fault),
    })
}

fn refused(id: &Value, Fault(code, text): &Fault) -> Response {
    let error = json!({"code": code, "message": text});
    Json(json!({"jsonrpc": "2.0", "id": id, "error": error})).into_response()
}

async fn result(visitor: &Visitor, message: &Message) -> Result<Value, Fault> {
    match message.method.as_str() {
        "initialize" => Ok(initialize(visitor, &message.params)),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(json!({"tools": tools::list()})),
        "tools/call" => call(visitor, &message.params).await,
        other => Err(Fault(
            METHOD_NOT_FOUND,
            format!("there is no method `{other}`"),
        )),
    }
}

fn initialize(visitor: &Visitor, params: &Value) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    let version = VERSIONS.into_iter().find(|known| asked == Some(known));
    json!({
        "protocolVersion": version.unwrap_or(VERSIONS[0]),
        "capabilities": {"tools": {"listChanged": false}},
        "serverInfo": {
            "name": "wicketgate", "title": visitor.installation.site.title,
            "version": service::VERSION,
        },
        "instructions": "The catalogue of APIs. Search first, then read the operation. \
            Credentials are never given out here: people get them in the portal.",
    })
}

async fn call(visitor: &Visitor, params: &Value) -> Result<Value, Fault> {
    let name = params
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let none = Value::Object(serde_json::Map::new());
    let arguments = params.get("arguments").unwrap_or(&none);
    let text = |text: String, is_error: bool| json!({"content": [{"type": "text", "text": text}], "isError": is_error});
    match tools::call(visitor, name, arguments).await? {
        Ok(found) => Ok(text(found, false)),
        // The assistant can do something about these.
        Err(Failure::NotFound) => Ok(text("There is nothing of that name.".to_owned(), true)),
        Err(Failure::Forbidden | Failure::LoginNeeded) => {
            let words = "This is not shown to everybody. A personal token of the portal may help.";
            Ok(text(words.to_owned(), true))
        }
        Err(Failure::BadRequest(words)) => Ok(text(words, true)),
        Err(failure) => {
            failure.log();
            Err(Fault(
                INTERNAL_ERROR,
                "the portal cannot reach its data".to_owned(),
            ))
        }
    }
}
