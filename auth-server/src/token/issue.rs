//! Issuing tokens: to a client, or to a user's family.
//!
//! Tokens of a user are made first and remembered after that, because making them may be a call of
//! Kong, and nothing is called while a transaction is open.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::header;
use sea_orm::{DatabaseTransaction, DbErr};
use serde::Serialize;
use service::keys::Key;

use crate::{
    apis::ApiPolicy,
    clients::Client,
    families::{self, Family, NewTokens},
    kong::{self, Kept, Order},
    oauth::Refusal,
    openid::{self, NewIdToken},
    records, scopes,
    secret::Secret,
    state::AppState,
    tokens::{self, Issued, NewToken, Subject, TokenMode, UserSession},
};

use super::TokenError;

/// A successful answer of the token endpoint.
#[derive(Serialize)]
pub struct TokenAnswer {
    pub access_token: String,
    token_type: &'static str,
    pub expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    /// What was granted, always: only then does the client know it.
    pub scope: String,
    /// Of an exchange (RFC 8693).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
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

/// A token for the client itself. Nothing is stored of a signed one.
pub async fn issue_to_client(
    state: &AppState,
    (client, secret): (&Client, Option<&str>),
    api: &ApiPolicy,
    (scope, resource): (&[String], Option<&str>),
    now: DateTime<Utc>,
) -> Result<TokenAnswer, TokenError> {
    demand_scope(api, scope)?;
    records::tokens::issued_to_client(state, &client.client_id, &api.id, now).await?;
    let configuration = state.configuration();
    match state.mode_of(api)? {
        mode @ (TokenMode::Jwt | TokenMode::Opaque) => {
            let lifetime = api.lifetime(mode);
            let token = NewToken {
                client_id: &client.client_id,
                audience: api.audience.with(resource),
                subject: Subject::Client,
                scope,
                lifetime,
            };
            let issued = tokens::make(mode, &state.keys, &configuration.issuer, token, now);
            if issued.stands_for.is_some() {
                let txn = state.database.write().await?;
                tokens::keep(&txn, &issued, None).await?;
                txn.commit().await?;
            }
            Ok(TokenAnswer {
                access_token: issued.text,
                token_type: "bearer",
                expires_in: lifetime.as_secs(),
                refresh_token: None,
                id_token: None,
                scope: scopes::join(scope),
                issued_token_type: None,
                expires_at: issued.expires_at,
            })
        }
        TokenMode::KongOauth2 => {
            let credentials = (client.client_id.as_str(), secret);
            let passed = state
                .kong
                .token_for_client(&configuration.kong, &api.id, credentials, scope, now)
                .await?;
            Ok(TokenAnswer {
                access_token: passed.access_token,
                token_type: "bearer",
                expires_in: passed.expires_in,
                refresh_token: None,
                id_token: None,
                scope: scopes::join(scope),
                issued_token_type: None,
                expires_at: passed.expires_at,
            })
        }
    }
}

/// How a user's tokens come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserFlow {
    Code,
    Implicit,
    Password,
    Refresh,
    /// A device that somebody has let in.
    Device,
    /// For a personal access token.
    Exchange,
}

impl UserFlow {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "authorization_code",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::Refresh => "refresh_token",
            Self::Device => "device_code",
            Self::Exchange => "token-exchange",
        }
    }
}

/// The refresh token that comes with an answer.
#[derive(Clone, Copy)]
pub struct NextRefresh<'a> {
    /// Its place in the family.
    generation: i64,
    /// The token it takes the place of.
    follows: Option<&'a str>,
}

impl<'a> NextRefresh<'a> {
    pub const FIRST: Self = Self {
        generation: 1,
        follows: None,
    };

    /// What follows `used`. Whoever repeats `used` gets the same again, so a family never has two
    /// branches of which each would hide the theft of the other.
    pub const fn after(used: &'a str, generation: i64) -> Self {
        Self {
            generation: generation + 1,
            follows: Some(used),
        }
    }

    fn make(self, key: &Key) -> Secret {
        match self.follows {
            Some(used) => Secret::successor(key, used),
            None => Secret::generate(),
        }
    }
}

/// What tokens of a user are issued for.
pub struct UserGrant<'a> {
    pub by: UserFlow,
    pub client: &'a Client,
    /// As presented, if it was.
    pub secret: Option<&'a str>,
    pub api: &'a ApiPolicy,
    pub family: &'a Family,
    /// Granted to the client.
    pub scope: &'a [String],
    /// Groups of the user as they are now; their scopes come on top.
    pub groups: &'a [String],
    /// The refresh token, if there is to be one.
    pub refresh: Option<NextRefresh<'a>>,
    /// The address that the client is about to call (RFC 8707).
    pub resource: Option<&'a str>,
    /// For the ID token, if there is to be one.
    pub nonce: Option<&'a str>,
}

/// Tokens of a user that are not remembered yet. They are worth nothing before they are.
pub struct Made {
    by: MadeBy,
    id_token: Option<String>,
    scope: Vec<String>,
    lifetime: u64,
}

enum MadeBy {
    Us {
        issued: Box<Issued>,
        refresh_token: Option<Secret>,
    },
    Kong(Kept),
}

/// Makes tokens for a user.
pub async fn make(
    state: &AppState,
    grant: &UserGrant<'_>,
    now: DateTime<Utc>,
) -> Result<Made, TokenError> {
    let scope = scopes::with_groups(grant.scope, grant.groups);
    let of_api = scopes::of_api(&scope, &grant.api.scope_ids());
    demand_scope(grant.api, &of_api)?;
    match state.mode_of(grant.api)? {
        mode @ (TokenMode::Jwt | TokenMode::Opaque) => {
            Ok(made_by_us(state, mode, grant, scope, now))
        }
        TokenMode::KongOauth2 => {
            let text = grant.family.authenticated_userid();
            let kept = state
                .kong
                .tokens_for_user(
                    &state.configuration().kong,
                    &order(grant, &text, &of_api),
                    now,
                )
                .await?;
            Ok(made_by_kong(state, grant, kept, scope, now))
        }
    }
}

/// Makes the tokens that take the place of `refresh_token`'s, the newest of its family.
///
/// Kong copies the scope of the old ones. When that is no longer right – another group, a narrower
/// request – new ones are made, and those that Kong has just made are ended.
pub async fn replace(
    state: &AppState,
    grant: &UserGrant<'_>,
    refresh_token: &str,
    now: DateTime<Utc>,
) -> Result<Made, TokenError> {
    if state.mode_of(grant.api)? != TokenMode::KongOauth2 {
        return make(state, grant, now).await;
    }
    let scope = scopes::with_groups(grant.scope, grant.groups);
    let of_api = scopes::of_api(&scope, &grant.api.scope_ids());
    demand_scope(grant.api, &of_api)?;
    let addresses = &state.configuration().kong;
    let text = grant.family.authenticated_userid();
    let order = order(grant, &text, &of_api);
    let kept = state
        .kong
        .refresh(addresses, &order, refresh_token, now)
        .await?;
    // For somebody who is passed through the text may be another one, too.
    if scopes::are_equal(&kept.scope, &of_api) && !grant.family.is_passthrough() {
        return Ok(made_by_kong(state, grant, kept, scope, now));
    }
    let again = state.kong.tokens_for_user(addresses, &order, now).await;
    let txn = state.database.write().await?;
    kong::insert(&txn, &grant.family.id, &kept, Some(now)).await?;
    txn.commit().await?;
    Ok(made_by_kong(state, grant, again?, scope, now))
}

fn order<'a>(grant: &'a UserGrant<'_>, text: &'a str, scope: &'a [String]) -> Order<'a> {
    Order {
        by: grant.by,
        api: grant.api,
        client_id: &grant.client.client_id,
        secret: grant.secret,
        user: text,
        scope,
    }
}

fn made_by_kong(
    state: &AppState,
    grant: &UserGrant<'_>,
    kept: Kept,
    scope: Vec<String>,
    now: DateTime<Utc>,
) -> Made {
    Made {
        id_token: id_token(state, grant, &kept.token.access_token, now),
        lifetime: kept.token.expires_in,
        by: MadeBy::Kong(kept),
        scope,
    }
}

fn made_by_us(
    state: &AppState,
    mode: TokenMode,
    grant: &UserGrant<'_>,
    scope: Vec<String>,
    now: DateTime<Utc>,
) -> Made {
    let UserGrant {
        client,
        api,
        family,
        refresh,
        ..
    } = grant;
    let session = match (&family.sid, family.auth_time) {
        (Some(sid), Some(auth_time)) => Some(UserSession {
            sid,
            auth_time,
            acr: family.proof.acr(),
        }),
        _ => None,
    };
    let token = NewToken {
        client_id: &client.client_id,
        audience: api.audience.with(grant.resource),
        subject: Subject::User {
            id: &family.user_id,
            text: &family.authenticated_userid(),
            session,
        },
        scope: &scope,
        lifetime: api.lifetime(mode),
    };
    let configuration = state.configuration();
    let issuer = &configuration.issuer;
    let access_token = Box::new(tokens::make(mode, &state.keys, issuer, token, now));
    Made {
        id_token: id_token(state, grant, &access_token.text, now),
        by: MadeBy::Us {
            issued: access_token,
            refresh_token: refresh.map(|next| next.make(&state.refresh_key)),
        },
        scope,
        lifetime: api.lifetime(mode).as_secs(),
    }
}

/// For whoever asked who the user is.
fn id_token(
    state: &AppState,
    grant: &UserGrant<'_>,
    access_token: &str,
    now: DateTime<Utc>,
) -> Option<String> {
    let new = NewIdToken {
        client_id: &grant.client.client_id,
        family: grant.family,
        nonce: grant.nonce,
        access_token,
    };
    scopes::contains(grant.scope, scopes::OPENID).then(|| openid::id_token(state, &new, now))
}

/// Remembers tokens in their family; from here on they may be given out.
pub async fn keep(
    txn: &DatabaseTransaction,
    grant: &UserGrant<'_>,
    made: Made,
    now: DateTime<Utc>,
) -> Result<TokenAnswer, DbErr> {
    let family = &grant.family.id;
    let generation = grant.refresh.map(|next| next.generation);
    if grant.by != UserFlow::Refresh {
        let (user, client) = (&grant.family.user_id, &grant.client.client_id);
        let how = grant.by.as_str();
        records::tokens::issued(txn, user, (client, &grant.api.id), how, now).await?;
    }
    let (access_token, refresh_token, expires_at) = match made.by {
        MadeBy::Us {
            issued,
            refresh_token,
        } => {
            let new = NewTokens {
                access: Some((&issued.jti, issued.expires_at)),
                refresh: refresh_token.as_ref().map(Secret::expose).zip(generation),
            };
            families::insert_tokens(txn, family, new, now).await?;
            tokens::keep(txn, &issued, Some(family)).await?;
            let refresh_token = refresh_token.map(|token| token.expose().to_owned());
            (issued.text, refresh_token, issued.expires_at)
        }
        MadeBy::Kong(kept) => {
            kong::insert(txn, family, &kept, None).await?;
            // Programs in a page get none, whatever Kong made.
            let refresh_token = kept.token.refresh_token.filter(|_| generation.is_some());
            let tokens = NewTokens {
                access: None,
                refresh: refresh_token.as_deref().zip(generation),
            };
            families::insert_tokens(txn, family, tokens, now).await?;
            (
                kept.token.access_token,
                refresh_token,
                kept.token.expires_at,
            )
        }
    };
    let until = match &refresh_token {
        Some(_) => now + grant.api.refresh_lifetime,
        None => expires_at,
    };
    families::extend(txn, family, until).await?;
    Ok(TokenAnswer {
        access_token,
        token_type: "bearer",
        expires_in: made.lifetime,
        refresh_token,
        id_token: made.id_token,
        scope: scopes::join(&made.scope),
        issued_token_type: None,
        expires_at,
    })
}

/// Ends tokens that are not given out after all. Ours are worth nothing unless remembered.
pub async fn discard(
    txn: &DatabaseTransaction,
    family: &Family,
    made: Made,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    match made.by {
        MadeBy::Us { .. } => Ok(()),
        MadeBy::Kong(kept) => kong::insert(txn, &family.id, &kept, Some(now)).await,
    }
}

fn demand_scope(api: &ApiPolicy, scope: &[String]) -> Result<(), Refusal> {
    if api.mandatory_scope && scope.is_empty() {
        return Err(Refusal::ScopeMissing);
    }
    Ok(())
}
