//! Changing the plan of a subscription (portal-api B3). Credentials stay as they are.

use sdk::types::Subscription;
use sea_orm::DatabaseTransaction;
use serde_json::Value;

use super::{
    approve, not_found, read, reference, row, rules, store,
    wire::{self, View},
};
use crate::{
    ApiError, AppState,
    applications::{
        self,
        access::{self, Demand, Right},
    },
    approvals,
    caller::{Caller, User},
    conditional::{Precondition, Tag},
    credentials::{self, secret::SecretKeys},
    events::{self, Change, Event},
};
use config::{Configuration, plans::Plan};

const CHANGE: Demand = Demand {
    scope: "write_subscriptions",
    right: Right::Edit,
    caller_first: false,
    validated: true,
    refusal: "Only owners and collaborators may change the plan of a subscription.",
};

/// A plan that needs approval becomes a request; until it is decided the old plan is in force.
pub async fn change(
    state: &AppState,
    caller: &Caller,
    (id, api): (&str, &str),
    body: &Value,
    precondition: &Precondition,
) -> Result<(Subscription, Tag), ApiError> {
    let application = access::open(state, caller, id, CHANGE).await?;
    let user = caller.require_user()?;
    let configuration = state.configuration();
    let wanted = body.get("plan").and_then(Value::as_str).unwrap_or_default();
    let txn = state.db.write().await?;
    let found = store::lock(&txn, id, api).await?;
    let mut subscription = found.ok_or_else(|| not_found(id, api))?;
    let standing = application.standing;
    let current = async || {
        Ok(Some(
            read::shown(&txn, state, &subscription, standing).await?,
        ))
    };
    precondition.check(current).await?;
    let plan = check(&subscription, wanted, user, &configuration)?;
    if approvals::store::lock_open(&txn, &subscription.id)
        .await?
        .is_some()
    {
        let message = "A request for this subscription waits already; it has to be decided first.";
        return Err(ApiError::conflict("request-waits", message));
    }
    if plan.id != subscription.plan_id {
        if rules::needs_approval(plan, false, user.admin) {
            let request = request(&subscription, &application.row, plan, user, &configuration);
            ask(&txn, state, caller, &subscription, request).await?;
        } else {
            subscription.plan_id.clone_from(&plan.id);
            approve::finish(&txn, state, caller, &mut subscription, &[Change::Plan]).await?;
        }
    }
    let credentials = credentials::store::list(&txn, &subscription.id).await?;
    let etag = read::etag_now(&txn, state, &subscription, standing).await?;
    state.commit(txn).await?;
    let view = View {
        configuration: &configuration,
        keys: &SecretKeys::new(&state.keys)?,
        secrets: read::secrets_for(application.standing),
        deletable: true,
        now: service::clock::now(),
    };
    let mut shown = wire::subscription(&subscription, &credentials, &view);
    shown.changed_date = Some(wire::date_of_write(&subscription));
    read::record_reveal(state, caller, std::slice::from_ref(&shown)).await?;
    Ok((shown, etag))
}

fn check<'c>(
    subscription: &row::Model,
    wanted: &str,
    user: &User,
    configuration: &'c Configuration,
) -> Result<&'c Plan, ApiError> {
    if !subscription.approved {
        let message = "This subscription waits for its approval; its plan cannot be changed yet.";
        return Err(ApiError::conflict("request-waits", message));
    }
    let api = configuration.api(&subscription.api_id).ok_or_else(|| {
        let message = format!(
            "API `{}` is not part of the configuration any more.",
            subscription.api_id
        );
        ApiError::conflict("unknown-api", message)
    })?;
    rules::check_plan(api, wanted, user, configuration).map(std::convert::AsRef::as_ref)
}

fn request(
    subscription: &row::Model,
    application: &applications::row::Model,
    plan: &Plan,
    user: &User,
    configuration: &Configuration,
) -> approvals::row::Model {
    let api = configuration.api(&subscription.api_id);
    approvals::row::Model {
        id: service::random::hex_id(),
        subscription_id: subscription.id.clone(),
        user_id: user.id().to_owned(),
        user_email: user.row.email.clone(),
        application_id: application.id.clone(),
        application_name: application.name.clone(),
        application_description: application.description.clone(),
        api_id: subscription.api_id.clone(),
        api_name: api.map_or_else(|| subscription.api_id.clone(), |api| api.name.clone()),
        api_group: subscription.api_group.clone(),
        plan_id: plan.id.clone(),
        plan_name: plan.name.clone(),
        trusted: false,
        purpose: None,
        state: approvals::store::OPEN.to_owned(),
        requested_at: service::clock::now(),
        decided_at: None,
        decided_by: None,
        reason: None,
        assignee: None,
    }
}

async fn ask(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &row::Model,
    request: approvals::row::Model,
) -> Result<(), ApiError> {
    let mut about = reference(subscription);
    about.plan_id = &request.plan_id;
    let event = Event::approval_added(about, caller.user_id()).becomes(&request);
    events::append(txn, state, &caller.actor(), event).await?;
    approvals::store::insert(txn, request).await?;
    Ok(())
}
