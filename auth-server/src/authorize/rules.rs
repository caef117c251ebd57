//! Decisions about an authorization request that need no user.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    apis::ApiPolicy,
    flows::ResponseType,
    oauth::{ErrorCode, OAuthError},
    state::AppState,
    token::Endpoint,
};

use super::{AuthorizeParameters, openid};

/// Whether the API allows the flow and the method. Checked before anybody logs in (F14).
pub fn check_api(
    state: &AppState,
    parameters: &AuthorizeParameters,
    endpoint: &Endpoint,
    api: &ApiPolicy,
) -> Result<(), OAuthError> {
    let refuse = |code, text: &str| Err(OAuthError::new(code, text));
    if parameters.response_type.is_none() {
        return refuse(ErrorCode::InvalidRequest, "`response_type` is missing.");
    }
    let allowed = match parameters.response() {
        ResponseType::Code => api.code,
        ResponseType::Token if !state.settings.grants.implicit => {
            return refuse(
                ErrorCode::UnsupportedResponseType,
                "Only `response_type` `code` is offered.",
            );
        }
        ResponseType::Token => api.implicit,
    };
    if !allowed {
        return refuse(
            ErrorCode::UnauthorizedClient,
            "The API does not allow this `response_type`.",
        );
    }
    if let Endpoint::PerMethod { method, .. } = endpoint
        && !api.accepts_method(&state.settings.server_name, method)
    {
        return refuse(
            ErrorCode::UnauthorizedClient,
            "The API does not accept this login method.",
        );
    }
    openid::check(state, parameters)?;
    // A tenant is only known to APIs whose users register (F1).
    if let Some(namespace) = &parameters.namespace
        && (api.pool.is_none() || !is_namespace(namespace))
    {
        return refuse(
            ErrorCode::InvalidRequest,
            "The API has no such `namespace`.",
        );
    }
    Ok(())
}

/// `^[a-z0-9_-]+$`
pub fn is_namespace(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}

/// Old clients send the challenge as standard Base64, with or without padding.
pub fn normal_challenge(challenge: &str) -> String {
    challenge
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

/// The values of `prompt` that mean nothing here, for a provider that people are sent to.
pub fn prompt_of_others(prompt: &str) -> Option<String> {
    let ours = ["none", "login", "create"];
    let others: Vec<&str> = prompt
        .split_whitespace()
        .filter(|value| !ours.contains(value))
        .collect();
    let others = others.join(" ");
    (1..=256).contains(&others.len()).then_some(others)
}

/// How the request wants the user to be involved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompting {
    /// `prompt=none`: no page may be shown.
    pub silent: bool,
    /// `prompt=consent`: the user is asked again.
    pub asks_consent: bool,
    /// A login has to be younger than this.
    pub login_after: Option<DateTime<Utc>>,
}

impl Prompting {
    /// Reads `prompt` and `max_age`. Other values of `prompt` are for providers behind us.
    pub fn of(parameters: &AuthorizeParameters, now: DateTime<Utc>) -> Result<Self, OAuthError> {
        let prompts: Vec<&str> = parameters
            .prompt
            .as_deref()
            .map(|prompt| prompt.split(' ').collect())
            .unwrap_or_default();
        let wants = |prompt| prompts.contains(&prompt);
        if wants("none") && prompts.len() > 1 {
            return Err(OAuthError::new(
                ErrorCode::InvalidRequest,
                "`prompt` `none` stands alone.",
            ));
        }
        let max_age = match parameters.max_age.as_deref().map(str::parse::<u32>) {
            None => None,
            Some(Ok(seconds)) => Some(TimeDelta::seconds(i64::from(seconds))),
            Some(Err(_)) => {
                return Err(OAuthError::new(
                    ErrorCode::InvalidRequest,
                    "`max_age` is a number of seconds.",
                ));
            }
        };
        let login_after = if wants("login") {
            Some(now)
        } else {
            max_age.map(|age| now - age)
        };
        Ok(Self {
            silent: wants("none"),
            asks_consent: wants("consent"),
            login_after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompting(prompt: Option<&str>, max_age: Option<&str>) -> Result<Prompting, ErrorCode> {
        let parameters = AuthorizeParameters {
            prompt: prompt.map(str::to_owned),
            max_age: max_age.map(str::to_owned),
            ..AuthorizeParameters::default()
        };
        Prompting::of(&parameters, at(1000)).map_err(|error| error.code)
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn prompt_and_max_age_say_how_old_a_login_may_be() {
        let expect = |silent, login_after| {
            Ok(Prompting {
                silent,
                asks_consent: false,
                login_after,
            })
        };
        assert_eq!(prompting(None, None), expect(false, None));
        assert_eq!(prompting(Some("none"), None), expect(true, None));
        assert_eq!(
            prompting(Some("login"), None),
            expect(false, Some(at(1000)))
        );
        assert_eq!(prompting(None, Some("60")), expect(false, Some(at(940))));
        assert_eq!(prompting(Some("select_account"), None), expect(false, None));
        let both = prompting(Some("login consent"), None).unwrap();
        assert!(both.asks_consent && both.login_after.is_some());
        assert_eq!(
            prompting(Some("none consent"), None),
            Err(ErrorCode::InvalidRequest)
        );
        assert_eq!(
            prompting(Some("none login"), None),
            Err(ErrorCode::InvalidRequest)
        );
        assert_eq!(prompting(None, Some("-1")), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn challenges_of_old_clients_are_read() {
        assert_eq!(normal_challenge("a+b/c="), "a-b_c");
    }
}
