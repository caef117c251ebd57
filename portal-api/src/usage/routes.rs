//! The addresses of usage.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, header};
use sdk::types::usage::Limit;
use sea_orm::entity::prelude::*;

use super::{
    intake, limits,
    query::{By, Query},
    row::minute,
    series::{self, Sums},
    store,
};
use crate::{
    ApiError, AppState,
    applications::access::{self, Demand, Right},
    caller::Caller,
    paging::Parameters,
    subscriptions::{self, row},
};

const READ: Demand = Demand {
    scope: "read_subscriptions",
    right: Right::Read,
    caller_first: false,
    validated: false,
    refusal: "Only users with a role on this application may see how it is used.",
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/usage/records",
            post(intake::take).layer(DefaultBodyLimit::max(intake::MAX_BODY)),
        )
        .route("/usage", get(of_everything))
        .route("/apis/{api}/usage", get(of_api))
        .route("/applications/{application}/usage", get(of_application))
        .route(
            "/applications/{application}/subscriptions/{api}/usage",
            get(of_subscription),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/limits",
            get(limits_of_subscription),
        )
}

/// `GET /applications/{application}/usage`
async fn of_application(
    State(state): State<AppState>,
    caller: Caller,
    Path(application): Path<String>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    access::open(&state, &caller, &application, READ).await?;
    let query = Query::read(&parameters, true, service::clock::now())?;
    let own = subscriptions::store::list(state.db.read(), &application).await?;
    answer(&state, &headers, query, own).await
}

/// `GET /applications/{application}/subscriptions/{api}/usage`
async fn of_subscription(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, api)): Path<(String, String)>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    access::open(&state, &caller, &application, READ).await?;
    let query = Query::read(&parameters, false, service::clock::now())?;
    let found = subscriptions::store::find(state.db.read(), &application, &api).await?;
    let subscription = found.ok_or_else(|| subscriptions::not_found(&application, &api))?;
    answer(&state, &headers, query, vec![subscription]).await
}

/// `GET /apis/{api}/usage`: administrators, and the group that owns the API.
async fn of_api(
    State(state): State<AppState>,
    caller: Caller,
    Path(api): Path<String>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope("read_apis")?;
    let configuration = state.configuration();
    let owner_group = configuration
        .api(&api)
        .and_then(|api| api.owner_group.as_deref());
    let owns = |user: &crate::caller::User| owner_group.is_some_and(|group| user.has_group(group));
    if !caller.user().is_some_and(owns) {
        caller.require_admin()?;
    }
    let query = Query::read(&parameters, true, service::clock::now())?;
    let all = row::Entity::find()
        .filter(row::Column::ApiId.eq(api))
        .all(state.db.read())
        .await?;
    answer(&state, &headers, query, all).await
}

/// `GET /usage`
async fn of_everything(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope("read_subscriptions")?;
    caller.require_admin()?;
    let query = Query::read(&parameters, true, service::clock::now())?;
    let all = row::Entity::find().all(state.db.read()).await?;
    answer(&state, &headers, query, all).await
}

/// The usage of `subscriptions`, as JSON or, if the caller accepts that only, as CSV.
async fn answer(
    state: &AppState,
    headers: &HeaderMap,
    query: Query,
    subscriptions: Vec<row::Model>,
) -> Result<Response, ApiError> {
    let ids: Vec<String> = subscriptions.iter().map(|row| row.id.clone()).collect();
    let by_id: HashMap<String, row::Model> = subscriptions
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    let mut sums = Sums::new(query);
    for ids in ids.chunks(10_000) {
        let each = |row: minute::Model| {
            if let Some(subscription) = by_id.get(&row.subscription_id) {
                sums.add(key(query.by, &row, subscription), &row);
            }
        };
        store::for_each(state.db.read(), ids, query.from, query.to, each).await?;
    }
    let usage = sums.finish();
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/csv")) {
        let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
        return Ok((kind, series::csv(&usage)).into_response());
    }
    Ok(Json(usage).into_response())
}

fn key(by: By, row: &minute::Model, subscription: &row::Model) -> String {
    match by {
        By::Nothing => "all".to_owned(),
        By::Status => row.status.clone(),
        By::Operation => row.operation.clone(),
        By::Credential => row.credential_id.clone(),
        By::Plan => subscription.plan_id.clone(),
        By::Api => subscription.api_id.clone(),
        By::Application => subscription.application_id.clone(),
    }
}

/// `GET /applications/{application}/subscriptions/{api}/limits`
async fn limits_of_subscription(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, api)): Path<(String, String)>,
) -> Result<Json<Vec<Limit>>, ApiError> {
    access::open(&state, &caller, &application, READ).await?;
    let db = state.db.read();
    let found = subscriptions::store::find(db, &application, &api).await?;
    let subscription = found.ok_or_else(|| subscriptions::not_found(&application, &api))?;
    let configuration = state.configuration();
    let windows = configuration
        .plan(&subscription.plan_id)
        .map(|plan| limits::windows(plan, service::clock::now()))
        .unwrap_or_default();
    let own = [subscription.id];
    let mut shown = Vec::with_capacity(windows.len());
    for window in windows {
        let mut used = 0;
        let each = |row: minute::Model| used += u64::try_from(row.calls).unwrap_or_default();
        store::for_each(
            db,
            &own,
            window.from.timestamp(),
            window.to.timestamp(),
            each,
        )
        .await?;
        shown.push(Limit {
            window: window.name.to_owned(),
            limit: window.limit,
            used,
            reset_at: window.to.into(),
        });
    }
    Ok(Json(shown))
}
