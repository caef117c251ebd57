//! Introspection (RFC 7662): what a token says, and whether it still counts.

use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, header};
use serde_json::json;
use service::{clock, keys::Purpose, token::is_service_token};
use subtle::ConstantTimeEq;

use crate::{
    address::Peer,
    families,
    oauth::{Dialect, Grant, Refusal},
    state::AppState,
    token::{self, Endpoint, TokenError, TokenRequest},
    tokens::{self, Claims},
};

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/oauth2/introspect", post(introspect))
}

/// `POST {B}/oauth2/introspect`
async fn introspect(State(state): State<AppState>, peer: Peer, request: Request) -> Response {
    let headers = request.headers().clone();
    let answer = async {
        let asker = Asker::of(&state, &headers);
        let request = TokenRequest::read(request).await?;
        let asker = match asker {
            Some(asker) => asker,
            None => Asker::authenticated(&state, &request, peer).await?,
        };
        let token = request
            .token
            .as_deref()
            .ok_or(Refusal::Malformed("`token` is missing."))?;
        describe(&state, &asker, token).await
    };
    match answer.await {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response(),
        Err(error) => token::refuse(&error, Dialect::Standard).into_response(),
    }
}

/// Who may ask.
enum Asker {
    /// A service, or a gateway with its derived key: may ask about every token.
    Trusted,
    /// A client: about tokens of its own API.
    Client { api: String },
}

impl Asker {
    /// By a bearer token: of a service, or the gateway's.
    fn of(state: &AppState, headers: &HeaderMap) -> Option<Self> {
        let bearer = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("Bearer ")?;
        let trusted = if is_service_token(bearer) {
            state.service_tokens.verify(bearer).is_ok()
        } else {
            let key = state.settings.keys.derive(&Purpose::Introspection);
            key.is_ok_and(|key| key.base64url().as_bytes().ct_eq(bearer.as_bytes()).into())
        };
        trusted.then_some(Self::Trusted)
    }

    /// By client authentication; a public client proves nothing and may not ask.
    async fn authenticated(
        state: &AppState,
        request: &TokenRequest,
        peer: Peer,
    ) -> Result<Self, TokenError> {
        let grant = Grant::ClientCredentials;
        let client_id = request
            .client_id
            .as_deref()
            .ok_or(Refusal::ClientIdMissing)?;
        let secret = request
            .client_secret
            .as_deref()
            .ok_or(Refusal::SecretMissing { grant })?;
        let client = token::authenticate(
            state,
            client_id,
            Some(secret),
            grant,
            &Endpoint::Standard,
            peer,
        )
        .await?;
        Ok(Self::Client { api: client.api_id })
    }

    fn may_see(&self, claims: &Claims) -> bool {
        match self {
            Self::Trusted => true,
            Self::Client { api } => claims.aud.contains(api),
        }
    }
}

async fn describe(
    state: &AppState,
    asker: &Asker,
    token: &str,
) -> Result<serde_json::Value, TokenError> {
    let inactive = json!({ "active": false });
    let issuer = &state.configuration().issuer;
    let Ok(claims) = tokens::verify(&state.keys, issuer, token, clock::now()) else {
        return Ok(inactive);
    };
    if !asker.may_see(&claims) || families::is_revoked(state.database.read(), &claims.jti).await? {
        return Ok(inactive);
    }
    let Some(client) = state.portal_api.client(&claims.client_id).await? else {
        return Ok(inactive);
    };
    let mut body = json!(claims);
    if let Some(members) = body.as_object_mut() {
        members.insert("active".to_owned(), true.into());
        members.insert("token_type".to_owned(), "bearer".into());
        members.insert(
            "subscription".to_owned(),
            client.subscription_id.clone().into(),
        );
    }
    Ok(body)
}
