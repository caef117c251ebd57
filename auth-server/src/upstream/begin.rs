//! Sending somebody to the provider.

use axum::response::Response;
use chrono::{DateTime, Utc};
use service::clock;
use url::Url;

use crate::{
    configuration::{Provider, RedirectSettings},
    flows::Flow,
    interaction,
    pages::PageError,
    secret::Secret,
    state::AppState,
    visitor::Visitor,
};

use super::{
    UpstreamError, failure,
    states::{self, Derived},
};

/// What stands in the request because of how this works; settings do not change it.
const OURS: &[&str] = &[
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "scope",
];

/// Redirects to the provider of `flow`, which is stored.
pub async fn begin(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    settings: &RedirectSettings,
) -> Result<Response, PageError> {
    match authorization_url(state, flow, settings).await {
        Ok(url) => Ok(visitor.finish(interaction::redirect(url.as_str()))),
        Err(error) => failure::answer(state, visitor, flow, settings, &error).await,
    }
}

/// Where the provider sends people back to.
pub fn callback_url(state: &AppState, method: &str) -> String {
    format!("{}/{method}/callback", state.configuration().issuer)
}

async fn authorization_url(
    state: &AppState,
    flow: &Flow,
    settings: &RedirectSettings,
) -> Result<Url, UpstreamError> {
    let now = clock::now();
    let (endpoint, tells_auth_time) = match &settings.provider {
        Provider::OAuth2 { endpoints, .. } => (endpoints.authorize.clone(), false),
        Provider::Oidc { issuer } => {
            let description = state.descriptions.of(issuer).await?;
            (
                description.authorization_endpoint.clone(),
                description.tells_auth_time(),
            )
        }
    };
    let token = states::begin(&state.settings.keys)?;
    let txn = state.database.write().await?;
    states::insert(&txn, &token, flow, now).await?;
    txn.commit().await?;
    let derived = Derived::of(&state.settings.keys, token.expose())?;
    let request = Request {
        flow,
        settings,
        token: &token,
        derived: &derived,
        callback: callback_url(state, &flow.method),
        max_age: flow.login_after.filter(|_| tells_auth_time),
        now,
    };
    Ok(request.put_into(endpoint))
}

struct Request<'a> {
    flow: &'a Flow,
    settings: &'a RedirectSettings,
    token: &'a Secret,
    derived: &'a Derived,
    callback: String,
    max_age: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Request<'_> {
    fn put_into(&self, mut endpoint: Url) -> Url {
        let Self { flow, settings, .. } = self;
        let mut query = endpoint.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &self.callback)
            .append_pair("state", self.token.expose())
            .append_pair("code_challenge", &self.derived.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(scope) = &settings.scope {
            query.append_pair("scope", scope);
        }
        if matches!(settings.provider, Provider::Oidc { .. }) {
            query.append_pair("nonce", &self.derived.nonce);
        }
        let prompt = self.prompt();
        if let Some(prompt) = &prompt {
            query.append_pair("prompt", prompt);
        }
        if let Some(after) = self.max_age {
            let seconds = (self.now - after).num_seconds().max(0);
            query.append_pair("max_age", &seconds.to_string());
        }
        if let Some(name) = &flow.prefill_username {
            query.append_pair(settings.hint, name);
        }
        let client_state = flow.authorize().and_then(|goal| goal.state.as_deref());
        if let Some(client_state) = client_state.filter(|_| settings.forward_state) {
            query.append_pair("client_state", client_state);
        }
        for (name, value) in &settings.parameters {
            let is_set = name == "prompt" && prompt.is_some();
            if !is_set && !OURS.contains(&name.as_str()) {
                query.append_pair(name, value);
            }
        }
        drop(query);
        endpoint
    }

    /// Silence, a new log-in, and whatever else the client asks the provider for.
    fn prompt(&self) -> Option<String> {
        if !self.settings.prompts {
            return None;
        }
        if self.flow.authorize().is_some_and(|goal| goal.silent) {
            return Some("none".to_owned());
        }
        let login = self
            .flow
            .login_after
            .map(|_| self.settings.login_prompt.to_owned());
        let mut values: Vec<String> = login.into_iter().collect();
        let others = self.flow.prompt.as_deref().unwrap_or_default();
        for other in others.split_whitespace() {
            if !values.iter().any(|value| value == other) {
                values.push(other.to_owned());
            }
        }
        Some(values.join(" ")).filter(|values| !values.is_empty())
    }
}
