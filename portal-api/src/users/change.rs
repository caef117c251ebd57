//! Changing and deleting users (portal-api 8.7 to 8.9).

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use config::globals::Globals;
use http::{HeaderMap, StatusCode};
use sdk::types::{User, users::PatchUser};
use serde_json::{Value, json};
use service::clock;

use super::{
    UserError,
    handover::{self, Handover},
    read, row, rules, store, wire,
};
use crate::{
    ApiError, AppState,
    audit::{self, Actor, Entry},
    caller::Caller,
    conditional::{Precondition, Tag, etag},
    events::{self, Event},
    extract::{self, Body},
    login,
    paging::Parameters,
    passwords, verifications,
};

/// Longer than any password that the rules allow.
const MAX_PASSWORD: usize = 1024;

/// `PATCH /users/{user}`; with `X-VerificationId` by the rights of that verification.
#[tracing::instrument(skip_all, fields(user.id = %id))]
pub async fn patch(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    precondition: Precondition,
    Body(body): Body<Value>,
) -> Result<Response, ApiError> {
    caller.require_scope("write_users")?;
    if let Some(verification) = headers.get(verifications::HEADER) {
        let token = verification.to_str().unwrap_or_default();
        verifications::patch_user(&state, &caller, &id, token, body).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    caller.require_self_or_admin(&id)?;
    let patch: PatchUser = extract::from_value(body)?;
    let (user, etag) = apply(&state, &caller, &id, &patch, &precondition).await?;
    Ok((etag, Json(user)).into_response())
}

async fn apply(
    state: &AppState,
    caller: &Caller,
    id: &str,
    patch: &PatchUser,
    precondition: &Precondition,
) -> Result<(User, Tag), ApiError> {
    let configuration = state.configuration();
    check_password(&configuration.globals, caller, patch)?;
    let before = store::find(state.db.read(), id)
        .await?
        .ok_or_else(|| read::not_found(id))?;
    check_current_password(state, &configuration.globals, caller, patch, &before).await?;
    let hash = match &patch.password {
        None => None,
        Some(hash) if patch.password_is_hashed.unwrap_or_default() => {
            Some(hash.expose().to_owned())
        }
        Some(password) => Some(state.passwords.hash(password).await?),
    };
    let saving = rules::Saving {
        now: clock::now(),
        actor: caller.user_id(),
        is_admin: caller.is_admin(),
        validated_group: configuration.globals.validated_user_group.as_deref(),
    };
    let txn = state.db.write().await?;
    // Read again inside the transaction: hashing takes long enough for others to change the row.
    let user = store::find_for_update(&txn, id)
        .await?
        .ok_or_else(|| read::not_found(id))?;
    let before = user.clone();
    let current = async || {
        Ok(Some(
            read::shown(&txn, state, caller, before.clone()).await?,
        ))
    };
    precondition.check(current).await?;
    let user = store::update(&txn, rules::patched(user, patch, hash, &saving)?).await?;
    let mut event = Event::user_updated(id, caller.user_id())
        .was(&before)
        .becomes(&user);
    if let (Some(after), Some(_)) = (&mut event.after, &patch.password) {
        after["passwordChanged"] = true.into();
    }
    events::append(&txn, state, &Actor::from(caller), event).await?;
    let shown = wire::full(&txn, &configuration, user.clone()).await?;
    let etag = etag(&read::shown(&txn, state, caller, user).await?);
    state.commit(txn).await?;
    Ok((shown, etag))
}

/// The rules for a new password. Only administrators may bring a hash along or leave the rules.
fn check_password(globals: &Globals, caller: &Caller, patch: &PatchUser) -> Result<(), ApiError> {
    let is_hashed = patch.password_is_hashed.unwrap_or_default();
    if let Some(current) = &patch.current_password
        && current.expose().len() > MAX_PASSWORD
    {
        let message = format!("`currentPassword` has at most {MAX_PASSWORD} characters.");
        return Err(ApiError::invalid("currentPassword", "length", message));
    }
    let is_forced = patch.force_password_update.unwrap_or_default();
    if is_hashed && !caller.is_admin() {
        return Err(UserError::AdminsOnly("passwordIsHashed").into());
    }
    if is_forced && !caller.is_admin() {
        return Err(UserError::AdminsOnly("forcePasswordUpdate").into());
    }
    match &patch.password {
        Some(hash) if is_hashed => passwords::check_hash(hash.expose()),
        Some(password) if !is_forced => {
            passwords::check_policy(&globals.password_strategy, password.expose())
        }
        _ => Ok(()),
    }
}

/// `currentPassword` is checked when sent, and has to be sent where the installation wants it:
/// whoever finds an open browser shall not keep the account (portal-api D7).
async fn check_current_password(
    state: &AppState,
    globals: &Globals,
    caller: &Caller,
    patch: &PatchUser,
    user: &row::Model,
) -> Result<(), ApiError> {
    let Some(stored) = user
        .password_hash
        .as_deref()
        .filter(|_| patch.password.is_some())
    else {
        return Ok(());
    };
    let Some(current) = &patch.current_password else {
        let is_own = caller.user_id() == Some(user.id.as_str());
        if globals.require_current_password && is_own && !caller.is_internal() {
            return Err(ApiError::invalid(
                "currentPassword",
                "required",
                "Send the password of today as `currentPassword` to set another one.",
            ));
        }
        return Ok(());
    };
    login::compare(state, caller, user, stored, current).await
}

/// `DELETE /users/{user}?applications=`
#[tracing::instrument(skip_all, fields(user.id = %id))]
pub async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    precondition: Precondition,
    parameters: Parameters,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_users")?;
    caller.require_self_or_admin(&id)?;
    let handover = Handover::read(parameters.get("applications"))?;
    let txn = state.db.write().await?;
    let user = store::find_for_update(&txn, &id)
        .await?
        .ok_or_else(|| read::not_found(&id))?;
    let current = async || {
        Ok(Some(
            read::shown(&txn, &state, &caller, user.clone()).await?,
        ))
    };
    precondition.check(current).await?;
    handover::hand_over(&txn, &state, &caller, &id, &handover).await?;
    // Told first: the record names him as he is.
    let event = Event::user_deleted(&id, caller.user_id()).was(&user);
    events::append(&txn, &state, &Actor::from(&caller), event).await?;
    store::delete(&txn, &id).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /users/{user}/password`: afterwards nobody logs in with one.
#[tracing::instrument(skip_all, fields(user.id = %id))]
pub async fn remove_password(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_users")?;
    if caller.names_a_user() && caller.user().is_none() {
        return Err(read::unknown_caller());
    }
    caller.require_admin()?;
    let txn = state.db.write().await?;
    if store::find_for_update(&txn, &id).await?.is_none() {
        return Err(read::not_found(&id));
    }
    store::remove_password(&txn, &id, clock::now()).await?;
    let entry = Entry::new(Actor::from(&caller), "user", "delete_password").about(&id);
    let entry = entry.with_data(json!({"updatedUserId": id}));
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}
