//! `/registrations/pools/{pool}/invitations`, and what the auth server asks when somebody opens one.

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
    routing::{delete, get, post},
};
use config::pools::Pool;
use http::StatusCode;
use sdk::types::registrations::{NewPoolInvitation, OpenPoolInvitation, PoolInvitation};
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};
use service::{clock, random};

use super::{row, rules, store};
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::Caller,
    events::{self, Event},
    extract::{Body, from_value},
    invitations::rules::{
        LIFETIME, address, check_count, check_token, digest, not_found, not_stored,
    },
    namespaces,
    paging::{self, Parameters},
    registrations::rules::{find_place, find_pool},
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/registrations/pools/{pool}/invitations",
            get(list).post(create),
        )
        .route(
            "/registrations/pools/{pool}/invitations/{id}",
            delete(withdraw),
        )
        .route(
            "/registrations/pools/{pool}/invitations/{id}/resend",
            post(resend),
        )
        .route("/registrations/invitations/open", post(open))
}

fn shown(row: row::Model) -> PoolInvitation {
    PoolInvitation {
        id: row.id,
        pool_id: row.pool_id,
        namespace: Some(row.namespace).filter(|namespace| !namespace.is_empty()),
        email: row.email,
        created_at: row.created_at.into(),
        created_by: row.created_by,
        expires_at: row.expires_at.into(),
    }
}

fn require_right(caller: &Caller, scope: &'static str) -> Result<(), ApiError> {
    caller.require_scope(scope)?;
    caller.require_admin()
}

/// `GET /registrations/pools/{pool}/invitations`
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(pool): Path<String>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    require_right(&caller, "read_registrations")?;
    let configuration = state.configuration();
    let pool = find_pool(&configuration, &pool)?;
    let rows = store::list(state.db.read(), &pool.id, clock::now()).await?;
    let shown = rows.into_iter().map(shown).collect();
    paging::array(shown, &parameters, |one: &PoolInvitation| &one.id)
}

/// `POST /registrations/pools/{pool}/invitations`: the token goes by mail only. Whether somebody has
/// an account is not looked at.
#[tracing::instrument(skip_all, fields(pool.id = %pool))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(pool): Path<String>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<PoolInvitation>), ApiError> {
    require_right(&caller, "write_registrations")?;
    let request: NewPoolInvitation = from_value(body)?;
    let email = address(&request.email)?;
    let configuration = state.configuration();
    let (pool, namespace) = find_place(&configuration, &pool, request.namespace.as_deref())?;
    rules::require_invitations(pool)?;
    let (token, now) = (random::hex_id(), clock::now());
    let new = row::Model {
        id: random::hex_id(),
        pool_id: pool.id.clone(),
        namespace: namespace.to_owned(),
        email,
        digest: digest(&token),
        created_at: now,
        created_by: caller.user_id().map(str::to_owned),
        expires_at: now + LIFETIME,
    };
    let txn = state.db.write().await?;
    if pool.requires_namespace {
        namespaces::require(&txn, &pool.id, namespace).await?;
    }
    store::delete_expired(&txn, &new, now).await?;
    let open = store::count(&txn, &pool.id, now).await?;
    check_count("A pool", open, rules::MOST)?;
    let inserted = store::insert(&txn, new.clone()).await;
    inserted.map_err(not_stored)?;
    tell(&txn, &state, &caller, &new, &token).await?;
    state.commit(txn).await?;
    Ok((StatusCode::CREATED, Json(shown(new))))
}

/// The event makes the mailer send the mail.
async fn tell(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    invitation: &row::Model,
    token: &str,
) -> Result<(), ApiError> {
    let pool = &invitation.pool_id;
    let link = rules::link(&state.configuration(), pool).ok_or_else(|| {
        let message = "There is no auth server at which somebody could register.";
        ApiError::conflict("no-auth-server", message)
    })?;
    let namespace = Some(invitation.namespace.as_str()).filter(|name| !name.is_empty());
    let event = Event::pool_invitation_added(
        (pool, namespace),
        &invitation.email,
        caller.user_id(),
        token,
        &link,
        (invitation.digest.clone(), invitation.expires_at),
    );
    let event = event.becomes(&json!({
        "invitationId": invitation.id, "email": invitation.email,
        "namespace": namespace, "expiresAt": invitation.expires_at,
    }));
    events::append(txn, state, &caller.actor(), event).await?;
    Ok(())
}

fn of(state: &AppState, caller: &Caller, pool: &str) -> Result<std::sync::Arc<Pool>, ApiError> {
    require_right(caller, "write_registrations")?;
    find_pool(&state.configuration(), pool).cloned()
}

/// `POST …/invitations/{id}/resend`: a new token, and seven more days.
#[tracing::instrument(skip_all, fields(pool.id = %pool))]
async fn resend(
    State(state): State<AppState>,
    caller: Caller,
    Path((pool, id)): Path<(String, String)>,
) -> Result<Json<PoolInvitation>, ApiError> {
    let pool = of(&state, &caller, &pool)?;
    rules::require_invitations(&pool)?;
    let token = random::hex_id();
    let txn = state.db.write().await?;
    let found = store::find(&txn, &pool.id, &id).await?;
    let mut invitation = found.ok_or_else(not_found)?;
    // The mail with the old one opens nothing any more.
    events::queue::erase_opened(&txn, &invitation.digest).await?;
    invitation.digest = digest(&token);
    invitation.expires_at = clock::now() + LIFETIME;
    store::update(&txn, invitation.clone()).await?;
    tell(&txn, &state, &caller, &invitation, &token).await?;
    state.commit(txn).await?;
    Ok(Json(shown(invitation)))
}

/// `DELETE …/invitations/{id}`: the mail that is on the way opens nothing any more.
#[tracing::instrument(skip_all, fields(pool.id = %pool))]
async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    Path((pool, id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let pool = of(&state, &caller, &pool)?;
    let txn = state.db.write().await?;
    let found = store::find(&txn, &pool.id, &id).await?;
    let invitation = found.ok_or_else(not_found)?;
    store::delete(&txn, &invitation).await?;
    let entry = Entry::new(caller.actor(), "pool_invitation", "delete")
        .about(&id)
        .with_data(json!({"poolId": pool.id}))
        .was(&json!({"email": invitation.email, "namespace": invitation.namespace}));
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /registrations/invitations/open`: what a token invites to. It stays good until somebody
/// registers with it. For the auth server, which shows the form.
async fn open(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<PoolInvitation>, ApiError> {
    require_right(&caller, "read_registrations")?;
    let request: OpenPoolInvitation = from_value(body)?;
    let token = request.token.expose();
    check_token("token", token)?;
    let found = store::find_by_digest(state.db.read(), &digest(token), clock::now()).await?;
    Ok(Json(shown(found.ok_or_else(not_found)?)))
}
