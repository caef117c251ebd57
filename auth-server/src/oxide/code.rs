//! Redeeming an authorization code.

use std::borrow::Cow;

use oxide_auth::{
    code_grant::{
        accesstoken::{AccessToken, Authorization, Input, Output, Request},
        extensions::Pkce,
    },
    primitives::grant::{Extensions, Grant as OxideGrant},
};
use service::clock;

use crate::{
    address::Peer,
    apis::ApiPolicy,
    clients::Client,
    codes::{self, Code},
    families::{self, Family, RevokeReason},
    oauth::{Grant, Refusal},
    state::AppState,
    token::{self, Endpoint, TokenAnswer, TokenError, TokenRequest, UserFlow, UserGrant},
};

/// Issues the tokens of a code. The form of the request was checked before.
pub async fn redeem_code(
    state: &AppState,
    request: &TokenRequest,
    endpoint: &Endpoint,
    peer: Peer,
) -> Result<TokenAnswer, TokenError> {
    let mut machine = AccessToken::new(&OxideRequest(request));
    let mut step = Step::of(machine.advance(Input::None));
    let mut bound: Option<(Client, ApiPolicy)> = None;
    let mut redeemed: Option<(Code, Family)> = None;
    let mut answer: Option<TokenAnswer> = None;
    loop {
        step = match step {
            Step::Authenticate => {
                let grant = Grant::AuthorizationCode;
                let client = token::authenticate(state, request, grant, endpoint, peer).await?;
                let api = token::api_of(state, request, &client, endpoint, grant).await?;
                bound = Some((client, api));
                Step::of(machine.advance(Input::Authenticated))
            }
            Step::Recover { code } => {
                let (client, _) = bound.as_ref().ok_or(TokenError::Internal)?;
                let found = recover(state, &code, client, request, endpoint).await?;
                let grant = grant_of(&found, request)?;
                redeemed = Some(found);
                Step::of(machine.advance(Input::Recovered(Some(Box::new(grant)))))
            }
            Step::Extend { extensions } => {
                let (client, _) = bound.as_ref().ok_or(TokenError::Internal)?;
                verify_challenge(&extensions, client, request)?;
                let access_extensions = Extensions::new();
                Step::of(machine.advance(Input::Extended { access_extensions }))
            }
            Step::Issue => {
                let (client, api) = bound.as_ref().ok_or(TokenError::Internal)?;
                let redeemed = redeemed.as_ref().ok_or(TokenError::Internal)?;
                let issued = issue(state, request, client, api, redeemed).await?;
                let token = super::issued(&issued);
                answer = Some(issued);
                Step::of(machine.advance(Input::Issued(token)))
            }
            Step::Done => return answer.ok_or(TokenError::Internal),
            // Client, redirect URI and time were compared by the machine.
            Step::Failed => return Err(Refusal::CodeInvalid.into()),
        };
    }
}

/// Finds the code. A used one ends everything that came out of it (RFC 6749 4.1.2).
async fn recover(
    state: &AppState,
    code: &str,
    client: &Client,
    request: &TokenRequest,
    endpoint: &Endpoint,
) -> Result<(Code, Family), TokenError> {
    let db = state.database.read();
    let Some(code) = codes::find(db, code).await? else {
        return Err(Refusal::CodeInvalid.into());
    };
    let family = families::find(db, &code.family)
        .await?
        .ok_or(Refusal::CodeInvalid)?;
    if family.client_id != client.client_id {
        return Err(Refusal::CodeOfAnotherClient.into());
    }
    if code.used_at.is_some() {
        revoke_reused(state, &family).await?;
        return Err(Refusal::CodeInvalid.into());
    }
    if family.revoked {
        return Err(Refusal::CodeInvalid.into());
    }
    // A code cannot change to another method of the same API (F20).
    if let Endpoint::PerMethod { method, .. } = endpoint
        && family.method != *method
    {
        return Err(Refusal::CodeInvalid.into());
    }
    if request
        .redirect_uri
        .as_deref()
        .is_some_and(|uri| uri != code.redirect_uri)
    {
        return Err(Refusal::RedirectUriWrong.into());
    }
    Ok((code, family))
}

async fn revoke_reused(state: &AppState, family: &Family) -> Result<(), TokenError> {
    tracing::warn!(client.id = %family.client_id, "an authorization code was used twice");
    let txn = state.database.write().await?;
    families::revoke(&txn, &family.id, RevokeReason::CodeReused, clock::now()).await?;
    txn.commit().await?;
    Ok(())
}

/// The stored grant as the machine compares it. Old clients send no redirect URI; then there is
/// nothing to compare, and both sides get the same stand-in.
fn grant_of(
    (code, family): &(Code, Family),
    request: &TokenRequest,
) -> Result<OxideGrant, TokenError> {
    let redirect_uri = match request.redirect_uri {
        Some(_) => &code.redirect_uri,
        None => super::NO_REDIRECT_URI,
    };
    Ok(OxideGrant {
        owner_id: family.user_id.clone(),
        client_id: family.client_id.clone(),
        scope: super::scope(&family.scope),
        redirect_uri: redirect_uri.parse().map_err(|_| TokenError::Internal)?,
        until: code.expires_at,
        extensions: super::with_challenge(&Pkce::optional(), code.challenge.as_deref()),
    })
}

/// Whoever began with a challenge has to end with its verifier, whatever the client (F12); a
/// verifier without a challenge is a downgrade attempt.
fn verify_challenge(
    extensions: &Extensions,
    client: &Client,
    request: &TokenRequest,
) -> Result<(), Refusal> {
    let mut pkce = if client.kind.is_confidential() {
        Pkce::optional()
    } else {
        Pkce::required()
    };
    // The challenge is in our own row: whether this method is wanted was decided with it.
    pkce.allow_plain();
    let verifier = request.code_verifier.as_deref();
    let stored = extensions.clone().remove(&pkce);
    match (&stored, verifier) {
        (Some(_), None) => return Err(Refusal::VerifierMissing),
        (None, Some(_)) => return Err(Refusal::VerifierUnexpected),
        (_, Some(verifier)) if !(43..=128).contains(&verifier.len()) => {
            return Err(Refusal::VerifierMalformed);
        }
        _ => {}
    }
    pkce.verify(stored, verifier.map(Cow::Borrowed))
        .map_err(|()| Refusal::VerifierWrong)
}

async fn issue(
    state: &AppState,
    request: &TokenRequest,
    client: &Client,
    api: &ApiPolicy,
    (code, family): &(Code, Family),
) -> Result<TokenAnswer, TokenError> {
    let groups = token::groups_of(state, api, family).await?;
    let refresh = token::first_refresh(state, client, api, family).await?;
    let now = clock::now();
    let grant = UserGrant {
        by: UserFlow::Code,
        client,
        secret: request.client_secret.as_deref(),
        api,
        family,
        scope: &family.scope,
        groups: &groups,
        refresh,
        resource: request.resource.as_deref().or(code.resource.as_deref()),
        nonce: code.nonce.as_deref(),
    };
    // Before the code is used up: if nothing can be made now, it may be redeemed once more.
    let made = token::make(state, &grant, now).await?;
    let txn = state.database.write().await?;
    if !codes::consume(&txn, request.code.as_deref().unwrap_or_default(), now).await? {
        token::discard(&txn, family, made, now).await?;
        txn.commit().await?;
        revoke_reused(state, family).await?;
        return Err(Refusal::CodeInvalid.into());
    }
    let answer = token::keep(&txn, &grant, made, now).await?;
    txn.commit().await?;
    Ok(answer)
}

/// The machine's output without its borrow.
enum Step {
    Authenticate,
    Recover { code: String },
    Extend { extensions: Extensions },
    Issue,
    Done,
    Failed,
}

impl Step {
    fn of(output: Output<'_>) -> Self {
        match output {
            Output::Authenticate { .. } => Self::Authenticate,
            Output::Recover { code } => Self::Recover {
                code: code.to_owned(),
            },
            Output::Extend { extensions } => Self::Extend {
                extensions: extensions.clone(),
            },
            Output::Issue { .. } => Self::Issue,
            Output::Ok(_) => Self::Done,
            Output::Err(_) => Self::Failed,
        }
    }
}

struct OxideRequest<'a>(&'a TokenRequest);

impl Request for OxideRequest<'_> {
    fn valid(&self) -> bool {
        true
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        self.0.code.as_deref().map(Cow::Borrowed)
    }

    fn authorization(&self) -> Authorization<'_> {
        match (&self.0.client_id, &self.0.client_secret) {
            (Some(id), Some(secret)) => {
                Authorization::UsernamePassword(Cow::Borrowed(id), Cow::Borrowed(secret.as_bytes()))
            }
            (Some(id), None) => Authorization::Username(Cow::Borrowed(id)),
            (None, _) => Authorization::None,
        }
    }

    /// Already part of [`Request::authorization`]; naming it twice would be a duplicate.
    fn client_id(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        let uri = self.0.redirect_uri.as_deref();
        Some(Cow::Borrowed(uri.unwrap_or(super::NO_REDIRECT_URI)))
    }

    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.0.grant_type.as_deref().map(Cow::Borrowed)
    }

    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
