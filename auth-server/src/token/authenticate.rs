//! Client authentication, the same for every request of the token, introspection and revocation
//! endpoints (F3).

use service::clock;

use crate::{
    address::Peer,
    apis::ApiPolicy,
    assertions::{self, AssertionError},
    brake::{self, Act, Who},
    clients::Client,
    oauth::{Grant, Refusal},
    portal_api::VerifiedSecret,
    resources,
    state::AppState,
};

use super::{Endpoint, Proof, TokenError, TokenRequest};

/// Finds the client and checks its proof: confidential clients send one, public ones must not.
pub async fn authenticate(
    state: &AppState,
    request: &TokenRequest,
    grant: Grant,
    endpoint: &Endpoint,
    peer: Peer,
) -> Result<Client, TokenError> {
    let client_id = request.client_id.as_deref();
    let client_id = client_id.ok_or(Refusal::ClientIdMissing)?;
    let proof = request.proof()?;
    let unknown = Refusal::ClientUnknown { grant };
    // The form of ids keeps anything else out of internal URLs (F37).
    if !is_client_id(client_id) {
        return Err(unknown.into());
    }
    let client = match proof {
        Proof::Secret(secret) => verified(state, client_id, secret, grant, peer).await?,
        Proof::Nothing | Proof::Assertion(_) => state
            .portal_api
            .client(client_id)
            .await?
            .ok_or_else(|| unknown.clone())?,
    };
    if let Proof::Assertion(assertion) = proof {
        check_assertion(state, &client, assertion, grant, peer).await?;
    }
    if let Endpoint::PerMethod { api, .. } = endpoint
        && client.api_id != *api
    {
        return Err(unknown.into());
    }
    match (client.kind.is_confidential(), proof) {
        (true, Proof::Nothing) => Err(Refusal::SecretMissing { grant }.into()),
        (false, Proof::Secret(_) | Proof::Assertion(_)) => {
            Err(Refusal::SecretNotAllowed { grant }.into())
        }
        _ => Ok((*client).clone()),
    }
}

/// Wrong ones are braked like wrong secrets: verifying costs more than making them up.
async fn check_assertion(
    state: &AppState,
    client: &Client,
    assertion: &str,
    grant: Grant,
    peer: Peer,
) -> Result<(), TokenError> {
    let now = clock::now();
    let whos = [Who::Account(&client.client_id), Who::Address(peer.address)];
    brake::check(&state.database, Act::ClientSecret, &whos, now).await?;
    match assertions::verify(state, client, assertion).await {
        Ok(()) => Ok(()),
        Err(AssertionError::Database(error)) => Err(error.into()),
        Err(error) => {
            brake::count(&state.database, Act::ClientSecret, &whos, now).await?;
            tracing::info!(
                client.id = client.client_id,
                "client assertion refused: {error}"
            );
            Err(Refusal::SecretWrong { grant }.into())
        }
    }
}

async fn verified(
    state: &AppState,
    client_id: &str,
    secret: &str,
    grant: Grant,
    peer: Peer,
) -> Result<std::sync::Arc<Client>, TokenError> {
    // Successes are remembered for a moment, so that guessing is braked and work is not.
    if let Some(client) = state.portal_api.remembered_client(client_id, secret) {
        return Ok(client);
    }
    let now = clock::now();
    let whos = [Who::Account(client_id), Who::Address(peer.address)];
    brake::check(&state.database, Act::ClientSecret, &whos, now).await?;
    match state.portal_api.verify_secret(client_id, secret).await? {
        VerifiedSecret::Right(client) => Ok(client),
        VerifiedSecret::Wrong => {
            brake::count(&state.database, Act::ClientSecret, &whos, now).await?;
            metrics::counter!("wicketgate_auth_client_secret_failures").increment(1);
            // A public client has none that could be right.
            let client = state.portal_api.client(client_id).await?;
            let is_public = client.is_some_and(|client| !client.kind.is_confidential());
            Err(if is_public {
                Refusal::SecretNotAllowed { grant }.into()
            } else {
                Refusal::SecretWrong { grant }.into()
            })
        }
        VerifiedSecret::UnknownClient => {
            brake::count(&state.database, Act::ClientSecret, &whos, now).await?;
            Err(Refusal::ClientUnknown { grant }.into())
        }
    }
}

/// Client ids are what portal-api makes: letters and digits (and hyphens, in old data).
pub fn is_client_id(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The API of a client, if it allows this grant at this URL and is the one that the request names.
pub async fn api_of(
    state: &AppState,
    request: &TokenRequest,
    client: &Client,
    endpoint: &Endpoint,
    grant: Grant,
) -> Result<ApiPolicy, TokenError> {
    let api = state
        .portal_api
        .api(&client.api_id)
        .await?
        .ok_or(Refusal::ClientUnknown { grant })?;
    let allowed = match grant {
        Grant::ClientCredentials => api.client_credentials,
        // A device is let in by the same pages.
        Grant::AuthorizationCode | Grant::DeviceCode => api.code,
        Grant::Password => api.password,
        Grant::RefreshToken => true,
    };
    if !allowed {
        return Err(Refusal::FlowNotEnabled.into());
    }
    if !resources::is_of(state, &api, request.resource.as_deref()).await? {
        return Err(Refusal::ResourceWrong.into());
    }
    match endpoint {
        Endpoint::PerMethod { method, .. }
            if !api.accepts_method(&state.settings.server_name, method) =>
        {
            Err(Refusal::MethodNotAllowed.into())
        }
        _ => Ok(api),
    }
}
