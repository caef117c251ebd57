//! Making users (portal-api 8.4, 8.5).

use axum::{Json, extract::State};
use http::StatusCode;
use sdk::types::{
    User,
    users::{CreateUser, Preferences},
};
use serde_json::Value;
use service::{ServiceName, clock, random};

use super::{row, rules, store, wire};
use crate::{
    ApiError, AppState,
    audit::Actor,
    caller::Caller,
    events::{self, Event},
    extract::{self, Body},
    passwords, preferences,
};

/// `POST /users`
#[tracing::instrument(skip_all)]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    caller.require_scope("write_users")?;
    caller.require_admin()?;
    let request: CreateUser = extract::from_value(body)?;
    insert(&state, &caller, request).await
}

/// `POST /users/machine`: an account for a service. Ours do without (they have service tokens);
/// those of wicked make one at their first start.
#[tracing::instrument(skip_all)]
pub async fn create_machine(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    caller.require_internal()?;
    let request: CreateUser = extract::from_value(body)?;
    check_machine(&request)?;
    if let Some(service) = caller.service() {
        check_machine_groups(service, &caller, &request)?;
    }
    insert(&state, &caller, request).await
}

fn check_machine(request: &CreateUser) -> Result<(), ApiError> {
    let custom_id = request
        .custom_id
        .as_deref()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| {
            ApiError::invalid("customId", "required", "A machine user needs a `customId`.")
        })?;
    let is_valid = custom_id
        .strip_prefix("internal:")
        .is_some_and(rules::is_valid_id);
    if !is_valid {
        return Err(ApiError::invalid(
            "customId",
            "format",
            "The `customId` of a machine user is `internal:` and a name of letters, digits, \
             `-` and `_`.",
        ));
    }
    if request.password.is_some() {
        return Err(ApiError::invalid(
            "password",
            "absent",
            "A machine user has no password; leave `password` out.",
        ));
    }
    Ok(())
}

/// A service gives its machine user at most the rights that it has itself.
fn check_machine_groups(
    service: ServiceName,
    caller: &Caller,
    request: &CreateUser,
) -> Result<(), ApiError> {
    let allowed: &[&str] = if caller.is_admin() { &["admin"] } else { &[] };
    let groups = request.groups.iter().flatten();
    match groups
        .into_iter()
        .find(|group| !allowed.contains(&group.as_str()))
    {
        None => Ok(()),
        Some(group) => Err(ApiError::forbidden(
            "group-not-allowed",
            format!("{service} may not make a machine user with the group `{group}`."),
        )),
    }
}

async fn insert(
    state: &AppState,
    caller: &Caller,
    request: CreateUser,
) -> Result<(StatusCode, Json<User>), ApiError> {
    if !rules::names_somebody(&request) {
        return Err(super::UserError::NoEmail.into());
    }
    preferences::check_language(request.language.as_deref())?;
    let configuration = state.configuration();
    let id = chosen_id(caller, request.id.as_deref())?;
    let hash = password_hash(state, &configuration.globals.password_strategy, &request).await?;
    let saving = rules::Saving {
        now: clock::now(),
        actor: caller.user_id(),
        is_admin: true,
        validated_group: configuration.globals.validated_user_group.as_deref(),
    };
    let user = rules::created(&request, id, hash, &saving)?;
    let txn = state.db.write().await?;
    let user = store::insert(&txn, user).await?;
    if request.language.is_some() {
        let wanted = Preferences {
            language: request.language,
            ..Preferences::default()
        };
        preferences::store(&txn, &user.id, &wanted).await?;
    }
    events::append(&txn, state, &Actor::from(caller), added(&user)).await?;
    state.commit(txn).await?;
    // A new user has no applications yet.
    let shown = wire::with_applications(&configuration, user, Vec::new());
    Ok((StatusCode::CREATED, Json(shown)))
}

/// The event of a new user.
pub fn added(user: &row::Model) -> Event {
    Event::user_added(&user.id, &user.email, user.custom_id.as_deref()).becomes(user)
}

/// Only trusted peers, which set up a whole installation, choose ids themselves.
fn chosen_id(caller: &Caller, id: Option<&str>) -> Result<String, ApiError> {
    let Some(id) = id else {
        return Ok(random::hex_id());
    };
    if !(caller.is_trusted_peer() && caller.is_internal()) {
        return Err(ApiError::forbidden(
            "id-not-allowed",
            "The `id` of a new user cannot be chosen; leave it out.",
        ));
    }
    if !rules::is_valid_id(id) {
        return Err(ApiError::invalid(
            "id",
            "format",
            "An `id` has 1 to 64 of the characters A-Z, a-z, 0-9, `_` and `-`.",
        ));
    }
    Ok(id.to_owned())
}

async fn password_hash(
    state: &AppState,
    strategy: &str,
    request: &CreateUser,
) -> Result<Option<String>, ApiError> {
    let Some(password) = &request.password else {
        return Ok(None);
    };
    if request.password_is_hashed.unwrap_or_default() {
        passwords::check_hash(password.expose())?;
        return Ok(Some(password.expose().to_owned()));
    }
    passwords::check_policy(strategy, password.expose())?;
    // The address is checked before the expensive part, in the order of the contract.
    if let Some(email) = &request.email
        && !super::email::is_valid(&super::email::fold(email))
    {
        return Err(super::UserError::InvalidEmail.into());
    }
    Ok(Some(state.passwords.hash(password).await?))
}
