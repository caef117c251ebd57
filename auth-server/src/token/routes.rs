//! `POST …/token`.

use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use service::clock;

use crate::{
    PasswordGrant,
    address::Peer,
    cors::AboutClient,
    oauth::{Dialect, OAuthError, Refusal},
    oxide,
    pages::{Fault, PageError},
    personal, records,
    state::AppState,
};

use super::{Endpoint, TokenAnswer, TokenError, TokenRequest, device, password};

/// Below the base path.
pub fn standard_routes() -> Router<AppState> {
    Router::new().route("/oauth2/token", post(standard))
}

/// Below the base path; wicked's URLs.
pub fn compatible_routes() -> Router<AppState> {
    Router::new().route("/{method}/api/{api}/token", post(compatible))
}

/// `POST {B}/oauth2/token`
async fn standard(State(state): State<AppState>, peer: Peer, request: Request) -> Response {
    answer(&state, Endpoint::Standard, peer, request).await
}

/// `POST {B}/{method}/api/{api}/token`
async fn compatible(
    State(state): State<AppState>,
    Path((method, api)): Path<(String, String)>,
    peer: Peer,
    request: Request,
) -> Response {
    if state.configuration().method(&method).is_none() {
        return PageError::new(&state, Fault::NotFound).into_response();
    }
    answer(&state, Endpoint::PerMethod { method, api }, peer, request).await
}

async fn answer(state: &AppState, endpoint: Endpoint, peer: Peer, request: Request) -> Response {
    let dialect = endpoint.dialect();
    let mut client_id = None;
    let result = async {
        let request = TokenRequest::read(request, dialect).await?;
        client_id.clone_from(&request.client_id);
        grant(state, &request, &endpoint, peer).await
    }
    .await;
    let outcome = if result.is_ok() { "issued" } else { "refused" };
    metrics::counter!("wicketgate_auth_tokens", "outcome" => outcome).increment(1);
    let mut response = match result {
        Ok(answer) => answer.into_response(),
        Err(error) => {
            let answer = refuse(&error, dialect);
            put_on_record(state, client_id.as_deref(), &error, peer).await;
            answer.into_response()
        }
    };
    if let Some(client) = client_id.map(AboutClient) {
        response.extensions_mut().insert(client);
    }
    response
}

/// What is refused is on record; whoever is refused need not wait for that to succeed.
async fn put_on_record(state: &AppState, client_id: Option<&str>, error: &TokenError, peer: Peer) {
    let reason = match error {
        // A device asks until it is answered.
        TokenError::Refused(Refusal::DevicePending | Refusal::DeviceTooFast) => return,
        TokenError::Refused(refusal) => refusal.answer(Dialect::Standard).code.as_str(),
        TokenError::Braked(_) => "too_many_attempts",
        // Not the asker's fault.
        _ => return,
    };
    let now = clock::now();
    let recorded = records::tokens::refused(state, client_id, reason, peer.address, now).await;
    if let Err(error) = recorded {
        tracing::error!(%error, "a refused token could not be put on record");
    }
}

/// Checks the form of the request in the order of 10.3 and hands it to its grant.
async fn grant(
    state: &AppState,
    request: &TokenRequest,
    endpoint: &Endpoint,
    peer: Peer,
) -> Result<TokenAnswer, TokenError> {
    let client_id = request.client_id.as_deref();
    match request
        .grant_type
        .as_deref()
        .ok_or(Refusal::GrantTypeMissing)?
    {
        "client_credentials" => {
            client_id.ok_or(Refusal::ClientIdMissing)?;
            let grant = crate::oauth::Grant::ClientCredentials;
            if !request.has_proof() {
                return Err(Refusal::SecretMissing { grant }.into());
            }
            oxide::client_credentials(state, request, endpoint, peer).await
        }
        "authorization_code" => {
            request.code.as_deref().ok_or(Refusal::CodeMissing)?;
            client_id.ok_or(Refusal::ClientIdMissing)?;
            if !request.has_proof() && request.code_verifier.is_none() {
                return Err(Refusal::SecretOrVerifierMissing.into());
            }
            oxide::redeem_code(state, request, endpoint, peer).await
        }
        "refresh_token" => {
            client_id.ok_or(Refusal::ClientIdMissing)?;
            request
                .refresh_token
                .as_deref()
                .ok_or(Refusal::RefreshTokenMissing)?;
            oxide::refresh(state, request, endpoint, peer).await
        }
        "urn:ietf:params:oauth:grant-type:token-exchange" if *endpoint == Endpoint::Standard => {
            client_id.ok_or(Refusal::ClientIdMissing)?;
            personal::exchange(state, request, peer).await
        }
        device::GRANT_TYPE => device::grant(state, request, endpoint, peer).await,
        "password" if state.settings.grants.password != PasswordGrant::None => {
            client_id.ok_or(Refusal::ClientIdMissing)?;
            password::grant(state, request, endpoint, peer).await
        }
        _ => Err(Refusal::GrantTypeUnknown.into()),
    }
}

/// The answer to an error; what went wrong inside is logged here and nowhere else.
pub fn refuse(error: &TokenError, dialect: Dialect) -> OAuthError {
    match error {
        TokenError::Refused(refusal) => {
            tracing::info!(refusal = ?refusal, "token request refused");
            refusal.answer(dialect)
        }
        TokenError::Braked(braked) => OAuthError::slow_down(braked.0.as_secs().max(1)),
        TokenError::PortalApi(source) => {
            tracing::error!(error = %source, "portal-api failed during a token request");
            OAuthError::unavailable()
        }
        TokenError::Database(source) => {
            tracing::error!(error = %source, "the database failed during a token request");
            OAuthError::unavailable()
        }
        TokenError::Kong(source) => {
            tracing::error!(error = %source, "Kong gave no token");
            source.answer(dialect)
        }
        TokenError::Provider(text) => {
            tracing::error!(error = text, "a log-in method failed");
            OAuthError::unavailable()
        }
        TokenError::Mode(source) => {
            tracing::error!(error = %source, "no token can be made for this API");
            OAuthError::new(
                crate::oauth::ErrorCode::ServerError,
                "No tokens can be issued for this API.",
            )
        }
        TokenError::Internal => {
            tracing::error!("a grant asked for something out of order");
            OAuthError::new(
                crate::oauth::ErrorCode::ServerError,
                "The request went astray.",
            )
        }
    }
}
