//! The password grant (10.4), for installations that still need it: the user's password goes through
//! the application, so it is off unless operator and API switch it on, and only for trusted,
//! confidential clients (F17).

use chrono::TimeDelta;
use sdk::types::User;
use service::{clock, random};

use crate::{
    PasswordGrant,
    address::Peer,
    apis::ApiPolicy,
    brake::Braked,
    clients::Client,
    configuration::Method,
    factors,
    families::{self, Family},
    federated::Person,
    local::{Checked, Wanted, check_password},
    oauth::{Grant, Refusal},
    passthrough::{self, Decision},
    records::{self, Act},
    scopes,
    state::AppState,
    subject::Subject,
};

use super::{
    Endpoint, NextRefresh, TokenAnswer, TokenError, TokenRequest, UserFlow, UserGrant, api_of,
    authenticate, keep, make,
};

/// Issues tokens for a name and a password. Everything about the client is checked first (F10).
pub async fn grant(
    state: &AppState,
    request: &TokenRequest,
    endpoint: &Endpoint,
    peer: Peer,
) -> Result<TokenAnswer, TokenError> {
    let username = request.username.as_deref();
    let username = username.ok_or(Refusal::UsernameMissing)?;
    let grant = Grant::Password;
    let client = authenticate(state, request, grant, endpoint, peer).await?;
    let is_for_all = state.settings.grants.password == PasswordGrant::All;
    if !client.kind.is_confidential() && !is_for_all {
        return Err(Refusal::ClientNotConfidential.into());
    }
    let api = api_of(state, request, &client, endpoint, grant).await?;
    // Where a scope service decides, the client is not who is trusted.
    if !client.trusted && api.scope_service.is_none() {
        return Err(Refusal::ClientNotTrusted.into());
    }
    let method = method(state, endpoint, &api)?;
    let scope = scope(request, &client, &api)?;
    let password = request.password.as_deref();
    let password = password.ok_or(Refusal::PasswordMissing)?;
    if !api.can_renew() {
        return Err(Refusal::PassthroughUnsupported.into());
    }
    let wanted = if api.passthrough_users {
        Wanted::Identity
    } else {
        Wanted::Account(None)
    };
    let checked = check_password(state, &method, peer.address, username, password, wanted).await?;
    let Person {
        user,
        identity,
        proof,
    } = person(state, &method, checked).await?;
    let subject =
        Subject::new(&api, &method, user, identity.as_ref()).ok_or(TokenError::Internal)?;
    api.admits(subject.user.as_ref())
        .map_err(Refusal::NotAdmitted)?;
    let (scope, verbatim) =
        match passthrough::decide(state, &api, &scope, &method.id, &subject.profile).await? {
            None => {
                let user = subject.user.as_ref().ok_or(TokenError::Internal)?;
                (scope, tenants(state, &api, user).await?)
            }
            // Everybody would be nobody (F30).
            Some(Decision { user_id: None, .. }) => {
                let text = "the scope service's answer has no `authenticated_userid`";
                return Err(TokenError::Provider(text.to_owned()));
            }
            Some(Decision { scope, user_id }) => (scope, user_id),
        };
    let now = clock::now();
    let family = Family {
        id: random::hex_id(),
        client_id: client.client_id.clone(),
        api: api.id.clone(),
        method: method.id,
        user_id: subject.id.clone(),
        namespace: None,
        scope,
        sid: None,
        auth_time: None,
        began_at: now,
        expires_at: now + TimeDelta::minutes(1),
        revoked: false,
        profile: subject.kept(&api, verbatim.as_deref().filter(|_| api.passthrough_users)),
        verbatim,
        proof,
    };
    let grant = UserGrant {
        by: UserFlow::Password,
        client: &client,
        secret: request.client_secret.as_deref(),
        api: &api,
        family: &family,
        scope: &family.scope,
        groups: &subject.groups,
        refresh: Some(NextRefresh::FIRST),
        resource: request.resource.as_deref(),
        nonce: None,
    };
    let made = make(state, &grant, now).await?;
    let txn = state.database.write().await?;
    families::begin(&txn, &family, now).await?;
    if let Some(user) = &subject.user {
        let act = Act::LoggedIn { user_id: &user.id };
        records::insert(&txn, act, &family.method, peer.address, now).await?;
    }
    let answer = keep(&txn, &grant, made, now).await?;
    txn.commit().await?;
    state.records.notify_one();
    tracing::info!(
        user.id = subject.id,
        client.id = client.client_id,
        "logged in by password grant"
    );
    Ok(answer)
}

/// Whoever needs nothing but the password: nobody can be asked for a new one here, or for a second
/// proof (F10, F17).
async fn person(state: &AppState, method: &Method, checked: Checked) -> Result<Person, TokenError> {
    let person = match checked {
        Checked::Right(person) => *person,
        Checked::Wrong | Checked::AddressTaken => return Err(Refusal::UserRefused.into()),
        Checked::TooMany { wait } => return Err(Braked(wait).into()),
    };
    let Some(user) = person.user.as_ref().filter(|_| method.local().is_some()) else {
        return Ok(person);
    };
    let owes = user.must_change_password == Some(true)
        || factors::is_on(state.database.read(), &user.id).await?;
    if owes {
        return Err(Refusal::UserRefused.into());
    }
    Ok(person)
}

/// The method of the URL, or the first that the API accepts.
fn method(state: &AppState, endpoint: &Endpoint, api: &ApiPolicy) -> Result<Method, Refusal> {
    let configuration = state.configuration();
    let named = match endpoint {
        Endpoint::PerMethod { method, .. } => Some(method.as_str()),
        Endpoint::Standard => None,
    };
    api.methods(&state.settings.server_name)
        .filter(|id| named.is_none_or(|named| named == *id))
        .find_map(|id| configuration.method(id).cloned())
        .ok_or(Refusal::MethodNotAllowed)
}

fn scope(request: &TokenRequest, client: &Client, api: &ApiPolicy) -> Result<Vec<String>, Refusal> {
    let requested = request.scope.as_deref().map(scopes::parse);
    let limit = &client.scope_limit;
    scopes::filter(
        &requested.unwrap_or_default(),
        &api.scope_ids(),
        client.trusted,
        limit,
    )
    .map(|granted| granted.scope)
    .map_err(|unknown| Refusal::ScopeUnknown(unknown.0))
}

/// What names the user to the backend, where that is more than his id: all tenants he is registered
/// for (section 12). An API with a pool and no tenants demands a registration.
async fn tenants(
    state: &AppState,
    api: &ApiPolicy,
    user: &User,
) -> Result<Option<String>, TokenError> {
    let Some(pool_id) = &api.pool else {
        return Ok(None);
    };
    let Some(pool) = state.portal_api.pool(pool_id).await? else {
        tracing::error!(
            api.id = api.id,
            "the API names pool `{pool_id}`, which does not exist"
        );
        return Err(TokenError::Internal);
    };
    let registrations = state.portal_api.registrations(pool_id, &user.id).await?;
    if !pool.requires_namespace {
        return if registrations.is_empty() {
            Err(Refusal::NotRegistered.into())
        } else {
            Ok(None)
        };
    }
    let tenants = registrations
        .iter()
        .filter_map(|one| one.namespace.as_deref());
    let tenants: Vec<&str> = tenants.filter(|one| !one.is_empty()).collect();
    Ok(Some(format!(
        "sub={};namespaces={}",
        user.id,
        tenants.join(",")
    )))
}
