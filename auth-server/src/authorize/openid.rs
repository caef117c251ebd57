//! Parameters of OpenID Connect (Core 3.1.2.1, 6) that need no user.

use service::clock;

use crate::{
    flows::ResponseMode,
    oauth::{ErrorCode, OAuthError},
    openid,
    state::AppState,
};

use super::AuthorizeParameters;

/// Longest `nonce`: clients send a random value or its hash.
const MAX_NONCE: usize = 512;

/// Refuses what is not offered and what cannot be read.
pub fn check(state: &AppState, parameters: &AuthorizeParameters) -> Result<(), OAuthError> {
    for (sent, code, name) in [
        (
            &parameters.request,
            ErrorCode::RequestNotSupported,
            "request",
        ),
        (
            &parameters.request_uri,
            ErrorCode::RequestUriNotSupported,
            "request_uri",
        ),
        (
            &parameters.registration,
            ErrorCode::RegistrationNotSupported,
            "registration",
        ),
    ] {
        if sent.is_some() {
            return Err(OAuthError::new(code, format!("`{name}` is not offered.")));
        }
    }
    let invalid = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    let response = parameters.response();
    let is_offered =
        |mode: &str| ResponseMode::parse(mode).is_some_and(|mode| response.takes(mode));
    let mode = parameters.response_mode.as_deref();
    if !mode.is_none_or(is_offered) {
        return invalid("This `response_mode` is not offered with this `response_type`.");
    }
    let nonce = parameters.nonce.as_deref().unwrap_or_default();
    if nonce.len() > MAX_NONCE {
        return invalid("`nonce` is longer than 512 characters.");
    }
    if let Some(hint) = &parameters.id_token_hint
        && openid::read_hint(state, hint, clock::now()).is_none()
    {
        return invalid("`id_token_hint` is no ID token of this server.");
    }
    Ok(())
}
