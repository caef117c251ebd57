//! HTTP of namespaces.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use sdk::types::Timestamp;
use sea_orm::{Order, sea_query::Expr};
use serde_json::{Value, json};
use service::{clock, random};

use super::{row, rules, store};
use crate::{
    ApiError, AppState,
    audit::Actor,
    caller::Caller,
    conditional::{Precondition, Tag, etag},
    events::{self, Event},
    extract::Body,
    paging::{self, Fields, ListQuery, Listed, Parameters, Sort},
    registrations,
};

/// `GET /pools/{pool}/namespaces`
#[tracing::instrument(skip_all, fields(pool.id = %pool))]
pub async fn list(
    State(state): State<AppState>,
    Path(pool): Path<String>,
    caller: Caller,
    query: ListQuery,
) -> Result<Listed<Value>, ApiError> {
    caller.require_scope("read_namespaces")?;
    caller.require_admin()?;
    let configuration = state.configuration();
    let pool = rules::find_pool(&configuration, &pool)?;
    let column = |column: row::Column| Expr::col(column);
    let page = paging::page(
        state.db.read(),
        store::of_pool(&pool.id),
        &query,
        &fields(&query),
        Sort::by(column(row::Column::Description), Order::Asc),
        column(row::Column::Id),
    )
    .await?;
    Ok(page.map(shown))
}

/// The columns, and the further members that the query names.
fn fields(query: &ListQuery) -> Fields {
    let fixed = Fields::new()
        .with("namespace", Expr::col(row::Column::Namespace))
        .with("description", Expr::col(row::Column::Description));
    let order = query.order_by.iter().map(|(name, _)| name);
    query
        .filter
        .keys()
        .chain(order)
        .fold(fixed, |fields, name| {
            fields.with(name, paging::json_text(row::Column::Extra, name))
        })
}

fn shown(row: row::Model) -> Value {
    let mut shown = row.extra.0;
    shown.insert("id".to_owned(), json!(row.id));
    shown.insert("poolId".to_owned(), json!(row.pool_id));
    shown.insert("namespace".to_owned(), json!(row.namespace));
    shown.insert("description".to_owned(), json!(row.description));
    shown.insert("changedDate".to_owned(), json!(Timestamp(row.changed_at)));
    if let Some(changed_by) = row.changed_by {
        shown.insert("changedBy".to_owned(), json!(changed_by));
    }
    Value::Object(shown)
}

/// `GET /pools/{pool}/namespaces/{namespace}`
#[tracing::instrument(skip_all, fields(pool.id = %pool))]
pub async fn read(
    State(state): State<AppState>,
    Path((pool, namespace)): Path<(String, String)>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    caller.require_scope("read_namespaces")?;
    caller.require_admin()?;
    let configuration = state.configuration();
    let pool = rules::find_pool(&configuration, &pool)?;
    let found = store::find(state.db.read(), &pool.id, &namespace).await?;
    let found = found.ok_or_else(|| ApiError::not_found("There is no such namespace."))?;
    Ok(Json(shown(found)))
}

/// `PUT /pools/{pool}/namespaces/{namespace}`
#[tracing::instrument(skip_all, fields(pool.id = %pool))]
pub async fn put(
    State(state): State<AppState>,
    Path((pool, namespace)): Path<(String, String)>,
    caller: Caller,
    precondition: Precondition,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Tag), ApiError> {
    caller.require_scope("write_namespaces")?;
    caller.require_admin()?;
    let configuration = state.configuration();
    let pool = rules::find_pool(&configuration, &pool)?;
    let (description, extra) = rules::check(&pool.id, &namespace, &body)?;
    let txn = state.db.write().await?;
    let before = store::find_for_update(&txn, &pool.id, &namespace).await?;
    precondition
        .check(async || Ok(before.clone().map(shown)))
        .await?;
    let action = if before.is_some() { "update" } else { "add" };
    let mut event = Event::namespace_changed(action, &pool.id, &namespace, caller.user_id());
    if let Some(before) = &before {
        event = event.was(before);
    }
    let new = row::Model {
        id: random::hex_id(),
        pool_id: pool.id.clone(),
        namespace: namespace.clone(),
        description,
        extra: row::Members(extra),
        changed_at: clock::now(),
        changed_by: caller.user_id().map(str::to_owned),
    };
    event = event.becomes(&new);
    if !precondition.demands_absence() {
        store::put(&txn, new).await?;
    } else if !store::create(&txn, new).await? {
        return Err(Precondition::exists());
    }
    let now = store::find(&txn, &pool.id, &namespace).await?;
    let etag = etag(&now.map(shown));
    events::append(&txn, &state, &Actor::from(&caller), event).await?;
    state.commit(txn).await?;
    Ok((StatusCode::NO_CONTENT, etag))
}

/// `DELETE /pools/{pool}/namespaces/{namespace}`: 204 whether or not there was one. Registrations
/// in it go only with `?cascade=true`.
#[tracing::instrument(skip_all, fields(pool.id = %pool))]
pub async fn remove(
    State(state): State<AppState>,
    Path((pool, namespace)): Path<(String, String)>,
    caller: Caller,
    precondition: Precondition,
    parameters: Parameters,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_namespaces")?;
    caller.require_admin()?;
    let configuration = state.configuration();
    let pool = rules::find_pool(&configuration, &pool)?;
    let txn = state.db.write().await?;
    let found = store::find_for_update(&txn, &pool.id, &namespace).await?;
    precondition
        .check(async || Ok(found.clone().map(shown)))
        .await?;
    let Some(found) = found else {
        return Ok(StatusCode::NO_CONTENT);
    };
    if parameters.is_on("cascade") {
        registrations::store::delete_namespace(&txn, &pool.id, &namespace).await?;
    } else if registrations::store::is_used(&txn, &pool.id, &namespace).await? {
        return Err(ApiError::conflict(
            "namespace-in-use",
            "Users are registered in this namespace; add `?cascade=true` to delete that, too.",
        ));
    }
    registrations::invitations::store::delete_namespace(&txn, &pool.id, &namespace).await?;
    store::delete(&txn, &found.id).await?;
    let event =
        Event::namespace_changed("delete", &pool.id, &namespace, caller.user_id()).was(&found);
    events::append(&txn, &state, &Actor::from(&caller), event).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}
