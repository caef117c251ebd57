use http::StatusCode;

use crate::proxy::Answer;

/// Why a step has no result.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    #[error("no answer in time")]
    Late,
    #[error("the backend cannot be reached")]
    Unreachable,
    #[error("the backend answered {0}")]
    Status(StatusCode),
    #[error("the answer is no JSON")]
    Garbage,
    #[error("the answer is too large")]
    TooLarge,
    #[error("too many calls at a time")]
    Busy,
    #[error("more calls than allowed")]
    TooManyCalls,
    #[error("{0}")]
    Expression(String),
}

impl Failed {
    /// What the caller gets to know when the whole call fails of it.
    pub fn answer(&self, step: &str) -> Answer {
        let status = match self {
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Status(StatusCode::NOT_FOUND) => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_GATEWAY,
        };
        // Expressions are the configuration's business.
        let reason = match self {
            Self::Expression(_) => "a value is missing".to_owned(),
            other => other.to_string(),
        };
        Answer::new(status, format!("Step `{step}` failed: {reason}"))
    }
}
