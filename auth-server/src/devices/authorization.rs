//! What a device asks first.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use serde_json::{Value, json};
use service::clock;

use crate::{
    address::Peer,
    brake::{self, Act, Who},
    oauth::{Dialect, Grant, Refusal},
    scopes,
    state::AppState,
    token::{self, Endpoint, TokenError, TokenRequest},
};

use super::{INTERVAL, LIFETIME, store, user_code};

/// `POST {B}/oauth2/device_authorization`
pub async fn begin(State(state): State<AppState>, peer: Peer, request: Request) -> Response {
    let answer = async {
        let request = TokenRequest::read(request, Dialect::Standard).await?;
        wait(&state, &request, peer).await
    };
    match answer.await {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response(),
        Err(error) => token::refuse(&error, Dialect::Standard).into_response(),
    }
}

async fn wait(state: &AppState, request: &TokenRequest, peer: Peer) -> Result<Value, TokenError> {
    let now = clock::now();
    // Anybody can name a public client, and each call leaves a row.
    let whos = [Who::Address(peer.address)];
    brake::check(&state.database, Act::Device, &whos, now).await?;
    brake::count(&state.database, Act::Device, &whos, now).await?;
    let (grant, endpoint) = (Grant::DeviceCode, Endpoint::Standard);
    let client = token::authenticate(state, request, grant, &endpoint, peer).await?;
    let api = token::api_of(state, request, &client, &endpoint, grant).await?;
    let requested = request.scope.as_deref().map(scopes::parse);
    let granted = scopes::filter_with_identity(
        &requested.unwrap_or_default(),
        &api.scope_ids(),
        client.trusted,
        &client.scope_limit,
    )
    .map_err(|unknown| Refusal::ScopeUnknown(unknown.0))?;
    let user_code = user_code::generate();
    let txn = state.database.write().await?;
    let device_code =
        store::insert(&txn, &client.client_id, &granted.scope, &user_code, now).await?;
    txn.commit().await?;
    let shown = user_code::show(&user_code);
    let page = format!("{}/device", state.configuration().issuer);
    Ok(json!({
        "device_code": device_code.expose(),
        "user_code": shown,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={shown}"),
        "expires_in": LIFETIME.num_seconds(),
        "interval": INTERVAL,
    }))
}
