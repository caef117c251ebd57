//! Refreshing: a new access token and a new refresh token of the same family.

use std::{borrow::Cow, time::Duration};

use oxide_auth::{
    code_grant::{
        error::{AccessTokenError, AccessTokenErrorType},
        refresh::{Error, Input, Output, Refresh, Request},
    },
    primitives::{
        grant::Grant as OxideGrant,
        issuer::{RefreshedToken, TokenType},
    },
};
use service::{backoff::Backoff, clock};

use crate::{
    address::Peer,
    apis::{ApiPolicy, NotAdmitted},
    clients::Client,
    families::{self, Family, RevokeReason, Verdict},
    kong::{self, KongError},
    oauth::{Dialect, Grant, Refusal},
    passthrough, scopes,
    state::AppState,
    token::{
        self, Endpoint, NextRefresh, TokenAnswer, TokenError, TokenRequest, UserFlow, UserGrant,
    },
    tokens::TokenMode,
};

/// How often it is looked again what a token means that another request is using, too.
const TRIES: u32 = 8;

/// Exchanges a refresh token. The form of the request was checked before.
pub async fn refresh(
    state: &AppState,
    request: &TokenRequest,
    endpoint: &Endpoint,
    peer: Peer,
) -> Result<TokenAnswer, TokenError> {
    let oxide_request = OxideRequest { request, endpoint };
    let mut machine = Refresh::new(&oxide_request);
    let mut input = Input::None;
    let mut presented: Option<Family> = None;
    let mut bound: Option<(Client, ApiPolicy)> = None;
    let mut answer: Option<TokenAnswer> = None;
    loop {
        input = match Step::of(machine.advance(input))? {
            Step::Authenticate => {
                // A public client is named by the request, too, and not only by its token.
                let grant = Grant::RefreshToken;
                let client = token::authenticate(state, request, grant, endpoint, peer).await?;
                let api = token::api_of(state, request, &client, endpoint, grant).await?;
                bound = Some((client, api));
                Input::Authenticated {
                    scope: oxide_request.scope(),
                }
            }
            Step::Recover { token } => {
                let family = recover(state, &token, request, endpoint).await?;
                let grant = grant_of(&family);
                presented = Some(family);
                Input::Recovered {
                    scope: oxide_request.scope(),
                    grant: Some(Box::new(grant)),
                }
            }
            Step::Refresh { token, grant } => {
                let (client, api) = bound.as_ref().ok_or(TokenError::Internal)?;
                let family = presented.as_ref().ok_or(TokenError::Internal)?;
                let narrowed =
                    |scope: &&String| grant.scope.iter().any(|one| one == scope.as_str());
                let scope: Vec<String> = family.scope.iter().filter(narrowed).cloned().collect();
                let grant = UserGrant {
                    by: UserFlow::Refresh,
                    client,
                    secret: request.client_secret.as_deref(),
                    api,
                    family,
                    scope: &scope,
                    groups: &[],
                    refresh: None,
                    resource: request.resource.as_deref(),
                    nonce: None,
                };
                let issued = rotate(state, &token, &grant).await?;
                let refreshed = refreshed(&issued);
                answer = Some(issued);
                Input::Refreshed(refreshed)
            }
            Step::Done => return answer.ok_or(TokenError::Internal),
        };
    }
}

async fn recover(
    state: &AppState,
    token: &str,
    request: &TokenRequest,
    endpoint: &Endpoint,
) -> Result<Family, TokenError> {
    let found = families::present(state.database.read(), token).await?;
    let Some((family, _)) = found else {
        return Err(unknown(state));
    };
    if request.client_id.as_deref() != Some(family.client_id.as_str()) {
        return Err(Refusal::RefreshTokenOfAnotherClient.into());
    }
    // Of tokens that were taken over the method is not known.
    let other_method = matches!(endpoint, Endpoint::PerMethod { method, .. }
        if *method != family.method && !family.method.is_empty());
    if family.revoked || family.expires_at <= clock::now() || other_method {
        return Err(Refusal::RefreshTokenInvalid.into());
    }
    Ok(family)
}

/// A token that Kong may have since before this server started is not refused, or its owner would
/// throw it away.
fn unknown(state: &AppState) -> TokenError {
    if state.configuration().mode == TokenMode::KongOauth2 && !state.kong.knows_all() {
        let text = "its tokens have not been read yet";
        return KongError::Away(text.to_owned()).into();
    }
    Refusal::RefreshTokenInvalid.into()
}

fn grant_of(family: &Family) -> OxideGrant {
    OxideGrant {
        owner_id: family.user_id.clone(),
        client_id: family.client_id.clone(),
        scope: super::scope(&family.scope),
        redirect_uri: super::no_redirect_uri().into_url(),
        until: family.expires_at,
        extensions: oxide_auth::primitives::grant::Extensions::new(),
    }
}

/// Everything that may have changed since the last time is looked at again, then the token is
/// replaced.
async fn rotate(
    state: &AppState,
    token: &str,
    grant: &UserGrant<'_>,
) -> Result<TokenAnswer, TokenError> {
    let family = grant.family;
    if family.is_passthrough() && !grant.api.passthrough_users {
        return Err(Refusal::RefreshTokenInvalid.into());
    }
    if grant.api.passthrough_users || grant.api.scope_service.is_some() {
        let renewed = passthrough::renew(state, grant.api, family).await?;
        let wanted = grant.scope.len() < family.scope.len();
        let narrowed = |scope: &&String| !wanted || grant.scope.contains(scope);
        let scope: Vec<String> = renewed.scope.iter().filter(narrowed).cloned().collect();
        let grant = UserGrant {
            family: &renewed,
            scope: &scope,
            ..*grant
        };
        return replace(state, token, &grant, &[]).await;
    }
    let Some(user) = state.portal_api.user(&family.user_id).await? else {
        revoke(state, family, RevokeReason::UserGone).await?;
        return Err(Refusal::UserGone.into());
    };
    if !user.accepts_session_of(family.began_at) {
        let reason = if user.disabled == Some(true) {
            RevokeReason::UserGone
        } else {
            RevokeReason::PasswordChanged
        };
        revoke(state, family, reason).await?;
        return Err(Refusal::UserGone.into());
    }
    if let Err(reason) = grant.api.admits(Some(&user)) {
        // An address can be confirmed yet; who has left a group has left.
        if reason == NotAdmitted::Group {
            revoke(state, family, RevokeReason::GroupLeft).await?;
        }
        return Err(Refusal::NotAdmitted(reason).into());
    }
    check_consent(state, grant).await?;
    replace(state, token, grant, &user.groups).await
}

/// Replaces the token, if no other request is faster.
async fn replace(
    state: &AppState,
    token: &str,
    grant: &UserGrant<'_>,
    groups: &[String],
) -> Result<TokenAnswer, TokenError> {
    let family = grant.family;
    let mut overtaken = Backoff::new(Duration::from_millis(20), Duration::from_millis(200));
    for _ in 0..TRIES {
        let now = clock::now();
        let found = families::present(state.database.read(), token).await?;
        let (_, presented) = found.ok_or(Refusal::RefreshTokenInvalid)?;
        let verdict = presented.verdict(now);
        if verdict == Verdict::Reused {
            report_reuse(state, family).await?;
            return Err(Refusal::RefreshTokenInvalid.into());
        }
        let grant = UserGrant {
            groups,
            refresh: Some(NextRefresh::after(token, presented.generation)),
            ..*grant
        };
        let made = match verdict {
            Verdict::Rotate => token::replace(state, &grant, token, now).await,
            _ => token::make(state, &grant, now).await,
        };
        let made = match made {
            // A parallel request was faster at Kong, and will soon have said so in our table.
            Err(TokenError::Kong(error)) if error.is_unknown_token() => {
                overtaken.wait().await;
                continue;
            }
            made => made?,
        };
        let txn = state.database.write().await?;
        let found = families::present(&txn, token).await?;
        let is_same = found.is_some_and(|(_, presented)| presented.verdict(now) == verdict);
        if is_same && families::mark(&txn, token, verdict, now).await? {
            kong::forget_refreshed(&txn, token).await?;
            if family.is_passthrough() {
                families::renew(&txn, family).await?;
            }
            let answer = token::keep(&txn, &grant, made, now).await?;
            txn.commit().await?;
            return Ok(answer);
        }
        // Somebody was faster here; what the token means has to be found anew.
        token::discard(&txn, family, made, now).await?;
        txn.commit().await?;
    }
    Err(Refusal::RefreshTokenInvalid.into())
}

/// Consent may have been withdrawn and the subscription limited since (10.4). Scopes of groups are
/// computed anew and need neither.
async fn check_consent(state: &AppState, grant: &UserGrant<'_>) -> Result<(), TokenError> {
    let UserGrant { client, family, .. } = *grant;
    if client.trusted || family.scope.is_empty() {
        return Ok(());
    }
    let allowed = scopes::of_api(&family.scope, &grant.api.scope_ids())
        .iter()
        .all(|scope| client.scope_limit.allows(scope));
    let granted = state
        .portal_api
        .granted_scopes(&family.user_id, &client.application_id, &client.api_id)
        .await?;
    if allowed && family.scope.iter().all(|scope| granted.contains(scope)) {
        return Ok(());
    }
    revoke(state, family, RevokeReason::ConsentWithdrawn).await?;
    Err(Refusal::ConsentWithdrawn.into())
}

async fn report_reuse(state: &AppState, family: &Family) -> Result<(), TokenError> {
    tracing::warn!(client.id = %family.client_id, "a refresh token was used again after its replacement");
    metrics::counter!("wicketgate_auth_refresh_reuse").increment(1);
    revoke(state, family, RevokeReason::RefreshTokenReused).await
}

async fn revoke(state: &AppState, family: &Family, reason: RevokeReason) -> Result<(), TokenError> {
    let txn = state.database.write().await?;
    families::revoke(&txn, &family.id, reason, clock::now()).await?;
    txn.commit().await?;
    Ok(())
}

fn refreshed(answer: &TokenAnswer) -> RefreshedToken {
    RefreshedToken {
        token: answer.access_token.clone(),
        refresh: answer.refresh_token.clone(),
        until: answer.expires_at,
        token_type: TokenType::Bearer,
    }
}

/// The machine's output without its borrow.
enum Step {
    Authenticate,
    Recover {
        token: String,
    },
    Refresh {
        token: String,
        grant: Box<OxideGrant>,
    },
    Done,
}

impl Step {
    fn of(output: Output<'_>) -> Result<Self, TokenError> {
        Ok(match output {
            Output::Unauthenticated { .. } => Self::Authenticate,
            Output::RecoverRefresh { token } => Self::Recover {
                token: token.to_owned(),
            },
            Output::Refresh { token, grant } => Self::Refresh {
                token: token.to_owned(),
                grant,
            },
            Output::Ok(_) => Self::Done,
            Output::Err(error) => return Err(refusal(error).into()),
        })
    }
}

fn refusal(mut error: Error) -> Refusal {
    match error.description().map(AccessTokenError::kind) {
        Some(AccessTokenErrorType::InvalidScope) => Refusal::ScopeTooWide,
        _ => Refusal::RefreshTokenInvalid,
    }
}

struct OxideRequest<'a> {
    request: &'a TokenRequest,
    endpoint: &'a Endpoint,
}

impl Request for OxideRequest<'_> {
    fn valid(&self) -> bool {
        true
    }

    fn refresh_token(&self) -> Option<Cow<'_, str>> {
        self.request.refresh_token.as_deref().map(Cow::Borrowed)
    }

    /// A smaller scope may be asked for; old clients send one that never had a meaning.
    fn scope(&self) -> Option<Cow<'_, str>> {
        match self.endpoint.dialect() {
            Dialect::Compatible => None,
            Dialect::Standard => self
                .request
                .scope
                .as_deref()
                .map(|scope| Cow::Owned(scopes::parse(scope).join(" "))),
        }
    }

    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.request.grant_type.as_deref().map(Cow::Borrowed)
    }

    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        let id = self.request.client_id.as_deref()?;
        let secret = self.request.client_secret.as_deref()?;
        Some((Cow::Borrowed(id), Cow::Borrowed(secret.as_bytes())))
    }

    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
