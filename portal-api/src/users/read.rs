//! Looking users up (portal-api 8.2, 8.3, 8.6).

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use sdk::types::{User, users::UserSummary};
use sea_orm::{ConnectionTrait, EntityTrait, Order, sea_query::Expr};

use super::{email, row, store, wire};
use crate::{
    ApiError, AppState,
    approvals::rules::Reach,
    caller::Caller,
    paging::{self, Fields, ListQuery, Listed, Parameters, Sort},
};

/// `GET /users`, the look-ups `?customId=` and `?email=`, which need no user, and `?approverOf=`.
#[tracing::instrument(skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope("read_users")?;
    let db = state.db.read();
    let given = |name| parameters.get(name).filter(|text| !text.is_empty());
    if let Some(api) = given("approverOf") {
        caller.require_admin()?;
        return Ok(Json(approvers(&state, api).await?).into_response());
    }
    let found = if let Some(custom_id) = given("customId") {
        store::find_by_custom_id(db, custom_id).await?
    } else if let Some(address) = given("email") {
        store::find_by_email(db, &email::fold(address)).await?
    } else {
        return Ok(page(&state, &caller, &parameters).await?.into_response());
    };
    let user = found.ok_or_else(|| ApiError::not_found("There is no such user."))?;
    Ok(Json([wire::summary(user)]).into_response())
}

async fn page(
    state: &AppState,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<Listed<UserSummary>, ApiError> {
    if caller.names_a_user() && caller.user().is_none() {
        return Err(unknown_caller());
    }
    caller.require_admin()?;
    let id = || Expr::col(row::Column::Id);
    let column = |column: row::Column| Expr::col(column);
    // By offset this list takes pages, but neither filter nor order.
    let query = ListQuery::read(parameters).plain();
    let fields = Fields::new()
        .with("id", id())
        .with("email", column(row::Column::Email))
        .with("customId", column(row::Column::CustomId))
        .with_time("changedDate", column(row::Column::ChangedAt));
    let (db, all) = (state.db.read(), row::Entity::find());
    let by_id = Sort::by(id(), Order::Asc);
    let users = paging::page(db, all, &query, &fields, by_id, id()).await?;
    Ok(users.map(wire::summary))
}

/// Who may decide about requests for an API. Administrators may, too, and are not among them.
async fn approvers(state: &AppState, api: &str) -> Result<Vec<UserSummary>, ApiError> {
    let configuration = state.configuration();
    let found = configuration.apis.iter().find(|known| known.id == api);
    let api = found.ok_or_else(|| ApiError::not_found(format!("There is no API `{api}`.")))?;
    let users = store::approvers(state.db.read(), &configuration).await?;
    let group = api.required_group.as_deref();
    Ok(users
        .into_iter()
        .filter(|user| user.disabled_at.is_none())
        .filter(|user| Reach::of_user(user, &configuration).covers(&api.id, group))
        .map(wire::summary)
        .collect())
}

/// 400: the call names a user who does not exist.
pub(super) fn unknown_caller() -> ApiError {
    ApiError::bad_request(
        "unknown-user",
        "The user for whom this call is made does not exist.",
    )
}

/// `GET /users/{user}`
#[tracing::instrument(skip_all, fields(user.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<User>, ApiError> {
    caller.require_scope("read_users")?;
    caller.require_self_or_admin(&id)?;
    let db = state.db.read();
    let user = store::find(db, &id).await?.ok_or_else(|| not_found(&id))?;
    Ok(Json(shown(db, &state, &caller, user).await?))
}

/// The user as `GET /users/{user}` shows him.
pub(super) async fn shown(
    db: &impl ConnectionTrait,
    state: &AppState,
    caller: &Caller,
    user: row::Model,
) -> Result<User, ApiError> {
    let has_password = user.password_hash.is_some();
    let sessions_ended_at = user.sessions_ended_at;
    let mut shown = wire::full(db, &state.configuration(), user).await?;
    shown.has_password = has_password.then_some(true);
    // Those who keep sessions compare with it.
    if caller.acting_service().is_some() {
        shown.sessions_ended_at = sessions_ended_at.map(Into::into);
    }
    Ok(shown)
}

/// 404 for a user.
pub fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("There is no user `{id}`."))
}
