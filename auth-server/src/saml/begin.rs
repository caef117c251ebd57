//! Sending somebody to the provider.

use axum::response::Response;
use service::{
    clock,
    keys::{Keys, MissingKey},
};

use crate::{
    configuration::SamlSettings,
    flows::Flow,
    interaction,
    oauth::{ErrorCode, OAuthError},
    pages::PageError,
    state::AppState,
    upstream::states,
    visitor::Visitor,
};

use super::{
    Place,
    message::{self, LogIn},
    redirect,
};

/// Redirects to the provider of `flow`, which is stored.
pub async fn begin(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    settings: &SamlSettings,
) -> Result<Response, PageError> {
    let goal = flow.authorize();
    let passive = goal.is_some_and(|goal| goal.silent);
    if let Some(goal) = goal.filter(|_| passive && !state.configuration().cookies.secure) {
        let text = "`prompt` `none` needs https with this log-in method.";
        let error = OAuthError::new(ErrorCode::InvalidRequest, text);
        return Ok(interaction::refuse(state, visitor, goal, &error));
    }
    let now = clock::now();
    let relay_state = states::begin(&state.settings.keys)
        .map_err(|error| PageError::missing_key(state, &error))?;
    let remember = async {
        let txn = state.database.write().await?;
        states::insert(&txn, &relay_state, flow, now).await?;
        txn.commit().await
    };
    remember
        .await
        .map_err(|error: sea_orm::DbErr| PageError::database(state, &error))?;
    let id = request_id(&state.settings.keys, relay_state.expose())
        .map_err(|error| PageError::missing_key(state, &error))?;
    let request = LogIn {
        id: &id,
        fresh: settings.force_authn || flow.login_after.is_some(),
        passive,
        now,
    };
    let text = message::log_in(settings, &Place::of(state, &flow.method), &request);
    let url = redirect::address(
        &settings.sso_login_url,
        ("SAMLRequest", &text),
        Some(relay_state.expose()),
        settings.signing_key.as_deref(),
    );
    Ok(visitor.finish(interaction::redirect(&url)))
}

/// The id of the request that went out with `relay_state`. It stands nowhere.
pub fn request_id(keys: &Keys, relay_state: &str) -> Result<String, MissingKey> {
    let key = states::key_of(keys, relay_state)?;
    let digest = key.hmac_sha256(format!("upstream/saml/{relay_state}").as_bytes());
    Ok(format!("_{}", hex::encode(digest)))
}
