//! Consent (9.3).

use sdk::types::User;

use crate::{
    apis::ApiPolicy,
    clients::Client,
    flows::AuthorizeGoal,
    pages::{Named, ScopeRequest},
    state::AppState,
};

use super::InteractionError;

/// What the user has to be asked.
pub struct Request {
    pub api: Named,
    pub application: Named,
    pub scopes: Vec<ScopeRequest>,
}

/// The scopes that the user has not granted yet; nothing for trusted clients.
pub async fn missing(
    state: &AppState,
    client: &Client,
    api: &ApiPolicy,
    user: &User,
    goal: &AuthorizeGoal,
) -> Result<Option<Request>, InteractionError> {
    if client.trusted || goal.scope.is_empty() {
        return Ok(None);
    }
    let granted = state
        .portal_api
        .granted_scopes(&user.id, &client.application_id, &api.id)
        .await?;
    let scopes: Vec<ScopeRequest> = goal
        .scope
        .iter()
        .filter(|scope| !granted.contains(scope))
        .map(|scope| ScopeRequest {
            scope: scope.clone(),
            description: api.scope_description(scope).to_owned(),
        })
        .collect();
    Ok((!scopes.is_empty()).then(|| Request {
        api: Named {
            id: api.id.clone(),
            name: api.name.clone(),
        },
        application: Named {
            id: client.application_id.clone(),
            name: client.application_name.clone(),
        },
        scopes,
    }))
}
