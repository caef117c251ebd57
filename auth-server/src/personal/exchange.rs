//! Token exchange (RFC 8693), as far as it is needed: the portal gets a short access token for a
//! personal one.

use chrono::TimeDelta;
use service::{clock, keys::portal_clients, random};

use crate::{
    address::Peer,
    factors::Proof,
    families::{self, Family},
    oauth::{Grant, Refusal},
    portal_api::PORTAL_API,
    state::AppState,
    token::{self, Endpoint, TokenAnswer, TokenError, TokenRequest, UserFlow, UserGrant},
};

use super::{is_personal, store};

/// `subject_token_type` and `issued_token_type`.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Answers `grant_type=urn:ietf:params:oauth:grant-type:token-exchange`.
pub async fn exchange(
    state: &AppState,
    request: &TokenRequest,
    peer: Peer,
) -> Result<TokenAnswer, TokenError> {
    let subject = request
        .subject_token
        .as_deref()
        .ok_or(Refusal::Malformed("`subject_token` is missing."))?;
    if request.subject_token_type.as_deref() != Some(ACCESS_TOKEN) {
        let text = "`subject_token_type` has to be that of an access token.";
        return Err(Refusal::Malformed(text).into());
    }
    let (grant, endpoint) = (Grant::ClientCredentials, Endpoint::Standard);
    let client = token::authenticate(state, request, grant, &endpoint, peer).await?;
    let portal = portal_clients(&state.settings.keys).map_err(|_| TokenError::Internal)?;
    if portal
        .iter()
        .all(|known| known.client_id != client.client_id)
    {
        return Err(Refusal::FlowNotEnabled.into());
    }
    let now = clock::now();
    let found = if is_personal(subject) {
        store::find(state.database.read(), subject, now).await?
    } else {
        None
    };
    let personal = found.ok_or(Refusal::UserRefused)?;
    let user = state.portal_api.user(&personal.user_id).await?;
    let user = user.filter(|user| user.disabled != Some(true));
    let user = user.ok_or(Refusal::UserGone)?;
    let api = state.portal_api.api(PORTAL_API).await?;
    let api = api.ok_or(Refusal::ClientUnknown { grant })?;
    // Scopes that the API has lost since are left out.
    let defined = api.scope_ids();
    let scope = personal
        .scope
        .iter()
        .filter(|scope| defined.contains(scope))
        .cloned()
        .collect();
    let family = Family {
        id: random::hex_id(),
        client_id: client.client_id.clone(),
        api: api.id.clone(),
        method: String::new(),
        user_id: user.id.clone(),
        namespace: None,
        scope,
        sid: Some(families::name_of_personal(&personal.id)),
        // No log-in stands behind it; whoever asks for one must not take it for that.
        auth_time: None,
        began_at: now,
        expires_at: now + TimeDelta::minutes(1),
        revoked: false,
        verbatim: None,
        profile: None,
        proof: Proof::Elsewhere,
    };
    let grant = UserGrant {
        by: UserFlow::Exchange,
        client: &client,
        secret: request.client_secret.as_deref(),
        api: &api,
        family: &family,
        scope: &family.scope,
        groups: &[],
        refresh: None,
        resource: None,
        nonce: None,
    };
    let made = token::make(state, &grant, now).await?;
    let txn = state.database.write().await?;
    // It may have been deleted a moment ago.
    if store::find(&txn, subject, now).await?.is_none() {
        return Err(Refusal::UserRefused.into());
    }
    families::begin(&txn, &family, now).await?;
    store::mark_used(&txn, &personal, now).await?;
    let mut answer = token::keep(&txn, &grant, made, now).await?;
    txn.commit().await?;
    answer.issued_token_type = Some(ACCESS_TOKEN);
    Ok(answer)
}
