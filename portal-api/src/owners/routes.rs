//! `/applications/{application}/owners`: giving and taking roles (portal-api 13.7).

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{patch, post},
};
use http::StatusCode;
use sdk::types::{
    Application, Role,
    applications::{AddOwner, ChangeRole},
};
use serde_json::{Value, json};

use super::{Owner, rules, store};
use crate::{
    ApiError, AppState,
    applications::{
        self,
        access::{self, Demand, Right},
        wire,
    },
    caller::Caller,
    error::is_duplicate,
    events::{self, Event},
    extract::{Body, from_value},
    paging::Parameters,
    users,
};

const ADD: Demand = Demand {
    scope: "write_applications",
    right: Right::Own,
    caller_first: true,
    validated: false,
    refusal: "Only owners and administrators may give roles on this application.",
};

/// Everybody may leave; taking the role of somebody else is checked in [`delete`].
const DELETE: Demand = Demand {
    scope: "write_applications",
    right: Right::Read,
    caller_first: false,
    validated: false,
    refusal: "Only owners and administrators may take roles on this application.",
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/applications/{application}/owners",
            post(add).delete(delete),
        )
        .route("/applications/{application}/owners/{user}", patch(change))
}

/// `POST /applications/{application}/owners`
#[tracing::instrument(skip_all, fields(application.id = %id))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Application>), ApiError> {
    access::open(&state, &caller, &id, ADD).await?;
    let request: AddOwner = from_value(body)?;
    let role = rules::role(&request.role).ok_or_else(|| {
        let message = "`role` has to be `owner`, `collaborator` or `reader`.";
        ApiError::invalid("role", "choice", message)
    })?;
    let email = users::email::fold(&request.email);
    let user = users::store::find_by_email(state.db.read(), &email).await?;
    let user = user.ok_or_else(|| {
        ApiError::invalid(
            "email",
            "unknown",
            "`email` belongs to no user of this portal.",
        )
    })?;
    let txn = state.db.write().await?;
    let row = applications::store::lock(&txn, &id)
        .await?
        .ok_or_else(|| access::not_found(&id))?;
    let members = store::list(&txn, &id).await?;
    let mut own = members.iter().filter(|one| one.user_id == user.id);
    if own.any(|one| one.by_team) {
        return Err(rules::by_team());
    }
    match store::insert(&txn, &id, &user.id, role, service::clock::now()).await {
        Err(error) if is_duplicate(&error) => {
            let message = "This user has a role on the application already; take it away first.";
            return Err(ApiError::conflict("has-role", message));
        }
        inserted => inserted?,
    }
    let owners = store::list(&txn, &id).await?;
    let event = Event::owner_added(&id, caller.user_id(), &user.id, role.as_str())
        .becomes(&json!({"userId": user.id, "email": user.email, "role": role}));
    events::append(&txn, &state, &caller.actor(), event).await?;
    state.commit(txn).await?;
    Ok((StatusCode::CREATED, Json(wire::with_owners(row, owners))))
}

/// `DELETE /applications/{application}/owners?userEmail=`
#[tracing::instrument(skip_all, fields(application.id = %id))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<Application>, ApiError> {
    let application = access::open(&state, &caller, &id, DELETE).await?;
    let email = users::email::fold(parameters.get("userEmail").unwrap_or_default());
    let user = users::store::find_by_email(state.db.read(), &email).await?;
    let is_own_role = user
        .as_ref()
        .is_some_and(|user| caller.user_id() == Some(&user.id));
    if !application.standing.owns() && !is_own_role {
        return Err(ApiError::forbidden("insufficient-role", DELETE.refusal));
    }
    let user = user.ok_or_else(|| {
        ApiError::invalid(
            "userEmail",
            "unknown",
            "`userEmail` belongs to no user of this portal.",
        )
    })?;
    let txn = state.db.write().await?;
    let row = applications::store::lock(&txn, &id)
        .await?
        .ok_or_else(|| access::not_found(&id))?;
    let mut owners = store::list(&txn, &id).await?;
    if let Some(before) = given(&owners, &user.id)? {
        if rules::is_last(&owners, &user.id) {
            let message =
                "Somebody has to own the application; give the role to another user first.";
            return Err(ApiError::conflict("last-owner", message));
        }
        store::delete(&txn, &id, &user.id).await?;
        let event = Event::owner_deleted(&id, caller.user_id(), &user.id).was(before);
        events::append(&txn, &state, &caller.actor(), event).await?;
        state.commit(txn).await?;
        owners.retain(|owner| owner.user_id != user.id || owner.by_team);
    }
    Ok(Json(wire::with_owners(row, owners)))
}

/// `PATCH /applications/{application}/owners/{user}`: another role. Events tell of it as they always
/// did: the old one is taken, the new one given.
#[tracing::instrument(skip_all, fields(application.id = %id))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, user_id)): Path<(String, String)>,
    Body(body): Body<Value>,
) -> Result<Json<Application>, ApiError> {
    access::open(&state, &caller, &id, ADD).await?;
    let request: ChangeRole = from_value(body)?;
    let role = rules::role(&request.role).ok_or_else(|| {
        let message = "`role` has to be `owner`, `collaborator` or `reader`.";
        ApiError::invalid("role", "choice", message)
    })?;
    let txn = state.db.write().await?;
    let row = applications::store::lock(&txn, &id)
        .await?
        .ok_or_else(|| access::not_found(&id))?;
    let owners = store::list(&txn, &id).await?;
    let before = given(&owners, &user_id)?;
    let before = before.ok_or_else(|| {
        ApiError::not_found(format!("User `{user_id}` has no role on this application."))
    })?;
    if before.role == role {
        return Ok(Json(wire::with_owners(row, owners)));
    }
    if before.role == Role::Owner && rules::is_last(&owners, &user_id) {
        let message = "Somebody has to own the application; make another user its owner first.";
        return Err(ApiError::conflict("last-owner", message));
    }
    let after = json!({"userId": user_id, "email": before.email, "role": role});
    store::set_role(&txn, &id, &user_id, role).await?;
    let taken = Event::owner_deleted(&id, caller.user_id(), &user_id).was(before);
    let given = Event::owner_added(&id, caller.user_id(), &user_id, role.as_str());
    for event in [taken, given.was(before).becomes(&after)] {
        events::append(&txn, &state, &caller.actor(), event).await?;
    }
    let owners = store::list(&txn, &id).await?;
    state.commit(txn).await?;
    Ok(Json(wire::with_owners(row, owners)))
}

/// The role that was given to the user himself; 409 if he has one by the team only.
fn given<'o>(owners: &'o [Owner], user_id: &str) -> Result<Option<&'o Owner>, ApiError> {
    let mut own = owners.iter().filter(|owner| owner.user_id == user_id);
    match own.clone().find(|owner| !owner.by_team) {
        None if own.next().is_some() => Err(rules::by_team()),
        given => Ok(given),
    }
}
