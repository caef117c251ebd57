//! The authorization endpoint (section 7), at its standard URL and at the per-method, per-API ones.

pub mod openid;
mod routes;
pub mod rules;

use serde::{Deserialize, Serialize};

use crate::flows::{ResponseMode, ResponseType};

pub use routes::{answer_error, compatible_routes, offered_methods, standard_routes};

/// The parameters of an authorization request. Empty ones count as absent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizeParameters {
    pub response_type: Option<String>,
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    pub scope: Option<String>,
    pub state: Option<String>,
    pub code_challenge: Option<String>,
    pub code_challenge_method: Option<String>,
    pub prompt: Option<String>,
    pub max_age: Option<String>,
    pub namespace: Option<String>,
    pub prefill_username: Option<String>,
    /// OpenID Connect's name of `prefill_username`.
    pub login_hint: Option<String>,
    /// Names one of several methods at the standard URL.
    pub auth_method: Option<String>,
    pub nonce: Option<String>,
    pub id_token_hint: Option<String>,
    pub response_mode: Option<String>,
    pub resource: Option<String>,
    /// How sure the client wants to be of the user.
    pub acr_values: Option<String>,
    // Not offered; asking for them has errors of its own.
    pub request: Option<String>,
    pub request_uri: Option<String>,
    pub registration: Option<String>,
}

impl AuthorizeParameters {
    /// How the client expects to be answered; one that asks for nothing we know gets a query.
    pub fn response(&self) -> ResponseType {
        self.response_type
            .as_deref()
            .and_then(ResponseType::parse)
            .unwrap_or(ResponseType::Code)
    }

    /// How the answer goes back; one that is asked for and does not exist is refused elsewhere.
    pub fn mode(&self) -> ResponseMode {
        self.response_mode
            .as_deref()
            .and_then(ResponseMode::parse)
            .filter(|mode| self.response().takes(*mode))
            .unwrap_or(self.response().mode())
    }

    #[must_use]
    pub fn without_empty(self) -> Self {
        let some = |value: Option<String>| value.filter(|value| !value.is_empty());
        Self {
            response_type: some(self.response_type),
            client_id: some(self.client_id),
            redirect_uri: some(self.redirect_uri),
            scope: some(self.scope),
            state: some(self.state),
            code_challenge: some(self.code_challenge),
            code_challenge_method: some(self.code_challenge_method),
            prompt: some(self.prompt),
            max_age: some(self.max_age),
            namespace: some(self.namespace),
            prefill_username: some(self.prefill_username),
            login_hint: some(self.login_hint),
            auth_method: some(self.auth_method),
            nonce: some(self.nonce),
            id_token_hint: some(self.id_token_hint),
            response_mode: some(self.response_mode),
            resource: some(self.resource),
            acr_values: some(self.acr_values),
            request: some(self.request),
            request_uri: some(self.request_uri),
            registration: some(self.registration),
        }
    }

    /// The parameters that were sent, but for `auth_method`: to send them again with one.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("response_type", &self.response_type),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", &self.state),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
            ("prompt", &self.prompt),
            ("max_age", &self.max_age),
            ("namespace", &self.namespace),
            ("prefill_username", &self.prefill_username),
            ("login_hint", &self.login_hint),
            ("nonce", &self.nonce),
            ("id_token_hint", &self.id_token_hint),
            ("response_mode", &self.response_mode),
            ("resource", &self.resource),
            ("acr_values", &self.acr_values),
            ("request_uri", &self.request_uri),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}
