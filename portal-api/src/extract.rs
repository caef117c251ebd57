//! Bodies and queries as this API reads them.

mod json;

pub use json::parse as parse_json;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ApiError;

/// Largest body that is read (portal-api 3.2).
pub const MAX_BODY: usize = 100 * 1024;
/// Largest body with files: 5 MiB of them (portal-api 29.3), and their JSON.
pub const MAX_UPLOAD: usize = 6 * 1024 * 1024;

/// A request body: JSON or a form, up to 100 KiB, top level an object or array.
///
/// Differs from axum's `Json` in what old clients rely on: `null` means "absent", a missing body is
/// an empty object, and errors name the field.
pub struct Body<T>(pub T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = RawBody::from_request(request, state).await?;
        from_value(body.value).map(Self)
    }
}

/// As [`Body`], for operations that take whole files; the route raises the limit with
/// [`axum::extract::DefaultBodyLimit`].
pub struct Upload<T>(pub T);

impl<S, T> FromRequest<S> for Upload<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = media_type(request.headers());
        let bytes = read(request, state, MAX_UPLOAD).await?;
        from_value(parse(&kind, &bytes)?).map(Self)
    }
}

/// A body as it was sent, for operations in which `null` and "absent" may differ.
pub struct RawBody {
    pub value: Value,
    /// Sent as `application/merge-patch+json` (RFC 7396): `null` clears.
    pub is_merge_patch: bool,
}

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = media_type(request.headers());
        let bytes = read(request, state, MAX_BODY).await?;
        Ok(Self {
            value: parse(&kind, &bytes)?,
            is_merge_patch: kind == "application/merge-patch+json",
        })
    }
}

async fn read<S: Send + Sync>(
    request: Request,
    state: &S,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let read = Bytes::from_request(request, state).await;
    let bytes = read.map_err(|rejection| {
        if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
            too_large(limit)
        } else {
            ApiError::bad_request(
                "unreadable-body",
                "The body of the request could not be read.",
            )
        }
    })?;
    if bytes.len() > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

/// The media type in small letters, without parameters; empty if none was sent.
fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

fn too_large(limit: usize) -> ApiError {
    ApiError::Refused(Box::new(service::problem::Problem::new(
        http::StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        format!("The body of a request is limited to {} KiB.", limit / 1024),
    )))
}

fn parse(kind: &str, bytes: &Bytes) -> Result<Value, ApiError> {
    if bytes.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let value = match kind {
        "application/json" | "application/merge-patch+json" => json::parse(bytes)?,
        "application/x-www-form-urlencoded" => form(bytes)?,
        _ => {
            return Err(ApiError::Refused(Box::new(service::problem::Problem::new(
                http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Send the body as application/json.",
            ))));
        }
    };
    match value {
        Value::Object(_) | Value::Array(_) => Ok(value),
        _ => Err(ApiError::bad_request(
            "malformed-json",
            "The top level of the body has to be an object or an array.",
        )),
    }
}

/// The fields of a form, each a text.
fn form(bytes: &[u8]) -> Result<Value, ApiError> {
    let mut members = serde_json::Map::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        // PostgreSQL stores every character but this one.
        if name.contains('\0') || value.contains('\0') {
            return Err(null_character());
        }
        let (name, value) = (name.into_owned(), Value::String(value.into_owned()));
        if members.contains_key(&name) {
            let message = format!("`{name}` is given twice.");
            return Err(ApiError::invalid(&name, "duplicate", message));
        }
        members.insert(name, value);
    }
    Ok(Value::Object(members))
}

/// 400 for a request with U+0000 in a text.
pub fn null_character() -> ApiError {
    ApiError::bad_request(
        "null-character",
        "The character U+0000 cannot be used in a text.",
    )
}

/// Reads `value` as `T`; the error names the field.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    let value = without_nulls(value);
    serde_path_to_error::deserialize(value).map_err(|error| {
        let reason = error.inner().to_string();
        let place = error.path().to_string();
        match missing_member(&reason) {
            Some(name) if place == "." => required(name),
            Some(name) => required(&format!("{place}.{name}")),
            None => ApiError::invalid(&place, "type", format!("`{place}`: {reason}.")),
        }
    })
}

/// The name in serde's "missing field `name`", which it tells of the object around it.
fn missing_member(reason: &str) -> Option<&str> {
    reason.strip_prefix("missing field `")?.strip_suffix('`')
}

fn required(field: &str) -> ApiError {
    ApiError::invalid(field, "required", format!("`{field}` is missing."))
}

/// `null` in an optional field means "absent": existing clients send `redirectUri: null`.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}
