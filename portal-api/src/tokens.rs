//! Access tokens of users: of the configured auth server, with `portal-api` in their audience and a
//! `client_id` that is a living subscription to it (architecture, decision 3). Signed ones (RFC 9068)
//! are verified here; about opaque ones, and those that a Kong keeps, the auth server is asked.

mod asked;
mod ended;
mod key_set;
mod verified;

use std::sync::Arc;

use config::auth_servers::TokenMode;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, errors::ErrorKind};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Deserialize;

use service::{keys::Keys, revocations::Names};
use tokio_util::sync::CancellationToken;

use crate::{ApiError, AppState, caller, sql};
use asked::Asked;
use ended::Ended;
use key_set::KeySet;
use verified::Verified;

/// This API as it stands in the audience of a token.
const AUDIENCE: &str = "portal-api";

/// Verifies access tokens. One per process.
pub struct UserTokens {
    keys: KeySet,
    verified: Verified,
    asked: Asked,
    ended: Ended,
}

/// What a verified token says.
pub struct UserToken {
    /// Absent for a client that acts for itself.
    pub user_id: Option<String>,
    pub scopes: Vec<String>,
    pub client_id: String,
    /// Unix seconds.
    pub issued_at: Option<i64>,
}

#[derive(Deserialize)]
struct Claims {
    /// Unix seconds. Only tokens of a Kong may do without.
    #[serde(default = "never")]
    exp: i64,
    client_id: String,
    #[serde(default)]
    iss: String,
    sub: Option<String>,
    jti: Option<String>,
    sid: Option<String>,
    iat: Option<i64>,
    scope: Option<String>,
    authenticated_userid: Option<String>,
    /// A proof-of-possession key; nobody here checks the proof, so such a token is refused.
    cnf: Option<serde_json::Value>,
}

const fn never() -> i64 {
    i64::MAX
}

impl Claims {
    fn names(&self) -> Names<'_> {
        Names {
            iss: &self.iss,
            jti: self.jti.as_deref(),
            sid: self.sid.as_deref(),
            sub: self.sub.as_deref(),
            iat: self.iat,
        }
    }
}

impl UserTokens {
    /// `auth_server`: base URL of the auth server, ending in `/`.
    pub fn new(auth_server: &url::Url, keys: &Keys) -> Self {
        Self {
            keys: KeySet::new(auth_server),
            verified: Verified::default(),
            asked: Asked::new(auth_server, keys),
            ended: Ended::new(auth_server, keys),
        }
    }

    /// Follows which tokens end before their time, until `shutdown`.
    pub async fn follow(&self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.ended.follow()).await;
    }

    /// Checks signature, times, audience, that the subscription of the client lives and that the token
    /// was not ended.
    pub async fn verify(&self, token: &str, state: &AppState) -> Result<UserToken, ApiError> {
        let claims = if asked::is_opaque(token) || is_of_kong(token, state) {
            self.asked.claims(token).await?.ok_or_else(refused)?
        } else {
            self.signed(token).await?
        };
        if claims.cnf.is_some()
            || self.ended.contains(claims.names())
            || !is_subscribed(state.db.read(), &claims.client_id).await?
        {
            return Err(refused());
        }
        let user_id = match claims.authenticated_userid.as_deref() {
            None => None,
            Some(text) => Some(caller::subject(text).ok_or_else(refused)?.to_owned()),
        };
        let scope = claims.scope.as_deref().unwrap_or_default();
        Ok(UserToken {
            user_id,
            scopes: scope.split_ascii_whitespace().map(str::to_owned).collect(),
            client_id: claims.client_id.clone(),
            issued_at: claims.iat,
        })
    }

    async fn signed(&self, token: &str) -> Result<Arc<Claims>, ApiError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused())?;
        let typed = header.typ.as_deref().is_some_and(|typ| {
            typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
        });
        if !typed || !matches!(header.alg, Algorithm::ES256 | Algorithm::RS256) {
            return Err(refused());
        }
        let kid = header.kid.as_deref().ok_or_else(refused)?;
        let key = self.keys.find(kid).await?.ok_or_else(refused)?;
        if let Some(claims) = self.verified.get(token, &key) {
            return Ok(claims);
        }
        let claims = Arc::new(decode(token, &header, &key)?);
        self.verified.insert(token, key, claims.clone());
        Ok(claims)
    }
}

/// Whether a Kong may have made the token (token mode `kong-oauth2`). It says nothing itself.
fn is_of_kong(token: &str, state: &AppState) -> bool {
    asked::is_of_kong(token)
        && state
            .configuration()
            .auth_servers
            .iter()
            .any(|server| server.token_mode == TokenMode::KongOauth2)
}

fn refused() -> ApiError {
    ApiError::unauthorized("The access token is not valid; log in again.")
}

fn decode(token: &str, header: &Header, key: &DecodingKey) -> Result<Claims, ApiError> {
    let mut validation = Validation::new(header.alg);
    validation.leeway = 5;
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "aud"]);
    jsonwebtoken::decode::<Claims>(token, key, &validation)
        .map(|token| token.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => {
                ApiError::unauthorized("The access token has expired; log in again.")
            }
            _ => refused(),
        })
}

#[derive(FromQueryResult)]
struct Found {
    #[expect(dead_code, reason = "only whether there is a row counts")]
    id: String,
}

/// Whether `client_id` belongs to an approved subscription to this API.
async fn is_subscribed(db: &impl ConnectionTrait, client_id: &str) -> Result<bool, ApiError> {
    let statement = sql::statement(
        db,
        "select s.id from credentials c join subscriptions s on s.id = c.subscription_id \
         where c.client_id = $1 and s.api_id = $2 and s.approved and c.revoked_at is null \
         and (c.expires_at is null or c.expires_at > $3)",
        [
            client_id.into(),
            AUDIENCE.into(),
            service::clock::now().into(),
        ],
    );
    Ok(Found::find_by_statement(statement).one(db).await?.is_some())
}
