//! Consent (9.3).

use crate::{
    apis::ApiPolicy,
    clients::Client,
    flows::AuthorizeGoal,
    pages::{Named, ScopeRequest},
    state::AppState,
    subject::Subject,
};

use super::InteractionError;

/// What the user has to be asked.
pub struct Request {
    pub api: Named,
    pub application: Named,
    pub scopes: Vec<ScopeRequest>,
}

/// Whether the user agrees.
pub enum Consent {
    Given,
    Missing(Box<Request>),
    /// What somebody without an account agrees to could not be kept.
    Impossible,
}

/// The scopes that the user has not granted yet; nothing for trusted clients.
pub async fn missing(
    state: &AppState,
    client: &Client,
    api: &ApiPolicy,
    subject: &Subject,
    goal: &AuthorizeGoal,
) -> Result<Consent, InteractionError> {
    if client.trusted || goal.scope.is_empty() || goal.agreed_once {
        return Ok(Consent::Given);
    }
    let Some(user) = &subject.user else {
        return Ok(Consent::Impossible);
    };
    let granted = if goal.asks_consent {
        Vec::new()
    } else {
        let grants = &state.portal_api;
        grants
            .granted_scopes(&user.id, &client.application_id, &api.id)
            .await?
    };
    let scopes: Vec<ScopeRequest> = goal
        .scope
        .iter()
        .filter(|scope| !granted.contains(scope))
        .map(|scope| ScopeRequest {
            scope: scope.clone(),
            description: api.scope_description(scope).to_owned(),
        })
        .collect();
    if scopes.is_empty() {
        return Ok(Consent::Given);
    }
    Ok(Consent::Missing(Box::new(Request {
        api: Named {
            id: api.id.clone(),
            name: api.name.clone(),
        },
        application: Named {
            id: client.application_id.clone(),
            name: client.application_name.clone(),
        },
        scopes,
    })))
}
