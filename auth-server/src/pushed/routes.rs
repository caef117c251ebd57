//! `POST {B}/oauth2/par`.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::{Value, json};
use service::clock;

use crate::{
    address::Peer,
    authorize::{AuthorizeParameters, rules::Prompting},
    brake::{self, Act, Who},
    cors::AboutClient,
    oauth::{Dialect, ErrorCode, Grant, OAuthError, Refusal},
    oxide::{self, AuthorizeRefused},
    state::AppState,
    token::{self, Endpoint, TokenError, TokenRequest},
};

use super::{LIFETIME, store};

/// Longest request that is kept, as JSON.
const MAX_LENGTH: usize = 16 * 1024;

/// Takes a request, after every check that needs no user.
pub async fn push(State(state): State<AppState>, peer: Peer, request: Request) -> Response {
    let mut client_id = None;
    let answer = async {
        let (headers, body) = token::receive(request)
            .await
            .map_err(|error| refused(&error))?;
        let parameters = token::parse_body::<AuthorizeParameters>(&headers, &body).await;
        let parameters = parameters.map_err(|error| refused(&error))?.without_empty();
        let client = TokenRequest::parse(&headers, &body, Dialect::Standard).await;
        let client = client.map_err(|error| refused(&error))?;
        client_id.clone_from(&client.client_id);
        keep(&state, peer, &client, parameters).await
    };
    let mut response = match answer.await {
        Ok(body) => (
            StatusCode::CREATED,
            [(header::CACHE_CONTROL, "no-store")],
            Json(body),
        )
            .into_response(),
        Err(error) => error.into_response(),
    };
    if let Some(client) = client_id.map(AboutClient) {
        response.extensions_mut().insert(client);
    }
    response
}

async fn keep(
    state: &AppState,
    peer: Peer,
    request: &TokenRequest,
    mut parameters: AuthorizeParameters,
) -> Result<Value, OAuthError> {
    let (grant, endpoint) = (Grant::AuthorizationCode, Endpoint::Standard);
    let client = token::authenticate(state, request, grant, &endpoint, peer)
        .await
        .map_err(|error| failed(&error))?;
    let now = clock::now();
    if !client.kind.is_confidential() {
        // Anybody can name a public client, and each call leaves a row.
        let whos = [Who::Address(peer.address)];
        let brake = brake::check(&state.database, Act::PushedRequest, &whos, now);
        brake.await.map_err(|error| failed(&error.into()))?;
        let brake = brake::count(&state.database, Act::PushedRequest, &whos, now);
        brake.await.map_err(|error| failed(&error.into()))?;
    }
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidRequest, text);
    if parameters.request_uri.is_some() {
        return Err(invalid("`request_uri` is the answer, and no part of it."));
    }
    parameters.client_id = Some(client.client_id.clone());
    match oxide::authorize(state, &parameters, &endpoint).await {
        Ok(_) => {}
        Err(AuthorizeRefused::Redirect { error, .. }) => return Err(error),
        Err(AuthorizeRefused::Page(_)) => {
            return Err(invalid("`redirect_uri` is not registered for the client."));
        }
        Err(AuthorizeRefused::PortalApi(error)) => return Err(failed(&error.into())),
    }
    Prompting::of(&parameters, now)?;
    let text = json!(parameters).to_string();
    if text.len() > MAX_LENGTH {
        return Err(invalid("The request is longer than 16 kB."));
    }
    let stored = async {
        let txn = state.database.write().await?;
        let request_uri = store::insert(&txn, &client.client_id, text, now).await?;
        txn.commit().await?;
        Ok(request_uri)
    };
    let request_uri = stored
        .await
        .map_err(|error: sea_orm::DbErr| failed(&error.into()))?;
    Ok(json!({"request_uri": request_uri, "expires_in": LIFETIME.num_seconds()}))
}

fn refused(refusal: &Refusal) -> OAuthError {
    refusal.answer(Dialect::Standard)
}

fn failed(error: &TokenError) -> OAuthError {
    token::refuse(error, Dialect::Standard)
}
