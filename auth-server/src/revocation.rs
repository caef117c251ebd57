//! Revocation (RFC 7009). A refresh token ends its whole family, an access token only itself.

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{StatusCode, header};
use service::clock;

use crate::{
    address::Peer,
    clients::Client,
    families::{self, RevokeReason},
    oauth::{Dialect, Grant, Refusal},
    state::AppState,
    token::{self, Endpoint, TokenError, TokenRequest},
    tokens,
};

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/oauth2/revoke", post(revoke))
}

/// `POST {B}/oauth2/revoke`. Unknown tokens are answered like known ones.
async fn revoke(State(state): State<AppState>, peer: Peer, request: Request) -> Response {
    let work = async {
        let request = TokenRequest::read(request).await?;
        let client_id = request
            .client_id
            .as_deref()
            .ok_or(Refusal::ClientIdMissing)?;
        let secret = request.client_secret.as_deref();
        let (grant, endpoint) = (Grant::RefreshToken, Endpoint::Standard);
        let client = token::authenticate(&state, client_id, secret, grant, &endpoint, peer).await?;
        let token = request
            .token
            .as_deref()
            .ok_or(Refusal::Malformed("`token` is missing."))?;
        end(&state, &client, token).await
    };
    match work.await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(error) => token::refuse(&error, Dialect::Standard).into_response(),
    }
}

/// Ends a token, if it was issued to this client.
async fn end(state: &AppState, client: &Client, token: &str) -> Result<(), TokenError> {
    let now = clock::now();
    if let Some((family, _)) = families::present(state.database.read(), token).await? {
        if family.client_id == client.client_id {
            let txn = state.database.write().await?;
            families::revoke(&txn, &family.id, RevokeReason::Revoked, now).await?;
            txn.commit().await?;
        }
        return Ok(());
    }
    let issuer = &state.configuration().issuer;
    let Ok(claims) = tokens::verify(&state.keys, issuer, token, now) else {
        return Ok(());
    };
    if claims.client_id == client.client_id {
        let txn = state.database.write().await?;
        families::revoke_access_token(&txn, &claims.jti, claims.expires_at(), now).await?;
        txn.commit().await?;
    }
    Ok(())
}
