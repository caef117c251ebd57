//! `/applications`: creating, reading, changing, deleting (portal-api 13).

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use sdk::types::{
    Role,
    applications::{CreateApplication, RoleDescription},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Value;

use super::{
    access::{self, Application, Demand, Right, Standing},
    list, patch,
    redirect_uris::Leniency,
    row, rules, store, wire,
};
use crate::{
    ApiError, AppState,
    caller::Caller,
    conditional::{Precondition, etag},
    error::is_duplicate,
    events::{self, Event},
    extract::{Body, RawBody, from_value},
    owners,
    paging::{self, Parameters},
    subscriptions, teams,
};

const READ: Demand = Demand {
    scope: "read_applications",
    right: Right::Read,
    caller_first: true,
    validated: false,
    refusal: "Only users with a role on this application may see it.",
};

const PATCH: Demand = Demand {
    scope: "write_applications",
    right: Right::Edit,
    caller_first: false,
    validated: false,
    refusal: "Only owners and collaborators may change this application.",
};

const DELETE: Demand = Demand {
    scope: "write_applications",
    right: Right::Own,
    caller_first: false,
    validated: false,
    refusal: "Only owners and administrators may delete this application.",
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/applications", get(list::list).post(create))
        .route("/applications/roles", get(roles))
        .route(
            "/applications/{application}",
            get(read).patch(change).delete(delete),
        )
}

/// `GET /applications/roles`
async fn roles(caller: Caller, parameters: Parameters) -> Result<Response, ApiError> {
    caller.require_scope("read_applications")?;
    let roles = Role::ALL.map(|role| {
        let desc = match role {
            Role::Owner => "Does everything, including giving roles and deleting the application",
            Role::Collaborator => "Changes the application and its subscriptions",
            Role::Reader => "Sees the application, its subscriptions and their credentials",
        };
        RoleDescription {
            role,
            desc: desc.to_owned(),
        }
    });
    paging::array(roles.into(), &parameters, |one| one.role.as_str())
}

/// `POST /applications`
#[tracing::instrument(skip_all)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<sdk::types::Application>), ApiError> {
    caller.require_scope("write_applications")?;
    let user = access::require_validated(&caller)?;
    let leniency = Leniency::of(&state);
    let request: CreateApplication = from_value(body)?;
    let new = rules::check_new(request, leniency)?;
    let (id, user_id) = (new.id.clone(), user.id());
    let now = service::clock::now();
    let txn = state.db.write().await?;
    if let Some(team) = &new.team {
        teams::require_giver(&txn, &caller, team).await?;
    }
    let row = match store::insert(&txn, new, Some(user_id.to_owned()), now).await {
        Err(error) if is_duplicate(&error) => return Err(taken(&id)),
        inserted => inserted?,
    };
    owners::store::insert(&txn, &id, user_id, Role::Owner, now).await?;
    let owners = owners::store::list(&txn, &id).await?;
    let event = Event::application_added(&id, Some(user_id)).becomes(&row);
    events::append(&txn, &state, &caller.actor(), event).await?;
    state.commit(txn).await?;
    tracing::info!(application.id = %id, "application created");
    Ok((StatusCode::CREATED, Json(wire::with_owners(row, owners))))
}

fn taken(id: &str) -> ApiError {
    ApiError::conflict(
        "application-exists",
        format!("The application id `{id}` is taken already."),
    )
}

/// `GET /applications/{application}`
async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<sdk::types::Application>, ApiError> {
    let application = access::open(&state, &caller, &id, READ).await?;
    Ok(Json(wire::with_links(application)))
}

/// The application as [`read`] shows it to somebody of this standing.
async fn shown(
    db: &impl ConnectionTrait,
    row: row::Model,
    standing: Standing,
) -> Result<Option<sdk::types::Application>, ApiError> {
    let owners = owners::store::list(db, &row.id).await?;
    Ok(Some(wire::with_links(Application {
        row,
        owners,
        standing,
    })))
}

/// `PATCH /applications/{application}`
#[tracing::instrument(skip_all, fields(application.id = %id))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    precondition: Precondition,
    body: RawBody,
) -> Result<impl IntoResponse, ApiError> {
    let standing = access::open(&state, &caller, &id, PATCH).await?.standing;
    let leniency = Leniency::of(&state);
    let changes = patch::read(&id, body, leniency)?;
    let changed_by = caller.user_id().map(str::to_owned);
    let txn = state.db.write().await?;
    let row = store::lock(&txn, &id)
        .await?
        .ok_or_else(|| access::not_found(&id))?;
    let before = row.clone();
    precondition
        .check(async || shown(&txn, before.clone(), standing).await)
        .await?;
    let moves = changes.team.as_ref().is_some_and(|to| *to != row.team_id);
    if moves {
        require_mover(&txn, &caller, standing, changes.team.as_ref()).await?;
    }
    let row = store::update(&txn, row, changes, changed_by, service::clock::now()).await?;
    let owners = owners::store::list(&txn, &id).await?;
    if moves && !owners.iter().any(|owner| owner.role == Role::Owner) {
        let message =
            "Nobody would own the application without its team; make a user its owner first.";
        return Err(ApiError::conflict("last-owner", message));
    }
    let event = Event::application_updated(&id, caller.user_id());
    let event = event.was(&before).becomes(&row);
    events::append(&txn, &state, &caller.actor(), event).await?;
    let etag = etag(&shown(&txn, row.clone(), standing).await?);
    state.commit(txn).await?;
    Ok((etag, Json(wire::with_owners(row, owners))))
}

/// Only owners move an application to another team or out of it, and only to teams of theirs.
async fn require_mover(
    txn: &DatabaseTransaction,
    caller: &Caller,
    standing: Standing,
    to: Option<&Option<String>>,
) -> Result<(), ApiError> {
    if !standing.owns() {
        let message = "Only owners may give an application to a team or take it away.";
        return Err(ApiError::forbidden("insufficient-role", message));
    }
    match to {
        Some(Some(team)) => teams::require_giver(txn, caller, team).await,
        _ => Ok(()),
    }
}

/// `DELETE /applications/{application}`: with its roles, subscriptions, requests and grants.
#[tracing::instrument(skip_all, fields(application.id = %id))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    precondition: Precondition,
) -> Result<StatusCode, ApiError> {
    let standing = access::open(&state, &caller, &id, DELETE).await?.standing;
    let txn = state.db.write().await?;
    let before = store::lock(&txn, &id)
        .await?
        .ok_or_else(|| access::not_found(&id))?;
    precondition
        .check(async || shown(&txn, before.clone(), standing).await)
        .await?;
    let subscriptions = subscriptions::withdraw_all(&txn, &state, &caller, &id).await?;
    store::delete(&txn, &id).await?;
    let event = Event::application_deleted(&id, caller.user_id(), &subscriptions).was(&before);
    events::append(&txn, &state, &caller.actor(), event).await?;
    state.commit(txn).await?;
    tracing::info!("application deleted");
    Ok(StatusCode::NO_CONTENT)
}
