//! The device grant (RFC 8628 3.4): tokens for a device that somebody has let in.

use service::clock;

use crate::{
    address::Peer,
    apis::ApiPolicy,
    clients::Client,
    devices::{self, Device, Poll},
    families,
    oauth::{Grant, Refusal},
    state::AppState,
};

use super::{
    Endpoint, TokenAnswer, TokenError, TokenRequest, UserFlow, UserGrant, api_of, authenticate,
    discard, first_refresh, groups_of, keep, make,
};

pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Answers a device that asks for its tokens.
pub async fn grant(
    state: &AppState,
    request: &TokenRequest,
    endpoint: &Endpoint,
    peer: Peer,
) -> Result<TokenAnswer, TokenError> {
    let code = request.device_code.as_deref();
    let code = code.ok_or(Refusal::DeviceCodeMissing)?;
    let grant = Grant::DeviceCode;
    let client = authenticate(state, request, grant, endpoint, peer).await?;
    let api = api_of(state, request, &client, endpoint, grant).await?;
    let device = devices::find(state.database.read(), code).await?;
    let device = device
        .filter(|device| device.client_id == client.client_id)
        .ok_or(Refusal::CodeInvalid)?;
    match device.poll(clock::now()) {
        Poll::Pending => {
            note(state, &device, false).await?;
            Err(Refusal::DevicePending.into())
        }
        Poll::TooFast => {
            note(state, &device, true).await?;
            Err(Refusal::DeviceTooFast.into())
        }
        Poll::Denied => Err(Refusal::DeviceDenied.into()),
        Poll::Expired => Err(Refusal::DeviceExpired.into()),
        Poll::Used => Err(Refusal::CodeInvalid.into()),
        Poll::Granted(family) => issue(state, request, (&client, &api), &device, &family).await,
    }
}

async fn note(state: &AppState, device: &Device, too_fast: bool) -> Result<(), TokenError> {
    let txn = state.database.write().await?;
    devices::note_poll(&txn, &device.id, too_fast, clock::now()).await?;
    txn.commit().await?;
    Ok(())
}

async fn issue(
    state: &AppState,
    request: &TokenRequest,
    (client, api): (&Client, &ApiPolicy),
    device: &Device,
    family: &str,
) -> Result<TokenAnswer, TokenError> {
    let family = families::find(state.database.read(), family)
        .await?
        .filter(|family| !family.revoked)
        .ok_or(Refusal::CodeInvalid)?;
    let groups = groups_of(state, api, &family).await?;
    let refresh = first_refresh(state, client, api, &family).await?;
    let now = clock::now();
    let grant = UserGrant {
        by: UserFlow::Device,
        client,
        secret: request.client_secret.as_deref(),
        api,
        family: &family,
        scope: &family.scope,
        groups: &groups,
        refresh,
        resource: request.resource.as_deref(),
        nonce: None,
    };
    let made = make(state, &grant, now).await?;
    let txn = state.database.write().await?;
    if !devices::consume(&txn, &device.id, now).await? {
        discard(&txn, &family, made, now).await?;
        txn.commit().await?;
        return Err(Refusal::CodeInvalid.into());
    }
    let answer = keep(&txn, &grant, made, now).await?;
    txn.commit().await?;
    Ok(answer)
}
