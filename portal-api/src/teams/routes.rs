//! `/teams` and their members.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, put},
};
use http::StatusCode;
use sdk::types::{
    Role, Team,
    applications::ChangeRole,
    teams::{NewTeam, PatchTeam},
};
use sea_orm::{
    DatabaseTransaction, Order, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, SimpleExpr},
};
use serde_json::{Value, json};
use service::clock;

use super::{
    row::{self, member},
    rules,
    store::{self, Member},
    wire,
};
use crate::{
    ApiError, AppState,
    applications::access,
    audit::{self, Entry},
    caller::Caller,
    conditional::{Precondition, Tag, etag},
    error::is_duplicate,
    extract::{Body, from_value},
    owners,
    paging::{self, Fields, ListQuery, Listed, Sort},
    users,
};

const READ: &str = "read_applications";
const WRITE: &str = "write_applications";

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/teams", get(list).post(create))
        .route("/teams/{team}", get(read).patch(change).delete(delete))
        .route(
            "/teams/{team}/members/{user}",
            put(put_member).delete(delete_member),
        )
}

/// `GET /teams`: those of the user, for administrators all.
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    query: ListQuery,
) -> Result<Listed<Team>, ApiError> {
    caller.require_scope(READ)?;
    let mut select = row::Entity::find();
    if !caller.is_admin() {
        let user = caller.require_user()?;
        let own = member::Entity::find()
            .select_only()
            .column(member::Column::TeamId)
            .filter(member::Column::UserId.eq(user.id()));
        select = select.filter(row::Column::Id.in_subquery(own.into_query()));
    }
    let fields = Fields::new()
        .with("id", column(row::Column::Id))
        .with("name", column(row::Column::Name))
        .with_time("changedDate", column(row::Column::ChangedAt));
    let by_name = Sort::by(column(row::Column::Name), Order::Asc);
    let id = column(row::Column::Id);
    let page = paging::page(state.db.read(), select, &query, &fields, by_name, id).await?;
    Ok(page.map(wire::base))
}

fn column(column: row::Column) -> SimpleExpr {
    Expr::col((row::Entity, column))
}

/// `POST /teams`: the caller becomes its owner.
#[tracing::instrument(skip_all)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Team>), ApiError> {
    caller.require_scope(WRITE)?;
    let user = access::require_validated(&caller)?;
    let request: NewTeam = from_value(body)?;
    let name = rules::check_name(&request.name)?;
    let now = clock::now();
    let team = row::Model {
        id: rules::check_id(&request.id)?,
        name,
        created_at: now,
        changed_at: now,
        changed_by: Some(user.id().to_owned()),
    };
    let txn = state.db.write().await?;
    let team = match store::insert(&txn, team).await {
        Err(error) if is_duplicate(&error) => {
            let message = "There is a team with this id already.";
            return Err(ApiError::conflict("team-exists", message));
        }
        inserted => inserted?,
    };
    store::put_member(&txn, &team.id, user.id(), Role::Owner, now).await?;
    let entry = Entry::new(caller.actor(), "team", "add")
        .about(&team.id)
        .becomes(&team);
    audit::record(&txn, &state, entry).await?;
    let shown = wire::full(&txn, team).await?;
    state.commit(txn).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// `GET /teams/{team}`
#[tracing::instrument(skip_all, fields(team.id = %id))]
async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Team>, ApiError> {
    caller.require_scope(READ)?;
    let db = state.db.read();
    let team = store::find(db, &id).await?;
    let (team, _) = open(db, &caller, &id, team, Role::Reader).await?;
    Ok(Json(wire::full(db, team).await?))
}

/// `PATCH /teams/{team}`
#[tracing::instrument(skip_all, fields(team.id = %id))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    precondition: Precondition,
    Body(body): Body<Value>,
) -> Result<(Tag, Json<Team>), ApiError> {
    caller.require_scope(WRITE)?;
    let txn = state.db.write().await?;
    let team = store::lock(&txn, &id).await?;
    let (before, _) = open(&txn, &caller, &id, team, Role::Owner).await?;
    let patch: PatchTeam = from_value(body)?;
    let name = patch.name.as_deref().map(rules::check_name).transpose()?;
    let current = async || Ok(Some(wire::full(&txn, before.clone()).await?));
    precondition.check(current).await?;
    let mut team = touched(&caller, before.clone());
    team.name = name.unwrap_or(team.name);
    let team = store::update(&txn, team).await?;
    let entry = Entry::new(caller.actor(), "team", "update")
        .about(&id)
        .was(&before)
        .becomes(&team);
    audit::record(&txn, &state, entry).await?;
    let shown = wire::full(&txn, team).await?;
    state.commit(txn).await?;
    Ok((etag(&shown), Json(shown)))
}

/// `DELETE /teams/{team}`, when nothing belongs to it any more.
#[tracing::instrument(skip_all, fields(team.id = %id))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    precondition: Precondition,
) -> Result<StatusCode, ApiError> {
    caller.require_scope(WRITE)?;
    let txn = state.db.write().await?;
    let team = store::lock(&txn, &id).await?;
    let (team, _) = open(&txn, &caller, &id, team, Role::Owner).await?;
    let current = async || Ok(Some(wire::full(&txn, team.clone()).await?));
    precondition.check(current).await?;
    if !store::applications(&txn, &id).await?.is_empty() {
        return Err(ApiError::conflict(
            "team-has-applications",
            "Applications belong to this team; delete them or take them out of it first.",
        ));
    }
    store::delete(&txn, &id).await?;
    let entry = Entry::new(caller.actor(), "team", "delete")
        .about(&id)
        .was(&team);
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /teams/{team}/members/{user}`: takes a user in, or gives him another role.
#[tracing::instrument(skip_all, fields(team.id = %id))]
async fn put_member(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, user_id)): Path<(String, String)>,
    Body(body): Body<Value>,
) -> Result<(Tag, Json<Team>), ApiError> {
    caller.require_scope(WRITE)?;
    let txn = state.db.write().await?;
    let team = store::lock(&txn, &id).await?;
    let (team, members) = open(&txn, &caller, &id, team, Role::Owner).await?;
    let request: ChangeRole = from_value(body)?;
    let role = owners::role(&request.role).ok_or_else(|| {
        let message = "`role` has to be `owner`, `collaborator` or `reader`.";
        ApiError::invalid("role", "choice", message)
    })?;
    // Owners know each other by mail address; ids have no `@`.
    let user = if user_id.contains('@') {
        users::store::find_by_email(&txn, &users::email::fold(&user_id)).await?
    } else {
        users::store::find(&txn, &user_id).await?
    };
    let user = user.ok_or_else(|| users::not_found(&user_id))?;
    let user_id = user.id.clone();
    let before = rules::role_of(&members, &user_id);
    if role != Role::Owner && rules::is_last_owner(&members, &user_id) {
        return Err(rules::last_owner());
    }
    if before.is_none() && members.len() >= rules::MOST_MEMBERS {
        let most = rules::MOST_MEMBERS;
        let message = format!("A team has at most {most} members.");
        return Err(ApiError::conflict("too-many-members", message));
    }
    store::put_member(&txn, &id, &user_id, role, clock::now()).await?;
    let team = store::update(&txn, touched(&caller, team)).await?;
    let action = if before.is_some() { "update" } else { "add" };
    let mut entry = Entry::new(caller.actor(), "team_member", action)
        .about(&id)
        .with_data(json!({"teamId": id, "addedUserId": user_id, "role": role}))
        .becomes(&json!({"userId": user_id, "email": user.email, "role": role}));
    if let Some(role) = before {
        entry = entry.was(&json!({"userId": user_id, "email": user.email, "role": role}));
    }
    audit::record(&txn, &state, entry).await?;
    let shown = wire::full(&txn, team).await?;
    state.commit(txn).await?;
    Ok((etag(&shown), Json(shown)))
}

/// `DELETE /teams/{team}/members/{user}`; everybody may leave.
#[tracing::instrument(skip_all, fields(team.id = %id))]
async fn delete_member(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, user_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require_scope(WRITE)?;
    let txn = state.db.write().await?;
    let team = store::lock(&txn, &id).await?;
    let is_own = caller.user_id() == Some(user_id.as_str());
    let needed = if is_own { Role::Reader } else { Role::Owner };
    let (team, members) = open(&txn, &caller, &id, team, needed).await?;
    let leaving = members.iter().find(|member| member.user_id == user_id);
    let leaving = leaving.ok_or_else(|| {
        ApiError::not_found(format!("User `{user_id}` is not a member of this team."))
    })?;
    if rules::is_last_owner(&members, &user_id) {
        return Err(rules::last_owner());
    }
    remove(&txn, &state, &caller, &id, leaving).await?;
    store::update(&txn, touched(&caller, team)).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a member out, on record.
pub async fn remove(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    team: &str,
    leaving: &Member,
) -> Result<(), ApiError> {
    store::delete_member(txn, team, &leaving.user_id).await?;
    let entry = Entry::new(caller.actor(), "team_member", "delete")
        .about(team)
        .with_data(json!({"teamId": team, "deletedUserId": leaving.user_id}))
        .was(leaving);
    audit::record(txn, state, entry).await?;
    Ok(())
}

fn touched(caller: &Caller, team: row::Model) -> row::Model {
    row::Model {
        changed_at: clock::now(),
        changed_by: caller.user_id().map(str::to_owned),
        ..team
    }
}

/// The team and its members for one who has `needed` in it: [`Role::Reader`] is any role.
async fn open(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: &str,
    team: Option<row::Model>,
    needed: Role,
) -> Result<(row::Model, Vec<Member>), ApiError> {
    if !caller.is_admin() {
        caller.require_user()?;
    }
    let team = team.ok_or_else(|| ApiError::not_found(format!("There is no team `{id}`.")))?;
    let members = store::members(db, id).await?;
    let role = caller.user_id().and_then(|id| rules::role_of(&members, id));
    let suffices = match needed {
        Role::Owner => role == Some(Role::Owner),
        _ => role.is_some(),
    };
    if caller.is_admin() || suffices {
        return Ok((team, members));
    }
    let message = "Only members of a team see it, and only its owners change it.";
    Err(ApiError::forbidden("insufficient-role", message))
}
