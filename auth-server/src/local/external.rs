//! Names and passwords that a service of the operator's checks (19.2).

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::http::read_at_most;

use crate::{configuration::ExternalSettings, federated::Identity, interaction::InteractionError};

/// How long the service may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    profile: Option<Map<String, Value>>,
    #[serde(default)]
    error: Option<Value>,
}

/// Who somebody is, or nothing if the service refuses name and password.
///
/// A service that is away or answers nonsense lets nobody in, and is no failed attempt of a person.
pub async fn verify(
    settings: &ExternalSettings,
    username: &str,
    password: &str,
) -> Result<Option<Identity>, InteractionError> {
    let request = service::http::client()
        .post(settings.validate.clone())
        .timeout(TIMEOUT)
        .json(&json!({"username": username, "password": password}));
    let away = |error: reqwest::Error| InteractionError::Provider(error.without_url().to_string());
    let response = request.send().await.map_err(away)?;
    let status = response.status();
    if status.is_server_error() {
        let text = format!("the user service answers with status {status}");
        return Err(InteractionError::Provider(text));
    }
    if status != StatusCode::OK {
        return Ok(None);
    }
    let body = read_at_most(response, MAX_ANSWER).await.map_err(|error| {
        InteractionError::Provider(format!("the answer of the user service: {error}"))
    })?;
    let Ok(answer) = serde_json::from_slice::<Answer>(&body) else {
        let text = "the answer of the user service is no JSON object".to_owned();
        return Err(InteractionError::Provider(text));
    };
    if answer.error.is_some_and(|error| !error.is_null()) {
        return Ok(None);
    }
    Ok(answer.profile.as_ref().and_then(Identity::of_profile))
}
