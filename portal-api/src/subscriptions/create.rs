//! `POST /applications/{application}/subscriptions` (portal-api 14.2).

use axum::{
    Json,
    extract::{Path, State},
};
use config::apis::Api;
use http::StatusCode;
use sdk::types::{Secret, Subscription, credentials::Kind, subscriptions::CreateSubscription};
use sea_orm::DatabaseTransaction;
use serde_json::Value;

use super::{
    approve, reference, row,
    rules::{self, Wanted},
    store,
    wire::{self, Secrets, View},
};
use crate::{
    ApiError, AppState,
    applications::{
        self,
        access::{self, Application, Demand, Right},
    },
    approvals,
    caller::{Caller, User},
    credentials::{make::Made, rules as credential_rules, secret::SecretKeys},
    events::{self, Event},
    extract::{Body, from_value},
};

const ADD: Demand = Demand {
    scope: "write_subscriptions",
    right: Right::Edit,
    caller_first: false,
    validated: true,
    refusal: "Only owners and collaborators may subscribe the application.",
};

#[tracing::instrument(skip_all, fields(application.id = %id))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Subscription>), ApiError> {
    let application = access::open(&state, &caller, &id, ADD).await?;
    let user = caller.require_user()?;
    let request: CreateSubscription = from_value(body)?;
    let configuration = state.configuration();
    let wanted = rules::check(&request, &application.row, user, &configuration)?;
    approvals::rules::check_text("purpose", request.purpose.as_deref())?;
    if let Some(key) = chosen_key(&request, &wanted.api) {
        credential_rules::check_chosen_key(key, caller.is_admin())?;
    }
    let mut subscription = new_row(&request, &application, &wanted, user);
    if subscription.approved {
        approve::prepare(&mut subscription, &wanted.api);
    }
    let txn = state.db.write().await?;
    store::insert(&txn, &subscription).await?;
    let event =
        Event::subscription_added(reference(&subscription), Some(user.id())).becomes(&subscription);
    events::append(&txn, &state, &caller.actor(), event).await?;
    let made = if subscription.approved {
        Some(add_credential(&txn, &state, &caller, &subscription, request).await?)
    } else {
        let approval = new_approval(&request, &subscription, &application.row, &wanted, user);
        let event =
            Event::approval_added(reference(&subscription), Some(user.id())).becomes(&approval);
        approvals::store::insert(&txn, approval).await?;
        events::append(&txn, &state, &caller.actor(), event).await?;
        None
    };
    state.commit(txn).await?;
    tracing::info!(api.id = %subscription.api_id, approved = subscription.approved, "subscribed");
    let view = View {
        configuration: &configuration,
        keys: &SecretKeys::new(&state.keys)?,
        secrets: Secrets::Readable,
        deletable: true,
        now: service::clock::now(),
    };
    let mut shown = wire::with_secret(&subscription, made.as_ref(), &view);
    if !subscription.approved {
        // Nobody has decided about scopes yet.
        shown.allowed_scopes_mode = None;
        shown.allowed_scopes = None;
    }
    Ok((StatusCode::CREATED, Json(shown)))
}

fn new_row(
    request: &CreateSubscription,
    application: &Application,
    wanted: &Wanted,
    user: &User,
) -> row::Model {
    let now = service::clock::now();
    let trusted = request.trusted.unwrap_or(false);
    let approved = !rules::needs_approval(&wanted.plan, trusted, user.admin);
    row::Model {
        id: service::random::hex_id(),
        application_id: application.row.id.clone(),
        api_id: wanted.api.id.clone(),
        plan_id: wanted.plan.id.clone(),
        api_group: wanted.api.required_group.clone(),
        auth: wanted.api.auth.as_str().to_owned(),
        approved,
        // Who is not an administrator and wishes it waits, so an approved one may have it.
        trusted: approved && trusted,
        allowed_scopes_mode: None,
        allowed_scopes: None,
        created_at: now,
        changed_at: now,
        changed_by: Some(user.id().to_owned()),
    }
}

/// The key that the caller chose, where the API takes keys.
fn chosen_key<'r>(request: &'r CreateSubscription, api: &Api) -> Option<&'r Secret> {
    let takes_keys = credential_rules::kind_of(api.auth.as_str()) == Kind::Key;
    let key = request.apikey.as_ref();
    key.filter(|key| takes_keys && !key.is_empty())
}

/// The first credential, with the key that the caller chose where the API takes keys.
async fn add_credential(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &row::Model,
    request: CreateSubscription,
) -> Result<Made, ApiError> {
    let takes_keys = credential_rules::kind_of(&subscription.auth) == Kind::Key;
    let chosen = request.apikey.filter(|key| takes_keys && !key.is_empty());
    approve::first_credential(txn, state, caller, subscription, chosen).await
}

/// The request for whoever decides, with copies of the names of now.
fn new_approval(
    request: &CreateSubscription,
    subscription: &row::Model,
    application: &applications::row::Model,
    wanted: &Wanted,
    user: &User,
) -> approvals::row::Model {
    approvals::row::Model {
        id: service::random::hex_id(),
        subscription_id: subscription.id.clone(),
        user_id: user.id().to_owned(),
        user_email: user.row.email.clone(),
        application_id: application.id.clone(),
        application_name: application.name.clone(),
        application_description: application.description.clone(),
        api_id: wanted.api.id.clone(),
        api_name: wanted.api.name.clone(),
        api_group: wanted.api.required_group.clone(),
        plan_id: wanted.plan.id.clone(),
        plan_name: wanted.plan.name.clone(),
        trusted: request.trusted.unwrap_or(false),
        purpose: request
            .purpose
            .clone()
            .filter(|text| !text.trim().is_empty()),
        state: approvals::store::OPEN.to_owned(),
        requested_at: subscription.created_at,
        decided_at: None,
        decided_by: None,
        reason: None,
        assignee: None,
    }
}
