//! Using a verification: setting a password or confirming an address (portal-api 17.5, D10).

use axum::extract::State;
use http::StatusCode;
use sdk::types::verifications::{ConsumeVerification, Kind};
use sea_orm::DatabaseTransaction;
use serde_json::Value;
use service::clock;

use super::{
    routes::{deleted, federated, not_found},
    row,
    rules::{self, Use},
    store,
};
use crate::{
    ApiError, AppState,
    audit::Actor,
    caller::Caller,
    events::{self, Event},
    extract::{self, Body},
    passwords,
    users::{self, rules::add_validated_group},
};

/// `PATCH /users/{user}` with `X-VerificationId`. The verification stays: existing clients use it
/// more than once and then delete it.
pub async fn patch_user(
    state: &AppState,
    caller: &Caller,
    user_id: &str,
    id: &str,
    body: Value,
) -> Result<(), ApiError> {
    caller.require_admin()?;
    let found = store::find(state.db.read(), id, clock::now())
        .await?
        .ok_or_else(not_found)?;
    if found.user_id != user_id {
        return Err(ApiError::forbidden(
            "other-user",
            "The verification belongs to another user.",
        ));
    }
    let change = Change::prepare(state, &found, rules::patch(&body)?).await?;
    let txn = state.db.write().await?;
    change.apply(state, &txn, caller, &found).await?;
    state.commit(txn).await
}

/// `POST /verifications/consume`: works once, and only for what the verification was made for.
#[tracing::instrument(skip_all)]
pub async fn consume(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_verifications")?;
    caller.require_admin()?;
    let request: ConsumeVerification = extract::from_value(body)?;
    let found = store::find(state.db.read(), request.token.expose(), clock::now()).await?;
    let found = found.ok_or_else(not_found)?;
    let kind = rules::kind(&found.kind).unwrap_or(Kind::Email);
    let change = Change::prepare(&state, &found, rules::consume(kind, request.password)?).await?;
    let txn = state.db.write().await?;
    if !store::delete(&txn, &found.digest).await? {
        return Err(not_found());
    }
    change.apply(&state, &txn, &caller, &found).await?;
    events::append(&txn, &state, &Actor::from(&caller), deleted(&found)).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A use that was checked, and whose password was hashed, before the transaction begins.
enum Change {
    PasswordHash(String),
    Validated(bool),
}

impl Change {
    async fn prepare(state: &AppState, of: &row::Model, wanted: Use) -> Result<Self, ApiError> {
        let password = match wanted {
            Use::Validated(validated) => return Ok(Self::Validated(validated)),
            Use::Password(password) => password,
        };
        let user = users::store::find(state.db.read(), &of.user_id).await?;
        if user.ok_or_else(user_gone)?.custom_id.is_some() {
            return Err(federated());
        }
        let configuration = state.configuration();
        passwords::check_policy(&configuration.globals.password_strategy, password.expose())?;
        Ok(Self::PasswordHash(state.passwords.hash(&password).await?))
    }

    async fn apply(
        self,
        state: &AppState,
        txn: &DatabaseTransaction,
        caller: &Caller,
        of: &row::Model,
    ) -> Result<(), ApiError> {
        let user = users::store::find_for_update(txn, &of.user_id).await?;
        let mut user = user.ok_or_else(user_gone)?;
        let before = user.clone();
        let event = match self {
            Self::PasswordHash(hash) => {
                user.password_hash = Some(hash);
                // He has just chosen it himself.
                user.must_change_password = false;
                users::rules::end_sessions(&mut user, clock::now());
                Event::user_password_set(&user.id)
            }
            Self::Validated(validated) => {
                if user.email != of.email {
                    return Err(ApiError::conflict(
                        "address-changed",
                        "The user has another mail address by now; ask for a new mail.",
                    ));
                }
                user.validated = validated;
                Event::user_validated(&user.id)
            }
        };
        user.changed_at = clock::now();
        user.changed_by = caller.user_id().map(str::to_owned);
        let configuration = state.configuration();
        let group = configuration.globals.validated_user_group.as_deref();
        add_validated_group(&mut user, group);
        let user = users::store::update(txn, user).await?;
        let event = event.was(&before).becomes(&user);
        events::append(txn, state, &Actor::from(caller), event).await
    }
}

fn user_gone() -> ApiError {
    ApiError::not_found("The user of this verification does not exist any more.")
}
