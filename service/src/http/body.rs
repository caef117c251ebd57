//! Reading the answers of others: never more of them than the reader has room for.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

/// Why the body of an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// Without the address, which may hold secrets.
    #[error("{}", innermost(.0))]
    Broken(reqwest::Error),
}

/// The body, which may have up to `max` bytes.
pub async fn read_at_most(mut response: Response, max: usize) -> Result<Bytes, BodyError> {
    // What is announced need not grow, step by step, into more than that.
    let announced = response.content_length().unwrap_or_default();
    let announced = usize::try_from(announced).unwrap_or(max);
    let mut body = BytesMut::with_capacity(announced.min(max));
    let broken = |error: reqwest::Error| BodyError::Broken(error.without_url());
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > max {
            return Err(BodyError::TooLong(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The innermost reason, which is the one that says something ("connection refused").
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
