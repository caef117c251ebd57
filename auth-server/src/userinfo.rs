//! The profile of an access token's user (section 13).

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sdk::types::User;
use serde_json::{Map, Value, json};
use service::clock;

use crate::{
    cors::AboutClient,
    families, kong,
    oauth::{ErrorCode, OAuthError},
    portal_api::PortalApiError,
    scopes,
    state::AppState,
    subject::KeptProfile,
    tokens::{self, TokenMode},
};

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/profile", get(profile))
        .route("/userinfo", get(profile).post(profile))
        .route("/oauth2/userinfo", get(userinfo).post(userinfo))
}

/// `GET|POST {B}/oauth2/userinfo` (OpenID Connect Core 5.3): what the scope of the token covers.
async fn userinfo(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let mut about = None;
    let answer = async {
        let holder = holder_of(&state, bearer(&headers)?).await?;
        about = Some(AboutClient(holder.client_id.clone()));
        let has = |scope| scopes::contains(&holder.scope, scope);
        if !has(scopes::OPENID) {
            let text = "The access token was issued without scope `openid`.";
            return Err(Refused::Answer(OAuthError::new(
                ErrorCode::InsufficientScope,
                text,
            )));
        }
        let mut profile = profile_of(&state, &holder).await?;
        profile.retain(|claim, _| match claim.as_str() {
            "sub" => true,
            "email" | "email_verified" => has("email"),
            _ => has("profile"),
        });
        // The same name as in the ID token, whatever a scope service calls the user.
        profile.insert("sub".to_owned(), json!(holder.user_id));
        Ok(profile)
    };
    let answer = answer.await;
    respond(answer, about)
}

/// `GET {B}/profile`, `GET|POST {B}/userinfo`: everything, as clients of wicked expect it.
///
/// The profile is put together from what portal-api says now, so it neither grows old nor shrinks
/// with a refresh (F13).
async fn profile(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let mut about = None;
    let answer = async {
        let token = bearer(&headers)?;
        let holder = holder_of(&state, token).await?;
        about = Some(AboutClient(holder.client_id.clone()));
        profile_of(&state, &holder).await
    };
    let answer = answer.await;
    respond(answer, about)
}

fn respond(answer: Result<Map<String, Value>, Refused>, about: Option<AboutClient>) -> Response {
    let mut response = match answer {
        Ok(profile) => ([(header::CACHE_CONTROL, "no-store")], Json(profile)).into_response(),
        Err(error) => error.into_response(),
    };
    if let Some(client) = about {
        response.extensions_mut().insert(client);
    }
    response
}

/// The token: `Bearer <token>` or, as the portal sends it, the token alone.
fn bearer(headers: &HeaderMap) -> Result<&str, Refused> {
    let text = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or(Refused::NoToken)?;
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(token), None, _) | (Some(_), Some(token), None) => Ok(token),
        (None, ..) => Err(Refused::NoToken),
        _ => Err(Refused::Answer(OAuthError::new(
            ErrorCode::InvalidRequest,
            "`Authorization` holds more than a scheme and a token.",
        ))),
    }
}

/// Whom a token stands for.
struct Holder {
    user_id: String,
    client_id: String,
    namespace: Option<String>,
    /// What came from a provider, or a scope service.
    kept: Option<KeptProfile>,
    scope: Vec<String>,
}

/// The user behind a token that is valid and not revoked.
async fn holder_of(state: &AppState, token: &str) -> Result<Holder, Refused> {
    let configuration = state.configuration();
    let now = clock::now();
    let db = state.database.read();
    if configuration.mode == TokenMode::KongOauth2 && kong::is_token(token) {
        let family = kong::find_by_access(db, token, now)
            .await
            .map_err(database)?;
        let family = family.ok_or_else(invalid)?;
        return Ok(Holder {
            user_id: family.user_id,
            client_id: family.client_id,
            namespace: family.namespace,
            kept: family.profile,
            scope: family.scope,
        });
    }
    let claims = tokens::find(state, token, now).await.map_err(database)?;
    let claims = claims
        .filter(tokens::Claims::is_of_user)
        .ok_or_else(invalid)?;
    let family = families::find_by_access(db, &claims.jti).await;
    Ok(Holder {
        kept: family.map_err(database)?.and_then(|family| family.profile),
        namespace: claims.namespace().map(str::to_owned),
        scope: scopes::split(claims.scope.as_deref().unwrap_or_default()),
        user_id: claims.sub,
        client_id: claims.client_id,
    })
}

async fn profile_of(state: &AppState, holder: &Holder) -> Result<Map<String, Value>, Refused> {
    let kept = holder.kept.clone().unwrap_or_default();
    if kept.passthrough {
        return Ok(kept.claims);
    }
    let user = state
        .portal_api
        .user(&holder.user_id)
        .await
        .map_err(unavailable)?;
    let user = user
        .filter(|user| user.disabled != Some(true))
        .ok_or_else(invalid)?;
    let mut profile = kept.claims;
    profile.entry("sub").or_insert_with(|| json!(user.id));
    profile.insert("email".to_owned(), json!(user.email));
    let verified = user.validated.unwrap_or(false);
    profile.insert("email_verified".to_owned(), json!(verified));
    add_registration(state, holder, &user, &mut profile)
        .await
        .map_err(unavailable)?;
    Ok(profile)
}

/// The claims that the pool of the API exports.
async fn add_registration(
    state: &AppState,
    holder: &Holder,
    user: &User,
    profile: &mut Map<String, Value>,
) -> Result<(), PortalApiError> {
    let Some(client) = state.portal_api.client(&holder.client_id).await? else {
        return Ok(());
    };
    let api = state.portal_api.api(&client.api_id).await?;
    let Some(pool_id) = api.and_then(|api| api.pool) else {
        return Ok(());
    };
    let Some(pool) = state.portal_api.pool(&pool_id).await? else {
        return Ok(());
    };
    let namespace = holder.namespace.as_deref();
    let registrations = state.portal_api.registrations(&pool_id, &user.id).await?;
    let registration = registrations
        .iter()
        .find(|one| one.namespace.as_deref().filter(|text| !text.is_empty()) == namespace);
    let Some(registration) = registration else {
        return Ok(());
    };
    for property in &pool.properties {
        let value = registration.property(&property.id);
        if let (Some(claim), Some(value)) = (&property.oidc_claim, value) {
            profile.insert(claim.clone(), json!(value));
        }
    }
    Ok(())
}

/// Why there is no profile.
enum Refused {
    NoToken,
    Answer(OAuthError),
}

impl From<OAuthError> for Refused {
    fn from(error: OAuthError) -> Self {
        Self::Answer(error)
    }
}

fn invalid() -> Refused {
    let text = "The access token is not valid, has ended, or belongs to no user.";
    Refused::Answer(OAuthError::new(ErrorCode::InvalidToken, text))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn database(error: sea_orm::DbErr) -> Refused {
    tracing::error!(%error, "the database failed");
    Refused::Answer(OAuthError::unavailable())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn unavailable(error: PortalApiError) -> Refused {
    tracing::error!(%error, "portal-api failed");
    Refused::Answer(OAuthError::unavailable())
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Answer(error) => error.into_response(),
            // Without a token there is no error to name (RFC 6750 3.1).
            Self::NoToken => {
                let body = Json(json!({
                    "error": "invalid_request",
                    "error_description": "`Authorization` with an access token is missing.",
                }));
                let mut response = (StatusCode::UNAUTHORIZED, body).into_response();
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
        }
    }
}
