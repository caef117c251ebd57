//! Comparing passwords for the auth server (portal-api 9.3), with a brake on guessing (D9).

mod attempts;

use axum::{Json, Router, extract::State, routing::post};
use sdk::types::{Secret, User, users::Login};
use serde_json::{Value, json};

use crate::{
    ApiError, AppState,
    audit::{self, Actor, Entry},
    caller::Caller,
    extract::{self, Body},
    passwords::Verdict,
    users::{self, email, row::Model as UserRow, wire},
};

pub fn routes() -> Router<AppState> {
    Router::new().route("/login", post(login))
}

/// `POST /login`: the user with this address and password, in a list of one. The statuses tell the
/// cases apart for the caller, which is an internal one and must not pass them on.
#[tracing::instrument(skip_all)]
async fn login(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<[User; 1]>, ApiError> {
    caller.require_scope("login")?;
    caller.require_admin()?;
    let request: Login = extract::from_value(body)?;
    let address = request
        .email
        .or(request.username)
        .filter(|address| !address.is_empty());
    let address = address.ok_or_else(|| {
        ApiError::invalid(
            "email",
            "required",
            "Send the mail address as `email` or `username`.",
        )
    })?;
    let password = request.password.ok_or_else(|| {
        ApiError::invalid(
            "password",
            "required",
            "Send the `password` that was entered.",
        )
    })?;
    let address = email::fold(&address);
    let user = users::store::find_by_email(state.db.read(), &address).await?;
    let Some(user) = user else {
        compare_with_nothing(&state, &caller, &address, None, &password).await?;
        return Err(ApiError::not_found(
            "There is no such user, or the password is wrong.",
        ));
    };
    let Some(stored) = &user.password_hash else {
        compare_with_nothing(&state, &caller, &address, Some(&user), &password).await?;
        return Err(ApiError::bad_request(
            "no-password",
            "This user has no password.",
        ));
    };
    compare(&state, &caller, &user, stored, &password).await?;
    if user.disabled_at.is_some() {
        record_failure(&state, &caller, Some(&user)).await?;
        return Err(ApiError::forbidden(
            "user-disabled",
            "This account is locked.",
        ));
    }
    let entry = Entry::new(Actor::from(&caller), "user", "login").about(&user.id);
    let entry = entry.with_data(json!({"userId": user.id, "authMethod": "local"}));
    let txn = state.db.write().await?;
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    let shown = wire::full(state.db.read(), &state.configuration(), user).await?;
    Ok(Json([shown]))
}

/// Ends well only if `password` is that of `user`, whose hash is `stored`. A hash of an old format
/// is replaced. Too many failed attempts are 429.
pub async fn compare(
    state: &AppState,
    caller: &Caller,
    user: &UserRow,
    stored: &str,
    password: &Secret,
) -> Result<(), ApiError> {
    let attempt = attempts::begin(state, caller, &user.email).await?;
    let renewed = match state.passwords.verify(password, stored).await? {
        Verdict::Wrong => {
            record_failure(state, caller, Some(user)).await?;
            return Err(ApiError::forbidden(
                "wrong-password",
                "The password is wrong.",
            ));
        }
        Verdict::Right => None,
        Verdict::Outdated => Some(state.passwords.hash(password).await?),
    };
    let txn = state.db.write().await?;
    if let Some(hash) = renewed {
        users::store::replace_password_hash(&txn, &user.id, stored, hash).await?;
    }
    attempt.forget(&txn).await?;
    state.commit(txn).await
}

/// Takes as long as a comparison and counts as a failed attempt, so that neither time nor limits
/// tell which accounts exist.
async fn compare_with_nothing(
    state: &AppState,
    caller: &Caller,
    address: &str,
    user: Option<&UserRow>,
    password: &Secret,
) -> Result<(), ApiError> {
    attempts::begin(state, caller, address).await?;
    state.passwords.hash(password).await?;
    record_failure(state, caller, user).await
}

async fn record_failure(
    state: &AppState,
    caller: &Caller,
    user: Option<&UserRow>,
) -> Result<(), ApiError> {
    let mut entry = Entry::new(Actor::from(caller), "user", "login_failed").refused();
    if let Some(user) = user {
        entry = entry.about(&user.id).with_data(json!({"userId": user.id}));
    }
    let txn = state.db.write().await?;
    audit::record(&txn, state, entry).await?;
    state.commit(txn).await
}
