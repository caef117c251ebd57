//! Ending a request, in the transaction of what it was about.

use sea_orm::DatabaseTransaction;

use super::{row, store};
use crate::{
    ApiError, AppState,
    caller::Caller,
    events::{self, Event, SubscriptionRef},
};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Approved,
    Declined,
    /// By the requester's side.
    Withdrawn,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Ends `approval`; it stays readable with who decided what, when and why.
pub async fn close(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    approval: row::Model,
    outcome: Outcome,
    reason: Option<String>,
) -> Result<(), ApiError> {
    let about = SubscriptionRef {
        subscription_id: &approval.subscription_id,
        application_id: &approval.application_id,
        api_id: &approval.api_id,
        plan_id: &approval.plan_id,
        group: approval.api_group.as_deref(),
    };
    let event = Event::approval_decided(
        &approval.id,
        about,
        caller.user_id(),
        &approval.user_id,
        outcome.as_str(),
        reason.as_deref(),
    );
    let event = event.was(&approval);
    let closed = row::Model {
        state: outcome.as_str().to_owned(),
        decided_at: Some(service::clock::now()),
        decided_by: caller.user_id().map(str::to_owned),
        reason,
        ..approval
    };
    let event = event.becomes(&closed);
    store::update(txn, closed).await?;
    events::append(txn, state, &caller.actor(), event).await
}
