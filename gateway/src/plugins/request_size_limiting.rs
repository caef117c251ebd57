use http::{
    StatusCode,
    header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING},
};
use serde::Deserialize;

use super::Verdict;
use crate::proxy::{Answer, Exchange};

/// Refuses bodies above a size, announced or found while they are passed on.
#[derive(Deserialize)]
pub struct RequestSizeLimiting {
    allowed_payload_size: u64,
    size_unit: Unit,
    require_content_length: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Megabytes,
    Kilobytes,
    Bytes,
}

impl RequestSizeLimiting {
    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        let limit = self.allowed_payload_size
            * match self.size_unit {
                Unit::Megabytes => 1 << 20,
                Unit::Kilobytes => 1 << 10,
                Unit::Bytes => 1,
            };
        let headers = &exchange.head.headers;
        let length = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        match length {
            Some(length) if length > limit => {
                let status = match headers.get(EXPECT) {
                    Some(expect) if expect.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
                        StatusCode::EXPECTATION_FAILED
                    }
                    _ => StatusCode::PAYLOAD_TOO_LARGE,
                };
                return Answer::new(status, "Request size limit exceeded")
                    .closing()
                    .into();
            }
            None if self.require_content_length
                && !headers.contains_key(TRANSFER_ENCODING)
                && exchange.has_body() =>
            {
                return Answer::new(
                    StatusCode::LENGTH_REQUIRED,
                    "A valid Content-Length header is required",
                )
                .into();
            }
            _ => {}
        }
        exchange.body_limit = exchange.body_limit.min(limit);
        Verdict::Continue
    }
}
