//! Making, reading and deleting verifications (portal-api 17.2 to 17.4).

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use sdk::types::{
    Verification,
    verifications::{CreateVerification, Kind},
};
use serde_json::Value;
use service::{clock, keys::Key, random};

use super::{row, rules, secret, store};
use crate::{
    ApiError, AppState,
    audit::Actor,
    caller::Caller,
    conditional::Precondition,
    events::{self, Event},
    extract::{self, Body},
    paging::ListQuery,
    preferences,
    users::{self, email},
};

/// `POST /verifications`. An address that nobody has gets the same answer as any other.
#[tracing::instrument(skip_all)]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_verifications")?;
    caller.require_admin()?;
    let request: CreateVerification = extract::from_value(body)?;
    let (kind, link) = rules::check(&request)?;
    preferences::check_language(request.language.as_deref())?;
    let address = email::fold(&request.email);
    let Some(user) = users::store::find_by_email(state.db.read(), &address).await? else {
        return Ok(StatusCode::NO_CONTENT);
    };
    if kind == Kind::LostPassword && user.custom_id.is_some() {
        return Err(federated());
    }
    let id = random::hex_id();
    let digest = secret::digest(&id);
    let now = clock::now();
    let new = row::Model {
        sealed_id: Some(secret::seal(&secret::key(&state.keys)?, &id, &digest)),
        digest,
        kind: kind.as_str().to_owned(),
        email: address,
        user_id: user.id,
        link: link.to_owned(),
        created_at: now,
        expires_at: now + rules::LIFETIME,
    };
    let event = Event::verification_added(
        kind.as_str(),
        &id,
        link,
        &new.email,
        &new.user_id,
        now.timestamp(),
        (new.digest.clone(), new.expires_at),
    )
    .in_language(request.language.as_deref());
    let txn = state.db.write().await?;
    store::insert(&txn, new).await?;
    events::append(&txn, &state, &Actor::from(&caller), event).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 400: there is no password here to be forgotten.
pub fn federated() -> ApiError {
    ApiError::bad_request(
        "federated-user",
        "This user logs in by another service and has no password here.",
    )
}

/// `GET /verifications`
#[tracing::instrument(skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    query: ListQuery,
) -> Result<Response, ApiError> {
    caller.require_scope("read_verifications")?;
    caller.require_admin()?;
    let page = store::list(state.db.read(), clock::now(), &query).await?;
    let key = secret::key(&state.keys)?;
    Ok(page
        .map(|row| shown(row, &key, &caller))
        .into_array_response())
}

/// `GET /verifications/{id}`
#[tracing::instrument(skip_all)]
pub async fn read(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Verification>, ApiError> {
    caller.require_scope("read_verifications")?;
    caller.require_admin()?;
    let row = store::find(state.db.read(), &id, clock::now())
        .await?
        .ok_or_else(not_found)?;
    Ok(Json(shown(row, &secret::key(&state.keys)?, &caller)))
}

/// 404: unknown, used up or expired.
pub fn not_found() -> ApiError {
    ApiError::not_found("There is no such verification; it may have expired.")
}

/// The id in clear is for whoever sends it on; others get its fingerprint.
fn shown(row: row::Model, key: &Key, caller: &Caller) -> Verification {
    let clear = row
        .sealed_id
        .as_deref()
        .filter(|_| caller.is_internal())
        .and_then(|sealed| secret::open(key, sealed, &row.digest));
    Verification {
        id: clear.unwrap_or_else(|| secret::fingerprint(&row.digest)),
        kind: rules::kind(&row.kind).unwrap_or(Kind::Email),
        email: row.email,
        user_id: row.user_id,
        link: row.link,
        utc: row.created_at.timestamp(),
    }
}

/// `DELETE /verifications/{id}`: 204 whether or not there was one.
#[tracing::instrument(skip_all)]
pub async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    precondition: Precondition,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_verifications")?;
    caller.require_admin()?;
    let txn = state.db.write().await?;
    let found = store::find_by_any_name(&txn, &id, clock::now()).await?;
    let key = secret::key(&state.keys)?;
    let current = async || Ok(found.clone().map(|row| shown(row, &key, &caller)));
    precondition.check(current).await?;
    if let Some(row) = found
        && store::delete(&txn, &row.digest).await?
    {
        events::append(&txn, &state, &Actor::from(&caller), deleted(&row)).await?;
        state.commit(txn).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The event of a verification that is gone.
pub fn deleted(row: &row::Model) -> Event {
    Event::verification_deleted(
        &row.kind,
        &row.email,
        &row.user_id,
        row.created_at.timestamp(),
    )
}
