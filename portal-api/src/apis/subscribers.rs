//! `GET /apis/{api}/subscribers`: to whom a word about an API goes, with few statements however many
//! they are.

use std::collections::HashMap;

use axum::extract::{Path, State};
use sdk::types::{Registration, Role, pools::PORTAL_POOL, users::Subscriber};
use sea_orm::{
    EntityTrait, Order, QueryFilter, QuerySelect, QueryTrait, prelude::*, sea_query::Expr,
};

use crate::{
    ApiError, AppState,
    caller::Caller,
    owners::row::granted,
    paging::{self, Fields, ListQuery, Listed, Sort},
    preferences, registrations, subscriptions, users,
};

/// The owners of all applications that have a subscription to the API, teams' members among them.
#[tracing::instrument(skip_all, fields(api.id = %api))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(api): Path<String>,
    query: ListQuery,
) -> Result<Listed<Subscriber>, ApiError> {
    caller.require_scope("read_subscriptions")?;
    caller.require_scope("read_users")?;
    caller.require_admin()?;
    let applications = subscriptions::row::Entity::find()
        .select_only()
        .column(subscriptions::row::Column::ApplicationId)
        .filter(subscriptions::row::Column::ApiId.eq(api));
    let owners = granted::Entity::find()
        .select_only()
        .column(granted::Column::UserId)
        .filter(granted::Column::Role.eq(Role::Owner.as_str()))
        .filter(granted::Column::ApplicationId.in_subquery(applications.into_query()));
    let id = || Expr::col(users::row::Column::Id);
    let select = users::row::Entity::find()
        .filter(users::row::Column::Id.in_subquery(owners.into_query()))
        .filter(users::row::Column::DisabledAt.is_null());
    let fields = Fields::new()
        .with("id", id())
        .with("email", Expr::col(users::row::Column::Email));
    let (db, by_id) = (state.db.read(), Sort::by(id(), Order::Asc));
    let page = paging::page(db, select, &query.plain(), &fields, by_id, id()).await?;
    let ids: Vec<String> = page.items().iter().map(|user| user.id.clone()).collect();
    let mut preferences = preferences::of_users(db, &ids).await?;
    let mut registered: HashMap<String, Vec<Registration>> = HashMap::new();
    for row in registrations::store::of_users(db, &ids, PORTAL_POOL).await? {
        let registration = registrations::wire::registration(row);
        let of_user = registered.entry(registration.user_id.clone());
        of_user.or_default().push(registration);
    }
    Ok(page.map(|user| Subscriber {
        registrations: registered.remove(&user.id).unwrap_or_default(),
        preferences: preferences.remove(&user.id).unwrap_or_default(),
        id: user.id,
        email: user.email,
    }))
}
