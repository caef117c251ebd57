//! Bodies and queries as this API reads them.

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
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
                    too_large()
                } else {
                    ApiError::bad_request(
                        "unreadable-body",
                        "The body of the request could not be read.",
                    )
                }
            })?;
        let value = parse(&headers, &bytes)?;
        from_value(value).map(Self)
    }
}

fn too_large() -> ApiError {
    ApiError::Refused(Box::new(service::problem::Problem::new(
        http::StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        format!(
            "The body of a request is limited to {} KiB.",
            MAX_BODY / 1024
        ),
    )))
}

fn parse(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, ApiError> {
    if bytes.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    if bytes.len() > MAX_BODY {
        return Err(too_large());
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .unwrap_or_default();
    let value = match kind.as_str() {
        "application/json" | "application/merge-patch+json" => serde_json::from_slice(bytes)
            .map_err(|error| {
                ApiError::bad_request(
                    "malformed-json",
                    format!("The body is not valid JSON: {error}."),
                )
            })?,
        "application/x-www-form-urlencoded" => {
            let pairs = url::form_urlencoded::parse(bytes);
            Value::Object(
                pairs
                    .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                    .collect(),
            )
        }
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

/// Reads `value` as `T`; the error names the field.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    let value = without_nulls(value);
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        ApiError::invalid(&field, "type", format!("`{field}`: {}.", error.inner()))
    })
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
