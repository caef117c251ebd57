//! Outside services that decide for an API: which scope a user gets and how the backend knows him
//! (9.4), and whether a token may be refreshed (19.2).

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::clock;
use url::Url;

use crate::{
    apis::ApiPolicy,
    callout,
    configuration::{ExternalSettings, Method},
    families::{self, Family, RevokeReason},
    oauth::{ErrorCode, OAuthError, Refusal},
    scopes,
    state::AppState,
    token::TokenError,
};

/// How often it is tried, with a pause between, and for how long altogether.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(12);
/// Longest text that names a user to the backend.
const MAX_USER_ID: usize = 512;

/// What the scope service decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub scope: Vec<String>,
    /// How the backend is to know the user.
    pub user_id: Option<String>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum ScopeServiceError {
    /// In the service's own words.
    #[error("the scope service refuses the user")]
    Denied(Option<String>),
    #[error("the scope service cannot be asked: {0}")]
    Away(String),
    #[error("the scope service's answer is not accepted: {0}")]
    Wrong(String),
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    allow: Option<bool>,
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    authenticated_scope: Option<Vec<String>>,
    #[serde(default)]
    authenticated_userid: Option<String>,
}

/// Asks the scope service of `api`, if it has one.
pub async fn decide(
    state: &AppState,
    api: &ApiPolicy,
    scope: &[String],
    method: &str,
    profile: &Map<String, Value>,
) -> Result<Option<Decision>, ScopeServiceError> {
    let Some(url) = &api.scope_service else {
        return Ok(None);
    };
    let body = json!({"scope": scope, "auth_method": method, "profile": profile});
    let answer = ask_again_and_again(state, url, &body)
        .await
        .map_err(ScopeServiceError::Away)?;
    let wrong = |text: &str| ScopeServiceError::Wrong(text.to_owned());
    let answer: Answer =
        serde_json::from_value(answer).map_err(|_| wrong("a member is not what it should be"))?;
    if answer.allow != Some(true) {
        return Err(ScopeServiceError::Denied(answer.error_message));
    }
    let scope = answer.authenticated_scope.unwrap_or_default();
    let known = api.scope_ids();
    // Scopes of groups are not among them: nobody but us gives those (F5).
    if scope.iter().any(|one| !known.contains(one)) {
        return Err(wrong(
            "`authenticated_scope` names a scope that the API does not have",
        ));
    }
    let user_id = answer.authenticated_userid.filter(|text| !text.is_empty());
    let is_header = |text: &String| {
        text.len() <= MAX_USER_ID && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    if !user_id.as_ref().is_none_or(is_header) {
        return Err(wrong("`authenticated_userid` is no text for a header"));
    }
    Ok(Some(Decision { scope, user_id }))
}

async fn ask_again_and_again(state: &AppState, url: &Url, body: &Value) -> Result<Value, String> {
    let until = clock::now() + PATIENCE;
    let mut tries = 1;
    loop {
        let failed = match callout::post(state, url, body).await {
            Ok((status, Some(value))) if status.is_success() => return Ok(value),
            Ok((status, None)) if status.is_success() => "the answer is no JSON".to_owned(),
            Ok((status, _)) => format!("status {status}"),
            Err(text) => text,
        };
        if tries == TRIES || clock::now() + PAUSE > until {
            return Err(failed);
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

impl ScopeServiceError {
    /// For a client that waits at its redirect URI.
    pub fn answer(&self) -> OAuthError {
        match self {
            Self::Denied(why) => OAuthError::new(ErrorCode::AccessDenied, denial(why.as_deref())),
            Self::Away(_) | Self::Wrong(_) => {
                tracing::error!(error = %self, "the scope of a user could not be decided");
                let text = "The service that decides about the scope did not.";
                OAuthError::new(ErrorCode::ServerError, text)
            }
        }
    }
}

/// What may stand in an error description (RFC 6749 4.1.2.1).
fn denial(why: Option<&str>) -> String {
    let plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    let why: String = why
        .unwrap_or_default()
        .chars()
        .filter(plain)
        .take(200)
        .collect();
    if why.is_empty() {
        "The API does not let this user in.".to_owned()
    } else {
        format!("The API does not let this user in: {why}")
    }
}

impl From<ScopeServiceError> for TokenError {
    fn from(error: ScopeServiceError) -> Self {
        match error {
            ScopeServiceError::Denied(_) => Refusal::ScopeServiceDenied.into(),
            ScopeServiceError::Away(_) | ScopeServiceError::Wrong(_) => {
                Self::Provider(error.to_string())
            }
        }
    }
}

/// The family as it is to go on, for an API that passes its users through: its method and the scope
/// service are asked once more.
pub async fn renew(
    state: &AppState,
    api: &ApiPolicy,
    family: &Family,
) -> Result<Family, TokenError> {
    if !api.can_renew() {
        return Err(Refusal::PassthroughUnsupported.into());
    }
    let text = family.authenticated_userid();
    let configuration = state.configuration();
    if let Some(settings) = configuration
        .method(&family.method)
        .and_then(Method::external)
        && !may_refresh(state, settings, &text, &family.scope).await?
    {
        return Err(Refusal::RefreshNotAllowed.into());
    }
    let mut profile = Map::new();
    profile.insert("sub".to_owned(), json!(id_in(&text)));
    match decide(state, api, &family.scope, &family.method, &profile).await {
        Ok(Some(Decision {
            scope,
            user_id: Some(user_id),
        })) => {
            let mut renewed = family.clone();
            renewed.scope = scope;
            renewed.verbatim = Some(user_id);
            Ok(renewed)
        }
        // Everybody would be nobody (F30).
        Ok(_) => {
            let text = "the scope service's answer has no `authenticated_userid`";
            Err(TokenError::Provider(text.to_owned()))
        }
        Err(ScopeServiceError::Denied(_)) => {
            let txn = state.database.write().await?;
            let reason = RevokeReason::ConsentWithdrawn;
            families::revoke(&txn, &family.id, reason, clock::now()).await?;
            txn.commit().await?;
            Err(Refusal::ConsentWithdrawn.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Behind `sub=`, up to a semicolon; a text without it as a whole (section 12).
fn id_in(text: &str) -> &str {
    match text.strip_prefix("sub=") {
        Some(rest) => rest.split_once(';').map_or(rest, |(id, _)| id),
        None => text,
    }
}

/// Whether the service that checked name and password lets the token live on. Without an address to
/// ask at, it does not say no.
async fn may_refresh(
    state: &AppState,
    settings: &ExternalSettings,
    text: &str,
    scope: &[String],
) -> Result<bool, TokenError> {
    let Some(url) = &settings.allow_refresh else {
        return Ok(true);
    };
    let body = json!({"authenticated_userid": text, "authenticated_scope": scopes::join(scope)});
    let failed = |text: String| TokenError::Provider(format!("`allowRefreshUrl`: {text}"));
    let (status, answer) = callout::post(state, url, &body).await.map_err(failed)?;
    let answer = answer.unwrap_or_default();
    if status != StatusCode::OK || answer.get("error").is_some_and(|error| !error.is_null()) {
        tracing::error!(%status, "the user service does not say whether a token may be refreshed");
        return Err(Refusal::RefreshCheckFailed.into());
    }
    Ok(answer.get("allow_refresh") == Some(&Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_read_back_from_what_the_backend_is_told() {
        for (text, id) in [
            ("sub=42", "42"),
            ("sub=42;namespace=a", "42"),
            ("ada@corp", "ada@corp"),
            ("user=1;sub=2", "user=1;sub=2"),
        ] {
            assert_eq!(id_in(text), id);
        }
    }
}
