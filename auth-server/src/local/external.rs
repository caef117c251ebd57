//! Names and passwords that a service of the operator's checks (19.2).

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    callout, configuration::ExternalSettings, federated::Identity, interaction::InteractionError,
    state::AppState,
};

/// Who somebody is, or nothing if the service refuses name and password.
///
/// A service that is away or answers nonsense lets nobody in, and is no failed attempt of a person.
pub async fn verify(
    state: &AppState,
    settings: &ExternalSettings,
    username: &str,
    password: &str,
) -> Result<Option<Identity>, InteractionError> {
    let failed = |text: String| InteractionError::Provider(format!("the user service: {text}"));
    let body = json!({"username": username, "password": password});
    let (status, answer) = callout::post(state, &settings.validate, &body)
        .await
        .map_err(failed)?;
    if status.is_server_error() {
        return Err(failed(format!("status {status}")));
    }
    if status != StatusCode::OK {
        return Ok(None);
    }
    let Some(Value::Object(answer)) = answer else {
        return Err(failed("the answer is no JSON object".to_owned()));
    };
    if answer.get("error").is_some_and(|error| !error.is_null()) {
        return Ok(None);
    }
    let profile = answer.get("profile").and_then(Value::as_object);
    let identity = profile.and_then(Identity::of_profile);
    Ok(identity.filter(|identity| identity.email.is_some()))
}
