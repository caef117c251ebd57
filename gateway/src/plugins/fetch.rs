//! Documents from addresses that a configuration names.

use bytes::Bytes;
use service::http::read_at_most;

use super::log::guarded_client;

/// What is there, if it is no longer than `most` bytes. Errors do not name the address, whose query
/// may be secret.
pub async fn fetch(url: &str, most: usize) -> Result<Bytes, String> {
    let answer = guarded_client().get(url).send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status);
    let answer = answer.map_err(|error| error.without_url().to_string())?;
    let body = read_at_most(answer, most).await;
    body.map_err(|error| error.to_string())
}
