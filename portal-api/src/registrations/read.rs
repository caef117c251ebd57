//! Reading registrations (portal-api 11.3).

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use config::pools::Pool;
use sdk::types::{Page, Registration, registrations::RegistrationsOfUser};
use sea_orm::{ConnectionTrait, Order, sea_query::Expr};

use super::{row::Column, rules, store, wire};
use crate::{
    ApiError, AppState,
    caller::Caller,
    namespaces,
    paging::{self, Fields, ListQuery, Listed, Parameters, Sort},
    users,
};

/// `GET /registrations/pools/{pool}?namespace=`
#[tracing::instrument(skip_all, fields(pool.id = %pool))]
pub async fn of_pool(
    State(state): State<AppState>,
    Path(pool): Path<String>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Listed<Registration>, ApiError> {
    caller.require_scope("read_registrations")?;
    let configuration = state.configuration();
    let (pool, namespace) = rules::find_place(&configuration, &pool, parameters.get("namespace"))?;
    caller.require_admin()?;
    let db = state.db.read();
    if pool.requires_namespace {
        namespaces::require(db, &pool.id, namespace).await?;
    }
    let column = |column: Column| Expr::col(column);
    let page = paging::page(
        db,
        store::of_pool(&pool.id, namespace),
        &ListQuery::read(&parameters),
        &fields(pool),
        Sort::by(column(Column::Name), Order::Asc),
        column(Column::Id),
    )
    .await?;
    Ok(page.map(wire::registration))
}

fn fields(pool: &Pool) -> Fields {
    let fixed = Fields::new()
        .with("name", Expr::col(Column::Name))
        .with("namespace", Expr::col(Column::Namespace))
        .with("userId", Expr::col(Column::UserId))
        .with("email", Expr::col(Column::Email))
        .with("customId", Expr::col(Column::CustomId));
    pool.properties.iter().fold(fixed, |fields, property| {
        fields.with(
            &property.id,
            paging::json_text(Column::Properties, &property.id),
        )
    })
}

/// `GET /registrations/pools/{pool}/users/{user}`: in all namespaces.
#[tracing::instrument(skip_all, fields(pool.id = %pool, user.id = %user))]
pub async fn of_pool_and_user(
    State(state): State<AppState>,
    Path((pool, user)): Path<(String, String)>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope("read_registrations")?;
    let configuration = state.configuration();
    let pool = rules::find_pool(&configuration, &pool)?;
    require_rights(&caller, &user)?;
    let db = state.db.read();
    require_user(db, &user).await?;
    let all = shown(db, &user, &pool.id).await?;
    paging::complete(all.items, &parameters, |one| {
        one.id.as_deref().unwrap_or_default()
    })
}

/// The registrations of a user in a pool as [`of_pool_and_user`] shows them.
pub(super) async fn shown(
    db: &impl ConnectionTrait,
    user: &str,
    pool: &str,
) -> Result<Page<Registration>, ApiError> {
    let rows = store::of_user(db, user, Some(pool)).await?;
    Ok(Page::complete(
        rows.into_iter().map(wire::registration).collect(),
    ))
}

/// `GET /registrations/users/{user}`: by pool.
#[tracing::instrument(skip_all, fields(user.id = %user))]
pub async fn of_user(
    State(state): State<AppState>,
    Path(user): Path<String>,
    caller: Caller,
) -> Result<Json<RegistrationsOfUser>, ApiError> {
    caller.require_scope("read_registrations")?;
    require_rights(&caller, &user)?;
    let db = state.db.read();
    require_user(db, &user).await?;
    let mut shown = RegistrationsOfUser::default();
    for row in store::of_user(db, &user, None).await? {
        shown
            .pools
            .entry(row.pool_id.clone())
            .or_default()
            .push(wire::registration(row));
    }
    Ok(Json(shown))
}

/// The user himself or an administrator. Unlike with users, a caller who does not exist is refused
/// before the addressed user is looked for.
pub(super) fn require_rights(caller: &Caller, user: &str) -> Result<(), ApiError> {
    if caller.names_a_user() {
        caller.require_user()?;
    }
    caller.require_self_or_admin(user)
}

async fn require_user(db: &impl ConnectionTrait, id: &str) -> Result<(), ApiError> {
    match users::store::find(db, id).await? {
        Some(_) => Ok(()),
        None => Err(user_not_found(id)),
    }
}

pub(super) fn user_not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("There is no user `{id}`."))
}
