//! Issuing tokens: to a client, or to a user's family.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::header;
use sea_orm::DatabaseTransaction;
use serde::Serialize;

use crate::{
    apis::ApiPolicy,
    clients::Client,
    families::{self, Family, NewTokens},
    oauth::Refusal,
    scopes,
    state::AppState,
    tokens::{self, NewToken, Signed, Subject, UserSession},
};

use super::TokenError;

/// A successful answer of the token endpoint.
#[derive(Serialize)]
pub struct TokenAnswer {
    pub access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// What was granted, always: only then does the client know it.
    scope: String,
    #[serde(skip)]
    pub expires_at: DateTime<Utc>,
}

impl IntoResponse for TokenAnswer {
    fn into_response(self) -> Response {
        (
            [
                (header::CACHE_CONTROL, "no-store"),
                (header::PRAGMA, "no-cache"),
            ],
            Json(self),
        )
            .into_response()
    }
}

/// A token for the client itself. Nothing is stored.
pub fn issue_to_client(
    state: &AppState,
    client: &Client,
    api: &ApiPolicy,
    scope: &[String],
    now: DateTime<Utc>,
) -> Result<TokenAnswer, Refusal> {
    demand_scope(api, scope)?;
    let signed = tokens::sign(
        &state.keys,
        &state.configuration().issuer,
        NewToken {
            client_id: &client.client_id,
            audience: api.audience.clone(),
            subject: Subject::Client,
            scope,
            lifetime: api.lifetime,
        },
        now,
    );
    Ok(answer(signed, api, scope, None))
}

/// What tokens of a user are issued for.
pub struct UserGrant<'a> {
    pub client: &'a Client,
    pub api: &'a ApiPolicy,
    pub family: &'a Family,
    /// Granted to the client.
    pub scope: &'a [String],
    /// Groups of the user as they are now; their scopes come on top.
    pub groups: &'a [String],
    /// Generation of the refresh token, if there is to be one.
    pub generation: Option<i64>,
}

/// Tokens for a user, remembered in their family.
pub async fn issue_to_user(
    state: &AppState,
    txn: &DatabaseTransaction,
    grant: UserGrant<'_>,
    now: DateTime<Utc>,
) -> Result<TokenAnswer, TokenError> {
    let UserGrant {
        client,
        api,
        family,
        generation,
        ..
    } = grant;
    let scope = scopes::with_groups(grant.scope, grant.groups);
    demand_scope(api, &scope)?;
    let session = match (&family.sid, family.auth_time) {
        (Some(sid), Some(auth_time)) => Some(UserSession { sid, auth_time }),
        _ => None,
    };
    let signed = tokens::sign(
        &state.keys,
        &state.configuration().issuer,
        NewToken {
            client_id: &client.client_id,
            audience: api.audience.clone(),
            subject: Subject::User {
                id: &family.user_id,
                namespace: family.namespace.as_deref(),
                session,
            },
            scope: &scope,
            lifetime: api.lifetime,
        },
        now,
    );
    let refresh = families::insert_tokens(
        txn,
        &family.id,
        NewTokens {
            jti: &signed.jti,
            access_ends: signed.expires_at,
            refresh_generation: generation,
        },
        now,
    )
    .await?;
    let until = match generation {
        Some(_) => now + api.refresh_lifetime,
        None => signed.expires_at,
    };
    families::extend(txn, &family.id, until).await?;
    let refresh = refresh.map(|token| token.expose().to_owned());
    Ok(answer(signed, api, &scope, refresh))
}

fn demand_scope(api: &ApiPolicy, scope: &[String]) -> Result<(), Refusal> {
    if api.mandatory_scope && scope.is_empty() {
        return Err(Refusal::ScopeMissing);
    }
    Ok(())
}

fn answer(
    signed: Signed,
    api: &ApiPolicy,
    scope: &[String],
    refresh_token: Option<String>,
) -> TokenAnswer {
    TokenAnswer {
        access_token: signed.text,
        token_type: "bearer",
        expires_in: api.lifetime.as_secs(),
        refresh_token,
        scope: scopes::join(scope),
        expires_at: signed.expires_at,
    }
}
