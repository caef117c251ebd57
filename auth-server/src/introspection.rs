//! Introspection (RFC 7662): what a token says, and whether it still counts.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::{DateTime, Utc};
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};
use service::{
    clock,
    keys::{Key, Purpose},
    token::is_service_token,
};
use subtle::ConstantTimeEq;

use crate::{
    address::Peer,
    clients::Client,
    foreign, kong,
    oauth::{Dialect, Grant, Refusal},
    state::AppState,
    token::{self, Endpoint, TokenError, TokenRequest},
    tokens::{self, Audience, Claims, TokenMode},
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
        let request = TokenRequest::read(request, Dialect::Standard).await?;
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
            let is = |key: Key| key.base64url().as_bytes().ct_eq(bearer.as_bytes()).into();
            key.is_ok_and(|key| key.both().any(is))
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
        if request.client_id.is_none() {
            return Err(Refusal::ClientIdMissing.into());
        }
        if !request.has_proof() {
            return Err(Refusal::SecretMissing { grant }.into());
        }
        let client = token::authenticate(state, request, grant, &Endpoint::Standard, peer).await?;
        Ok(Self::Client { api: client.api_id })
    }

    fn may_see(&self, audience: &Audience) -> bool {
        match self {
            Self::Trusted => true,
            Self::Client { api } => audience.contains(api),
        }
    }
}

async fn describe(
    state: &AppState,
    asker: &Asker,
    token: &str,
) -> Result<serde_json::Value, TokenError> {
    let configuration = state.configuration();
    let now = clock::now();
    let described = if configuration.mode == TokenMode::KongOauth2 && kong::is_token(token) {
        of_kong(state, asker, token, now).await?
    } else {
        match tokens::find(state, token, now).await? {
            Some(claims) => of_ours(state, asker, claims).await?,
            None => foreign::find(state, token, now)
                .await?
                .filter(|(_, _, api)| asker.may_see(&api.audience))
                .map(|(members, client, _)| (members, client)),
        }
    };
    let Some((mut members, client)) = described else {
        return Ok(json!({ "active": false }));
    };
    members.insert("active".to_owned(), true.into());
    members.insert("token_type".to_owned(), "bearer".into());
    members.insert(
        "subscription".to_owned(),
        client.subscription_id.clone().into(),
    );
    Ok(members.into())
}

/// The members that say what a token is, and whose it is.
type Described = Option<(Map<String, Value>, Arc<Client>)>;

async fn of_ours(state: &AppState, asker: &Asker, claims: Claims) -> Result<Described, TokenError> {
    if !asker.may_see(&claims.aud) {
        return Ok(None);
    }
    let Some(client) = state.portal_api.client(&claims.client_id).await? else {
        return Ok(None);
    };
    let members = match json!(claims) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Ok(Some((members, client)))
}

/// Kong says what it keeps; whether it still counts, our table says, too: a token may have ended here
/// that Kong could not be told about yet.
async fn of_kong(
    state: &AppState,
    asker: &Asker,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Described, TokenError> {
    let configuration = state.configuration();
    let Some(row) = state.kong.find(&configuration.kong, token, now).await? else {
        return Ok(None);
    };
    let is_of_user = row.authenticated_userid.is_some();
    let family = kong::find_by_access(state.database.read(), token, now).await?;
    if is_of_user && family.is_none() {
        let may_be_new =
            !state.kong.knows_all() && !kong::is_known(state.database.read(), token).await?;
        if !may_be_new {
            return Ok(None);
        }
    }
    let Some(client_id) = state.kong.client_of(&configuration.kong, &row).await? else {
        return Ok(None);
    };
    let Some(client) = state.portal_api.client(&client_id).await? else {
        return Ok(None);
    };
    let Some(api) = state.portal_api.api(&client.api_id).await? else {
        return Ok(None);
    };
    if !asker.may_see(&api.audience) {
        return Ok(None);
    }
    let subject = family
        .as_ref()
        .map_or(client_id.as_str(), |family| &family.user_id);
    let mut members = Map::new();
    let mut insert = |name: &str, value: Value| members.insert(name.to_owned(), value);
    insert("iss", json!(configuration.issuer));
    insert("sub", json!(subject));
    insert("aud", json!(api.audience));
    insert("client_id", json!(client_id));
    insert("iat", json!(row.created_at));
    if row.expires_in > 0 {
        insert(
            "exp",
            json!(row.created_at.saturating_add_unsigned(row.expires_in)),
        );
    }
    if let Some(scope) = row.scope.filter(|scope| !scope.is_empty()) {
        insert("scope", json!(scope));
    }
    if let Some(text) = row.authenticated_userid {
        insert("authenticated_userid", json!(text));
    }
    let session = family.and_then(|family| family.sid.zip(family.auth_time));
    if let Some((sid, auth_time)) = session {
        insert("sid", json!(sid));
        insert("auth_time", json!(auth_time.timestamp()));
    }
    Ok(Some((members, client)))
}
