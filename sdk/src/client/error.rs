use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use service::keys::MissingKey;

/// portal-api refused a call.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} ({status})")]
pub struct ApiError {
    pub status: StatusCode,
    /// One sentence for people.
    pub message: String,
    /// Machine-readable name of the case: the last part of `type`, or empty.
    pub kind: String,
    /// What is wrong with single members of the request.
    pub errors: Vec<FieldError>,
    pub retry_after: Option<Duration>,
}

/// What is wrong with one member of a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FieldError {
    #[serde(default)]
    pub field: String,
    #[serde(default)]
    pub rule: String,
    #[serde(default)]
    pub message: String,
}

/// Why a call brought no result. Texts hold no query strings and no secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{address} does not answer: {reason}")]
    Unreachable { address: String, reason: String },
    /// The answer is not what the contract says.
    #[error("the answer to {call} is not usable: {reason}")]
    Malformed { call: String, reason: String },
    /// An id that cannot stand in a path, such as `..`.
    #[error("`{0}` cannot be part of an address")]
    Segment(String),
    #[error(transparent)]
    Key(#[from] MissingKey),
    /// Where the answer was to be written.
    #[error("the answer could not be stored: {0}")]
    Sink(#[from] std::io::Error),
}

impl Error {
    /// The status, if portal-api answered with one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Api(error) => Some(error.status),
            _ => None,
        }
    }

    /// Whether portal-api answered 404.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether trying again later may help: nobody answered, or not in a final way.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Api(error) => {
                error.status.is_server_error()
                    || error.status == StatusCode::TOO_MANY_REQUESTS
                    || error.status == StatusCode::REQUEST_TIMEOUT
            }
            Self::Unreachable { .. } | Self::Malformed { .. } | Self::Sink(_) => true,
            Self::Segment(_) | Self::Key(_) => false,
        }
    }
}

/// Turns "not found" into `None`, for what may rightly be absent.
pub trait Optional<T> {
    fn optional(self) -> Result<Option<T>, Error>;
}

impl<T> Optional<T> for Result<T, Error> {
    fn optional(self) -> Result<Option<T>, Error> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The members of an error answer that clients read; all shapes of portal-api 5 fit.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    message: Option<String>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    errors: Vec<FieldError>,
}

impl ApiError {
    pub(super) fn read(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let kind = body.kind.unwrap_or_default();
        Self {
            status,
            message: body
                .message
                .filter(|message| !message.is_empty())
                .unwrap_or_else(|| "portal-api refused the call without a reason".to_owned()),
            kind: kind
                .rsplit([':', '/'])
                .next()
                .unwrap_or_default()
                .to_owned(),
            errors: body.errors,
            retry_after,
        }
    }
}
