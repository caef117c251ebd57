//! Approving a subscription: by a patch of it, or by deciding its request.

use sea_orm::DatabaseTransaction;

use super::{
    reference, row,
    rules::{self, default_scopes_mode},
    store,
};
use crate::{
    ApiError, AppState,
    approvals::{self, Outcome},
    caller::Caller,
    credentials::{
        self,
        make::{Made, Order, make},
        rules::{Origin, kind_of},
        secret::SecretKeys,
    },
    events::{self, Change, Event},
};
use config::{
    apis::{Api, Auth},
    globals::Reveal,
};
use sdk::types::credentials::Kind;

/// An approval as it was decided.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    pub trusted: bool,
    pub reason: Option<String>,
}

/// Decides the request of a subscription: a pending one is approved and gets its first credential,
/// an approved one gets the plan that was asked for. The row is changed but not stored yet;
/// [`finish`] does that.
pub async fn approve(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &mut row::Model,
    approval: Approval,
) -> Result<(Option<Made>, Vec<Change>), ApiError> {
    let request = approvals::store::lock_open(txn, &subscription.id).await?;
    if subscription.approved && request.is_none() {
        let message =
            "This subscription is approved already; send `rotate` to replace its credentials.";
        return Err(ApiError::conflict("already-approved", message));
    }
    let mut wanted_plan = None;
    if let Some(request) = request {
        approvals::rules::check_not_own(&request.user_id, caller)?;
        wanted_plan = Some(request.plan_id.clone());
        approvals::close(
            txn,
            state,
            caller,
            request,
            Outcome::Approved,
            approval.reason,
        )
        .await?;
    }
    if let Some(plan) = wanted_plan.filter(|_| subscription.approved) {
        subscription.plan_id = plan;
        return Ok((None, vec![Change::Plan]));
    }
    let configuration = state.configuration();
    let api = configuration
        .api(&subscription.api_id)
        .ok_or_else(|| unknown_api(subscription))?;
    let mut changes = vec![Change::Approved];
    if approval.trusted {
        subscription.trusted = true;
        changes.push(Change::Trusted);
    }
    subscription.approved = true;
    prepare(subscription, api);
    // Where nothing is shown again, the approver must not be the one who sees the secret; somebody
    // with a role makes a credential (portal-api 29.2).
    let made = if configuration.globals.credentials.reveal == Reveal::Never {
        None
    } else {
        changes.push(Change::Credentials);
        Some(first_credential(txn, state, caller, subscription, None).await?)
    };
    Ok((made, changes))
}

/// Replaces all credentials of an approved subscription by a new one.
pub async fn replace_credentials(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &row::Model,
) -> Result<Made, ApiError> {
    if state.configuration().globals.credentials.reveal == Reveal::Never {
        let message = "Secrets are not shown here; let somebody with a role make a credential.";
        return Err(ApiError::conflict("not-revealed", message));
    }
    let now = service::clock::now();
    credentials::store::revoke_all(txn, &subscription.id, "replaced", now).await?;
    first_credential(txn, state, caller, subscription, None).await
}

/// Sets what an approved subscription has and a pending one has not.
pub fn prepare(subscription: &mut row::Model, api: &Api) {
    if kind_of(&subscription.auth) == Kind::Key {
        Auth::KeyAuth.as_str().clone_into(&mut subscription.auth);
    } else {
        let mode = default_scopes_mode(Some(api), subscription.trusted);
        rules::set_scopes(subscription, Some(mode), None, Some(api));
    }
}

/// Makes and stores the credential that comes with the subscription itself.
pub async fn first_credential(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &row::Model,
    chosen: Option<sdk::types::Secret>,
) -> Result<Made, ApiError> {
    let configuration = state.configuration();
    let api = configuration
        .api(&subscription.api_id)
        .ok_or_else(|| unknown_api(subscription))?;
    let now = service::clock::now();
    let max_age = configuration.globals.credentials.max_age_days;
    let order = Order {
        subscription_id: &subscription.id,
        kind: kind_of(&subscription.auth),
        origin: Origin::Subscription,
        name: "default".to_owned(),
        note: None,
        chosen,
        expires_at: credentials::rules::expiry(None, max_age, now, now)?,
        created_by: caller.user_id(),
    };
    let made = make(
        order,
        &configuration,
        api,
        &SecretKeys::new(&state.keys)?,
        now,
    );
    credentials::store::insert(txn, &made).await?;
    Ok(made)
}

/// Stores a changed subscription and tells what changed; a patch that leaves everything as it was
/// is told as well (portal-api 21.3).
pub async fn finish(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &mut row::Model,
    changes: &[Change],
) -> Result<(), ApiError> {
    subscription.changed_at = service::clock::now();
    subscription.changed_by = caller.user_id().map(str::to_owned);
    let before = store::find_by_id(txn, &subscription.id).await?;
    store::update(txn, subscription).await?;
    let mut event = Event::subscription_updated(reference(subscription), caller.user_id(), changes)
        .becomes(subscription);
    if let Some(before) = &before {
        event = event.was(before);
    }
    events::append(txn, state, &caller.actor(), event).await
}

fn unknown_api(subscription: &row::Model) -> ApiError {
    let message = format!(
        "API `{}` is not part of the configuration any more.",
        subscription.api_id
    );
    ApiError::conflict("unknown-api", message)
}
