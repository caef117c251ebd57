//! What can go wrong with Kong, and how clients are told.

use http::StatusCode;

use crate::oauth::{Dialect, ErrorCode, OAuthError};

/// Why Kong gave no token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KongError {
    /// No answer, or none that tells anything. The same call may succeed later.
    #[error("Kong does not answer: {0}")]
    Away(String),
    /// Kong is not set up for this API, or in a way that cannot work.
    #[error("Kong is not set up for it: {0}")]
    Setup(String),
    #[error("Kong refused with status {status} and code `{code}`")]
    Refused { status: u16, code: String },
}

impl KongError {
    /// Whether Kong does not know the code or token that was presented.
    pub fn is_unknown_token(&self) -> bool {
        matches!(self, Self::Refused { code, .. }
            if code == "invalid_request" || code == "invalid_grant")
    }

    /// The answer to a client. Kong's own words stay in the log.
    pub fn answer(&self, dialect: Dialect) -> OAuthError {
        match self {
            Self::Away(_) => {
                let away = OAuthError::unavailable();
                match dialect {
                    Dialect::Standard => away,
                    // Old clients know no other code (10.3); those that read it see when to come back.
                    Dialect::Compatible => OAuthError {
                        code: ErrorCode::ServerError,
                        status: StatusCode::INTERNAL_SERVER_ERROR,
                        ..away
                    },
                }
            }
            Self::Setup(_) => OAuthError::new(
                ErrorCode::ServerError,
                "The gateway is not ready to issue tokens for this API.",
            ),
            Self::Refused { status, code } => {
                let code = ErrorCode::parse(code).unwrap_or(ErrorCode::ServerError);
                let error = OAuthError::new(code, "The gateway refused to issue a token.");
                let status = StatusCode::from_u16(*status).ok();
                match status.filter(StatusCode::is_client_error) {
                    Some(status) if dialect == Dialect::Compatible => error.with_status(status),
                    _ => error,
                }
            }
        }
    }
}

impl From<kong::admin::Error> for KongError {
    fn from(error: kong::admin::Error) -> Self {
        // Texts of these errors carry neither addresses nor tokens.
        if error.is_temporary() {
            Self::Away(error.to_string())
        } else {
            Self::Setup(error.to_string())
        }
    }
}
