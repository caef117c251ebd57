//! What the sample backends share: their error answers and the identity that the gateway sends.

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::json;

/// An error as the definitions describe it: `{"status", "message"}`.
pub struct Refusal(pub StatusCode, pub String);

impl Refusal {
    pub fn invalid(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, message.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (
            self.0,
            Json(json!({"status": self.0.as_u16(), "message": self.1})),
        )
            .into_response()
    }
}

/// A JSON body; what is wrong with it is answered in the backend's own form.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let parsed: Result<Json<T>, JsonRejection> = Json::from_request(request, state).await;
        parsed
            .map(|Json(body)| Self(body))
            .map_err(|error| Refusal::invalid(error.body_text()))
    }
}

/// Whether the gateway vouches for `scope`.
pub fn has_scope(headers: &HeaderMap, scope: &str) -> bool {
    let granted = headers
        .get("x-authenticated-scope")
        .and_then(|value| value.to_str().ok());
    granted
        .unwrap_or_default()
        .split_ascii_whitespace()
        .any(|granted| granted == scope)
}

/// Who calls: the user, or the application for tokens without a user.
pub fn caller(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("x-authenticated-userid")
        .map(|user| crate::caller::subject(user).unwrap_or(user))
        .or_else(|| text("x-consumer-custom-id"))
        .unwrap_or("unknown")
        .to_owned()
}
