//! `/approvals`: reading and deciding requests (portal-api 15, B4).

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use sdk::types::{Approval, approvals::Decision};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Value;

use super::{
    Outcome, close, comments, row,
    rules::{self, Reach},
    store, wire,
};
use crate::{
    ApiError, AppState,
    caller::Caller,
    extract::{Body, from_value},
    paging::{ListQuery, Parameters},
    subscriptions,
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/approvals", get(list))
        .route("/approvals/{id}", get(read).patch(comments::assign))
        .route("/approvals/{id}/comments", post(comments::add))
        .route("/approvals/{id}/approve", post(approve))
        .route("/approvals/{id}/decline", post(decline))
}

/// What the caller may see, or 403.
pub(super) fn reach(
    state: &AppState,
    caller: &Caller,
    scope: &'static str,
) -> Result<Reach, ApiError> {
    caller.require_scope(scope)?;
    if !caller.is_admin() {
        caller.require_user()?;
    }
    caller.require_admin_or_approver()?;
    Ok(Reach::of(caller, &state.configuration()))
}

/// `GET /approvals?state=`
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let reach = reach(&state, &caller, "read_approvals")?;
    let wanted = match parameters.get("state") {
        None | Some("") => Some(store::OPEN),
        Some("all") => None,
        Some(state @ ("open" | "approved" | "declined" | "withdrawn")) => Some(state),
        Some(_) => {
            let message = "`state` has to be `open`, `approved`, `declined`, `withdrawn` or `all`.";
            return Err(ApiError::invalid("state", "choice", message));
        }
    };
    let db = state.db.read();
    let query = ListQuery::read(&parameters);
    let page = store::list(db, &reach, wanted, &query).await?;
    let ids: Vec<String> = page.items().iter().map(|row| row.id.clone()).collect();
    let mut comments = store::comments_of(db, ids).await?;
    let shown = page.map(|row| {
        let comments = comments.remove(&row.id).unwrap_or_default();
        wire::approval(row, comments)
    });
    Ok(shown.into_array_response())
}

/// `GET /approvals/{id}`
async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Approval>, ApiError> {
    let reach = reach(&state, &caller, "read_approvals")?;
    Ok(Json(shown(state.db.read(), &reach, &id).await?))
}

/// The request with what was said about it.
pub(super) async fn shown(
    db: &impl ConnectionTrait,
    reach: &Reach,
    id: &str,
) -> Result<Approval, ApiError> {
    let row = store::find(db, reach, id)
        .await?
        .ok_or_else(|| not_found(id))?;
    let mut comments = store::comments_of(db, [row.id.clone()]).await?;
    let comments = comments.remove(&row.id).unwrap_or_default();
    Ok(wire::approval(row, comments))
}

/// `POST /approvals/{id}/approve`
#[tracing::instrument(skip_all, fields(approval.id = %id))]
async fn approve(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<Json<Approval>, ApiError> {
    let reach = reach(&state, &caller, "write_subscriptions")?;
    let decision: Decision = from_value(body)?;
    rules::check_text("reason", decision.reason.as_deref())?;
    let trusted = decision.trusted.unwrap_or(false);
    if trusted && !caller.is_admin() {
        let message = "Only administrators may make a subscription trusted.";
        return Err(ApiError::forbidden("admins-only", message));
    }
    let txn = state.db.write().await?;
    let (request, mut subscription) = open(&txn, &reach, &id).await?;
    let approval = subscriptions::Approval {
        trusted,
        reason: decision.reason,
    };
    let (_, changes) =
        subscriptions::approve(&txn, &state, &caller, &mut subscription, approval).await?;
    subscriptions::finish(&txn, &state, &caller, &mut subscription, &changes).await?;
    decided(state, txn, &reach, &request.id).await
}

/// `POST /approvals/{id}/decline`: ends the subscription that was asked for. The wish for another
/// plan is declined without an effect on the subscription.
#[tracing::instrument(skip_all, fields(approval.id = %id))]
async fn decline(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<Json<Approval>, ApiError> {
    let reach = reach(&state, &caller, "write_subscriptions")?;
    let decision: Decision = from_value(body)?;
    rules::check_text("reason", decision.reason.as_deref())?;
    let reason = decision
        .reason
        .filter(|reason| !reason.trim().is_empty())
        .ok_or_else(|| {
            let message = "`reason`: tell the requester why.";
            ApiError::invalid("reason", "required", message)
        })?;
    let txn = state.db.write().await?;
    let (request, subscription) = open(&txn, &reach, &id).await?;
    let request_id = request.id.clone();
    let outcome = Outcome::Declined;
    if subscription.approved {
        close(&txn, &state, &caller, request, outcome, Some(reason)).await?;
    } else {
        subscriptions::remove(&txn, &state, &caller, &subscription, outcome, Some(reason)).await?;
    }
    decided(state, txn, &reach, &request_id).await
}

/// An open request within reach, with its subscription, both kept from other deciders. The
/// subscription is locked first, as by everybody else.
async fn open(
    txn: &DatabaseTransaction,
    reach: &Reach,
    id: &str,
) -> Result<(row::Model, subscriptions::row::Model), ApiError> {
    let request = store::find(txn, reach, id)
        .await?
        .ok_or_else(|| not_found(id))?;
    let subscription =
        subscriptions::store::lock(txn, &request.application_id, &request.api_id).await?;
    let open = store::lock_open(txn, &request.subscription_id).await?;
    match (open, subscription) {
        (Some(open), Some(subscription)) if open.id == id => Ok((open, subscription)),
        _ => Err(decided_already()),
    }
}

/// 409: nothing can be done with the request any more.
pub(super) fn decided_already() -> ApiError {
    ApiError::conflict("already-decided", "This request was decided already.")
}

async fn decided(
    state: AppState,
    txn: DatabaseTransaction,
    reach: &Reach,
    id: &str,
) -> Result<Json<Approval>, ApiError> {
    let shown = shown(&txn, reach, id).await?;
    state.commit(txn).await?;
    Ok(Json(shown))
}

pub(super) fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("There is no request `{id}` that you may decide."))
}
