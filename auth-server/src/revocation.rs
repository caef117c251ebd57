//! Revocation (RFC 7009). A refresh token ends its whole family, an access token only itself.

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{StatusCode, header};
use service::{clock, revocations::Revoked};

use crate::{
    address::Peer,
    clients::Client,
    cors::AboutClient,
    families::{self, RevokeReason},
    kong::{self, KongError, TendError},
    oauth::{Dialect, Grant, Refusal},
    records, revoked,
    state::AppState,
    token::{self, Endpoint, TokenError, TokenRequest},
    tokens::{self, TokenMode},
};

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/oauth2/revoke", post(revoke))
}

/// `POST {B}/oauth2/revoke`. Unknown tokens are answered like known ones.
async fn revoke(State(state): State<AppState>, peer: Peer, request: Request) -> Response {
    let mut about = None;
    let work = async {
        let request = TokenRequest::read(request, Dialect::Standard).await?;
        about = request.client_id.clone().map(AboutClient);
        let (grant, endpoint) = (Grant::RefreshToken, Endpoint::Standard);
        let client = token::authenticate(&state, &request, grant, &endpoint, peer).await?;
        let token = request
            .token
            .as_deref()
            .ok_or(Refusal::Malformed("`token` is missing."))?;
        end(&state, &client, token).await
    };
    let mut response = match work.await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(error) => token::refuse(&error, Dialect::Standard).into_response(),
    };
    if let Some(client) = about {
        response.extensions_mut().insert(client);
    }
    response
}

/// Ends a token, if it was issued to this client.
async fn end(state: &AppState, client: &Client, token: &str) -> Result<(), TokenError> {
    let now = clock::now();
    if let Some((family, _)) = families::present(state.database.read(), token).await? {
        if family.client_id == client.client_id {
            let txn = state.database.write().await?;
            families::revoke(&txn, &family.id, RevokeReason::Revoked, now).await?;
            txn.commit().await?;
            return kong_too(state).await;
        }
        return Ok(());
    }
    if state.configuration().mode == TokenMode::KongOauth2 && kong::is_token(token) {
        return end_at_kong(state, client, token).await;
    }
    let Some(claims) = tokens::find(state, token, now).await? else {
        return Ok(());
    };
    if claims.client_id == client.client_id {
        let txn = state.database.write().await?;
        let user = claims.is_of_user().then_some(claims.sub.as_str());
        let (client, reason) = (&claims.client_id, RevokeReason::Revoked);
        records::tokens::revoked(&txn, user, client, reason, now).await?;
        let ends = claims.expires_at();
        revoked::insert(&txn, Revoked::Token { jti: claims.jti }, ends, now).await?;
        txn.commit().await?;
    }
    Ok(())
}

/// Ends an access token of Kong's, and what else Kong keeps in the same row.
async fn end_at_kong(state: &AppState, client: &Client, token: &str) -> Result<(), TokenError> {
    let now = clock::now();
    if let Some(family) = kong::find_by_access(state.database.read(), token, now).await? {
        if family.client_id == client.client_id {
            let txn = state.database.write().await?;
            kong::end_token(&txn, token, now).await?;
            txn.commit().await?;
        }
        return kong_too(state).await;
    }
    // Of tokens without a user only Kong knows.
    let addresses = &state.configuration().kong;
    let Some(row) = state.kong.find(addresses, token, now).await? else {
        return Ok(());
    };
    let owner = state.kong.client_of(addresses, &row).await?;
    if owner.as_deref() == Some(client.client_id.as_str()) {
        let admin = state.kong.admin(addresses);
        admin
            .delete_oauth2_token(row.id)
            .await
            .map_err(KongError::from)?;
    }
    Ok(())
}

/// What has ended here ends at Kong before it is said that it has. If Kong is away the client learns
/// that, and the tokens end as soon as it is back.
async fn kong_too(state: &AppState) -> Result<(), TokenError> {
    if state.configuration().mode != TokenMode::KongOauth2 {
        return Ok(());
    }
    kong::sweep(state).await.map_err(|error| match error {
        TendError::Kong(error) => error.into(),
        TendError::Database(error) => error.into(),
        TendError::PortalApi(error) => error.into(),
    })
}
