//! Deleting subscriptions (portal-api 14.7), which also declines or withdraws their requests.

use axum::extract::{Path, State};
use http::StatusCode;
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};

use super::{change::check_reach, not_found, read, reference, store};
use crate::{
    ApiError, AppState,
    applications::access::{self, Demand, Right, Standing},
    approvals::{self, Outcome, rules::Reach},
    caller::Caller,
    conditional::Precondition,
    credentials,
    events::{self, Event},
};

const DELETE: Demand = Demand {
    scope: "write_subscriptions",
    right: Right::EditOrApprove,
    caller_first: false,
    validated: false,
    refusal: "Only owners and collaborators may end a subscription.",
};

/// `DELETE /applications/{application}/subscriptions/{api}`
#[tracing::instrument(skip_all, fields(application.id = %id, api.id = %api))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, api)): Path<(String, String)>,
    precondition: Precondition,
) -> Result<StatusCode, ApiError> {
    let application = access::open(&state, &caller, &id, DELETE).await?;
    let txn = state.db.write().await?;
    let found = store::lock(&txn, &id, &api).await?;
    let subscription = found.ok_or_else(|| not_found(&id, &api))?;
    if application.standing == Standing::Approver {
        check_reach(&Reach::of(&caller, &state.configuration()), &subscription)?;
    }
    let standing = application.standing;
    let current = async || {
        Ok(Some(
            read::shown(&txn, &state, &subscription, standing).await?,
        ))
    };
    precondition.check(current).await?;
    let has_role = application
        .owners
        .iter()
        .any(|owner| caller.user_id() == Some(&owner.user_id));
    let outcome = if has_role {
        Outcome::Withdrawn
    } else {
        Outcome::Declined
    };
    remove(&txn, &state, &caller, &subscription, outcome, None).await?;
    state.commit(txn).await?;
    tracing::info!("subscription deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes `subscription`, ends its request as `outcome` says, and tells of both.
pub async fn remove(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &super::row::Model,
    outcome: Outcome,
    reason: Option<String>,
) -> Result<(), ApiError> {
    if let Some(request) = approvals::store::lock_open(txn, &subscription.id).await? {
        approvals::close(txn, state, caller, request, outcome, reason).await?;
    }
    store::delete(txn, &subscription.id).await?;
    let event = Event::subscription_deleted(
        reference(subscription),
        caller.user_id(),
        &subscription.auth,
    )
    .was(subscription);
    events::append(txn, state, &caller.actor(), event).await
}

/// Withdraws the requests of an application that is about to go. Gives its subscriptions as the
/// event of the deletion lists them; the rows go with the application.
pub async fn withdraw_all(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    application: &str,
) -> Result<Vec<Value>, ApiError> {
    let subscriptions = store::list(txn, application).await?;
    let ids = subscriptions
        .iter()
        .map(|subscription| subscription.id.clone());
    let credentials = credentials::store::list_many(txn, ids).await?;
    let now = service::clock::now();
    let mut listed = Vec::with_capacity(subscriptions.len());
    for subscription in subscriptions {
        if let Some(request) = approvals::store::lock_open(txn, &subscription.id).await? {
            approvals::close(txn, state, caller, request, Outcome::Withdrawn, None).await?;
        }
        let own = credentials
            .get(&subscription.id)
            .map_or(&[][..], Vec::as_slice);
        let main = credentials::rules::main(own, now);
        listed.push(json!({
            "id": subscription.id, "application": subscription.application_id,
            "api": subscription.api_id, "plan": subscription.plan_id, "auth": subscription.auth,
            "approved": subscription.approved,
            "clientId": main.and_then(|credential| credential.client_id.as_deref()),
        }));
    }
    Ok(listed)
}
