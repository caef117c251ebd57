//! Coming back from the provider.

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    response::Response,
};
use sdk::types::User;
use serde::Deserialize;
use service::clock;

use crate::{
    configuration::{Method, Provider, RedirectSettings},
    factors::Proof,
    federated::{self, Identity, Loaded, Person},
    flows::{self, Flow},
    interaction,
    local::{self, Wanted, any_flow, find_flow, method_of, wanted},
    oauth::{ErrorCode, OAuthError},
    pages::{Fault, PageError},
    state::AppState,
    visitor::Visitor,
};

use super::{
    UpstreamError,
    begin::{begin, callback_url},
    email_missing,
    exchange::TokenEndpoint,
    failure,
    oidc::{self, Expected},
    profile,
    states::{self, Derived},
};

/// What the provider sends people back with.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

/// `GET {B}/{method}/callback`
pub async fn callback(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let fault = |fault| PageError::new(&state, fault);
    let Some(settings) = method.redirect().cloned() else {
        return Err(fault(Fault::NotFound));
    };
    let Ok(Query(parameters)) = parameters else {
        return Err(fault(Fault::Parameters));
    };
    let Some(flow) = flow_of(&state, &visitor, &method, &parameters).await? else {
        return Err(fault(Fault::Flow));
    };
    if let Some(error) = &parameters.error {
        let error = (error.as_str(), parameters.error_description.as_deref());
        return Ok(failure::refuse(&state, visitor, &flow, &settings, error));
    }
    let (Some(code), Some(token)) = (&parameters.code, &parameters.state) else {
        // Neither a code nor an error: the log-in begins anew.
        return begin(&state, visitor, &flow, &settings).await;
    };
    let answer = Answer {
        code,
        state: token,
        iss: parameters.iss.as_deref(),
    };
    match answer.identity(&state, &settings, &flow).await {
        Ok(identity) => enter(&state, visitor, flow, &method, identity).await,
        Err(error) => failure::answer(&state, visitor, &flow, &settings, &error).await,
    }
}

/// The request of this browser that somebody comes back to. Without `state` none can be continued,
/// only begun anew.
async fn flow_of(
    state: &AppState,
    visitor: &Visitor,
    method: &Method,
    parameters: &Parameters,
) -> Result<Option<Flow>, PageError> {
    let Some(token) = &parameters.state else {
        return match (&parameters.code, &parameters.error) {
            (None, None) => any_flow(state, visitor, &method.id, None).await,
            _ => Ok(None),
        };
    };
    let use_up = async {
        let txn = state.database.write().await?;
        let found = states::take(&txn, token, &method.id, clock::now()).await?;
        txn.commit().await?;
        // What has an answer is not a state that anybody was sent away with.
        Ok(found.and_then(|(id, answer)| answer.is_none().then_some(id)))
    };
    let id = use_up
        .await
        .map_err(|error: sea_orm::DbErr| PageError::database(state, &error))?;
    let flow = match id {
        Some(id) => find_flow(state, visitor, &id).await?,
        None => None,
    };
    Ok(flow.filter(|flow| flow.method == method.id))
}

/// A code, and what came with it.
struct Answer<'a> {
    code: &'a str,
    state: &'a str,
    iss: Option<&'a str>,
}

impl Answer<'_> {
    /// Redeems the code and finds out who it is.
    async fn identity(
        &self,
        state: &AppState,
        settings: &RedirectSettings,
        flow: &Flow,
    ) -> Result<Identity, UpstreamError> {
        let derived = Derived::of(&state.settings.keys, self.state)?;
        let callback = callback_url(state, &flow.method);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", self.code),
            ("redirect_uri", callback.as_str()),
            ("code_verifier", derived.verifier.as_str()),
        ];
        let refused = || UpstreamError::unbelievable("the token endpoint refuses the code");
        match &settings.provider {
            Provider::OAuth2 { endpoints, profile } => {
                let endpoint = TokenEndpoint {
                    url: endpoints.token.clone(),
                    basic: endpoints.basic,
                };
                let tokens = endpoint.ask(settings, &form).await?.ok_or_else(refused)?;
                profile::identity(settings, profile, &tokens.access).await
            }
            Provider::Oidc { issuer } => {
                let description = state.descriptions.of(issuer).await?;
                description.check_issuer(self.iss)?;
                let endpoint = TokenEndpoint {
                    url: description.token_endpoint.clone(),
                    basic: description.takes_basic(),
                };
                let tokens = endpoint.ask(settings, &form).await?.ok_or_else(refused)?;
                let missing = || UpstreamError::unbelievable("there is no ID token");
                let id_token = tokens.id_token.ok_or_else(missing)?;
                let after = flow.login_after.filter(|_| description.tells_auth_time());
                let expected = Expected {
                    nonce: &derived.nonce,
                    login_after: after,
                };
                oidc::identity(
                    &state.descriptions,
                    (settings, &description),
                    (&id_token, &tokens.access),
                    &expected,
                    clock::now(),
                )
                .await
            }
        }
    }
}

/// Goes on with somebody whom the provider vouches for.
pub async fn enter(
    state: &AppState,
    visitor: Visitor,
    mut flow: Flow,
    method: &Method,
    identity: Identity,
) -> Result<Response, PageError> {
    let language = match wanted(state, &flow, &visitor).await? {
        Wanted::Account(language) => language,
        // The API passes its users through; nobody here has to know them.
        Wanted::Identity => {
            let person = Person {
                user: None,
                identity: Some(identity),
                proof: Proof::Elsewhere,
            };
            return go_on(state, visitor, flow, &person).await;
        }
    };
    let loaded = federated::load(state, method, &identity, language)
        .await
        .map_err(|error| interaction::page_error(state, &error))?;
    // Who is locked would be sent back and forth: the provider knows nothing of it.
    let is_open = |user: &User| user.accepts_session_of(clock::now());
    if let Some(goal) = flow.authorize().filter(|goal| goal.silent)
        && !matches!(&loaded, Loaded::User(user) if is_open(user))
    {
        let text = "The user of the provider has no account here yet, or none that is open.";
        let error = OAuthError::new(ErrorCode::InteractionRequired, text);
        return Ok(interaction::refuse(state, visitor, goal, &error));
    }
    let user = match loaded {
        Loaded::User(user) if is_open(&user) => user,
        Loaded::User(_) => return Ok(failure::to_failure_page(state, visitor)),
        Loaded::AddressTaken if identity.email_verified && flow.link.is_none() => {
            flow.identity = Some(identity);
            return local::ask_to_link(state, visitor, &flow).await;
        }
        Loaded::AddressTaken => {
            return Err(PageError::new(state, Fault::AddressTaken));
        }
        Loaded::AddressMissing => {
            flow.identity = Some(identity);
            return email_missing::ask(state, visitor, &flow).await;
        }
    };
    let person = Person {
        user: Some(*user),
        identity: Some(identity),
        proof: Proof::Elsewhere,
    };
    go_on(state, visitor, flow, &person).await
}

async fn go_on(
    state: &AppState,
    visitor: Visitor,
    mut flow: Flow,
    person: &Person,
) -> Result<Response, PageError> {
    if flow.identity.take().is_some() {
        forget_identity(state, &flow)
            .await
            .map_err(|error| PageError::database(state, &error))?;
    }
    local::admit(state, visitor, flow, person).await
}

/// The account has been made; what the provider said is not needed any more.
async fn forget_identity(state: &AppState, flow: &Flow) -> Result<(), sea_orm::DbErr> {
    let txn = state.database.write().await?;
    flows::set_identity(&txn, &flow.id, None).await?;
    txn.commit().await
}
