//! Finding a subscription by a client id, and checking a client's secret (portal-api 14.9, 29.3).

use axum::{
    Json,
    extract::{Path, State},
};
use sdk::types::subscriptions::{SubscriptionOfClient, VerifyClient};
use serde_json::Value;
use service::ServiceName;

use super::{
    store,
    wire::{self, Secrets, View},
};
use crate::{
    ApiError, AppState, applications,
    caller::Caller,
    credentials::{self, rules, secret::SecretKeys},
    extract::{Body, from_value},
    owners,
};

/// `GET /subscriptions/{client_id}`: for the auth server. No scope is needed.
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(client_id): Path<String>,
) -> Result<Json<SubscriptionOfClient>, ApiError> {
    caller.require_internal()?;
    if !caller.is_admin() {
        caller.require_user()?;
        caller.require_admin()?;
    }
    let credential = find(&state, &client_id).await?;
    if !rules::is_valid(&credential, service::clock::now()) {
        return Err(unknown(&client_id));
    }
    // Services check secrets by `verify`; only an original component needs to see one.
    let secrets = if caller.service().is_some() {
        Secrets::Omitted
    } else {
        Secrets::Readable
    };
    load(&state, credential, secrets).await.map(Json)
}

/// `POST /subscriptions/{client_id}/verify`: whether a client knows its secret, in constant time.
pub async fn verify(
    State(state): State<AppState>,
    caller: Caller,
    Path(client_id): Path<String>,
    Body(body): Body<Value>,
) -> Result<Json<SubscriptionOfClient>, ApiError> {
    caller.require_service(&[ServiceName::AuthServer])?;
    let request: VerifyClient = from_value(body)?;
    if request.client_secret.is_empty() {
        let message = "`clientSecret` is missing.";
        return Err(ApiError::invalid("clientSecret", "required", message));
    }
    let credential = find(&state, &client_id).await?;
    let knows = SecretKeys::new(&state.keys)?.matches(&request.client_secret, &credential.digest);
    if !knows || !rules::is_valid(&credential, service::clock::now()) {
        return Err(refused(&client_id));
    }
    let credential_id = credential.id.clone();
    let found = load(&state, credential, Secrets::Omitted).await?;
    if !found.subscription.approved {
        return Err(refused(&client_id));
    }
    Ok(Json(SubscriptionOfClient {
        credential_id: Some(credential_id),
        ..found
    }))
}

async fn find(state: &AppState, client_id: &str) -> Result<credentials::row::Model, ApiError> {
    let found = credentials::store::find_by_client_id(state.db.read(), client_id).await?;
    found.ok_or_else(|| unknown(client_id))
}

/// Subscription and application of one credential, which stands for the subscription here.
async fn load(
    state: &AppState,
    credential: credentials::row::Model,
    secrets: Secrets,
) -> Result<SubscriptionOfClient, ApiError> {
    let db = state.db.read();
    let client_id = credential.client_id.clone().unwrap_or_default();
    let gone = || unknown(&client_id);
    let subscription = store::find_by_id(db, &credential.subscription_id)
        .await?
        .ok_or_else(gone)?;
    let application = applications::store::find(db, &subscription.application_id).await?;
    let application = application.ok_or_else(gone)?;
    let owners = owners::store::list(db, &application.id).await?;
    let configuration = state.configuration();
    let view = View {
        configuration: &configuration,
        keys: &SecretKeys::new(&state.keys)?,
        secrets,
        deletable: false,
        now: service::clock::now(),
    };
    Ok(SubscriptionOfClient {
        subscription: wire::subscription(&subscription, &[credential], &view),
        application: applications::wire::with_owners(application, owners),
        credential_id: None,
    })
}

fn unknown(client_id: &str) -> ApiError {
    ApiError::not_found(format!("No subscription has the client id `{client_id}`."))
}

fn refused(client_id: &str) -> ApiError {
    let message = format!("The secret of client `{client_id}` is wrong, has ended or was revoked.");
    ApiError::forbidden("wrong-client-secret", message)
}
