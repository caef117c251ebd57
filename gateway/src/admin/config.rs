//! `/config`: the whole configuration at once (gateway 2.8).

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use http::{HeaderMap, StatusCode};
use kong::ApiError;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::{
    Admin, Answer, Reply,
    body::{self, Payload},
    dispatch::Query,
};
use crate::{
    document::{self, Document},
    settings::Mode,
    store::Tables,
};

/// The hash of a configuration that nobody has loaded.
pub const NO_DOCUMENT: &str = "00000000000000000000000000000000";
/// Largest document.
const LIMIT: usize = 256 * 1024 * 1024;

/// Which document is in force.
pub struct Documents {
    hash: Mutex<String>,
    /// One load at a time.
    loading: tokio::sync::Mutex<()>,
}

impl Documents {
    pub fn new(hash: String) -> Self {
        Self {
            hash: Mutex::new(hash),
            loading: tokio::sync::Mutex::default(),
        }
    }

    pub fn hash(&self) -> String {
        self.hash
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub fn md5(text: &[u8]) -> String {
    hex::encode(Md5::digest(text))
}

/// `GET /config`
pub async fn show(admin: &Admin) -> Answer {
    check_mode(admin)?;
    let now = service::clock::now().timestamp();
    let write = move |tables: &Tables| document::write(tables, now);
    let text = admin.store.read(write).await?;
    Ok(Reply::ok(json!({ "config": text })))
}

/// `POST /config`
pub async fn post(admin: &Arc<Admin>, query: &Query, headers: &HeaderMap, body: Body) -> Answer {
    check_mode(admin)?;
    let payload = body::payload(headers, body, LIMIT).await?;
    let Request {
        text,
        check_hash,
        flatten_errors,
    } = Request::new(payload, query)?;
    let hash = md5(text.as_bytes());
    if check_hash && hash == admin.documents.hash() {
        return Ok(Reply::not_modified());
    }
    let shown = load(admin, text, hash, flatten_errors).await?;
    Ok(Reply {
        status: StatusCode::CREATED,
        body: Some(shown),
    })
}

fn check_mode(admin: &Admin) -> Result<(), ApiError> {
    if admin.mode != Mode::Persistent {
        return Ok(());
    }
    let message = "whole documents can only be loaded without a database; this gateway runs in \
                   mode persistent";
    Err(ApiError::plain(400, message))
}

/// Puts a document in force; the entities that it has.
pub async fn load(
    admin: &Arc<Admin>,
    text: String,
    hash: String,
    flatten_errors: bool,
) -> Result<Value, ApiError> {
    let Ok(_turn) = admin.documents.loading.try_lock() else {
        let mut busy = ApiError::plain(429, "another document is being loaded");
        busy.retry_after = Some(1);
        return Err(busy);
    };
    // Hashing passwords and reading megabytes take a while.
    let document = tokio::task::spawn_blocking(move || document::parse(&text).map(Document::new))
        .await
        .map_err(|_| ApiError::plain(500, "the document could not be read"))?
        .map_err(|reason| ApiError::plain(400, format!("cannot parse the document: {reason}")))?;
    let now = service::clock::now().timestamp_millis();
    let loaded = admin
        .store
        .write(move |tables| {
            document::load(tables, document, now).map_err(|faulty| faulty.error(flatten_errors))
        })
        .await?;
    *admin
        .documents
        .hash
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = hash;
    admin.readiness.ready();
    Ok(loaded.show())
}

/// A document with what is to be done with it.
struct Request {
    text: String,
    check_hash: bool,
    flatten_errors: bool,
}

impl Request {
    fn new(payload: Payload, query: &Query) -> Result<Self, ApiError> {
        let option = |name: &str| query.get(name).map(str::to_owned);
        let (text, check_hash, flatten_errors) = match payload {
            Payload::Form(pairs) => {
                let field = |wanted: &str| {
                    let mut named = pairs.iter().filter(|(name, _)| name == wanted);
                    named.next().map(|(_, value)| value.clone())
                };
                (
                    field("config"),
                    field("check_hash"),
                    field("flatten_errors"),
                )
            }
            Payload::Text(text) => match wrapped(&text) {
                Some((inner, fields)) => {
                    let field = |name: &str| match fields.get(name) {
                        Some(Value::String(text)) => Some(text.clone()),
                        Some(value) => Some(value.to_string()),
                        None => None,
                    };
                    (Some(inner), field("check_hash"), field("flatten_errors"))
                }
                None => (Some(text), None, None),
            },
        };
        let text = text
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| ApiError::plain(400, "expected a declarative configuration"))?;
        let flatten_errors = option("flatten_errors").or(flatten_errors);
        Ok(Self {
            text,
            check_hash: option("check_hash").or(check_hash).as_deref() == Some("1"),
            flatten_errors: flatten_errors
                .is_some_and(|flag| ["1", "true", "on", "yes"].contains(&flag.as_str())),
        })
    }
}

/// The text in `{"config": "…"}`, and the other fields.
fn wrapped(text: &str) -> Option<(String, Value)> {
    if !text.trim_start().starts_with('{') || !text.contains("\"config\"") {
        return None;
    }
    let fields: Value = serde_json::from_str(text).ok()?;
    let inner = fields.get("config")?.as_str()?.to_owned();
    Some((inner, fields))
}
