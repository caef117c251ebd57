use crate::ApiError;

/// Why a call of the Admin API failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No answer, or none in time.
    #[error("the gateway's Admin API does not answer: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that refuses the call, with the gateway's own message.
    #[error("the gateway refused: {0}")]
    Refused(ApiError),
    /// An answer that is not what the Admin API answers.
    #[error("the gateway's answer to {call} cannot be read: {reason}")]
    Unreadable { call: String, reason: String },
}

impl Error {
    /// Whether the same call may succeed a moment later: no answer, 429 or 5xx.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(error) => error.status == 429 || error.status >= 500,
            Self::Unreadable { .. } => false,
        }
    }

    /// The refusal, if there was an answer.
    pub fn refused(&self) -> Option<&ApiError> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }

    pub fn status(&self) -> Option<u16> {
        self.refused().map(|error| error.status)
    }
}
