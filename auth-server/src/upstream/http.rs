//! Calls of providers: bounded in time and length, without redirects.

use std::time::Duration;

use ::http::{StatusCode, header};
use reqwest::RequestBuilder;
use serde_json::Value;
use service::http::{BodyError, innermost, read_at_most};
use url::Url;

use super::UpstreamError;

/// How long a provider may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const MAX_ANSWER: usize = 256 * 1024;

/// Sends a request and reads the JSON of its answer, whatever the status below 500.
pub async fn send(request: RequestBuilder) -> Result<(StatusCode, Value), UpstreamError> {
    let away = |error: reqwest::Error| UpstreamError::Away(innermost(&error.without_url()));
    let request = request
        .timeout(TIMEOUT)
        .header(header::ACCEPT, "application/json");
    let response = request.send().await.map_err(away)?;
    let status = response.status();
    if status.is_server_error() {
        return Err(UpstreamError::Away(format!("status {status}")));
    }
    let body = match read_at_most(response, MAX_ANSWER).await {
        Ok(body) => body,
        Err(BodyError::TooLong(_)) => {
            return Err(UpstreamError::unbelievable("it is too long"));
        }
        Err(BodyError::Broken(error)) => return Err(away(error)),
    };
    let value = serde_json::from_slice(&body).map_err(|_| {
        UpstreamError::Unbelievable(format!("status {status}, and the answer is no JSON"))
    })?;
    Ok((status, value))
}

/// What a provider has at an address, for the holder of `token` if one is needed.
pub async fn get(url: &Url, token: Option<&str>) -> Result<Value, UpstreamError> {
    let (status, value) = try_get(url, token).await?;
    if status == StatusCode::OK {
        return Ok(value);
    }
    let host = url.host_str().unwrap_or_default();
    let text = format!("status {status} at {host}{}", url.path());
    Err(UpstreamError::Unbelievable(text))
}

/// As [`get`], with the status.
pub async fn try_get(url: &Url, token: Option<&str>) -> Result<(StatusCode, Value), UpstreamError> {
    let mut request = service::http::client().get(url.clone());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    send(request).await
}
