//! Teams own applications together (portal-api B16): applications survive those who leave.
//!
//! The one invariant: a team has an owner as long as it exists. So an application with a team is
//! never without one, whoever goes.

mod routes;
pub mod row;
mod rules;
pub mod store;
mod wire;

pub use routes::{remove, routes};
pub use rules::is_last_owner;
pub use wire::of_user;

use sea_orm::DatabaseTransaction;

use crate::{ApiError, caller::Caller};

/// Lets the caller pass if he may give applications to the team; it stays until the transaction
/// ends.
pub async fn require_giver(
    txn: &DatabaseTransaction,
    caller: &Caller,
    team: &str,
) -> Result<(), ApiError> {
    let found = store::lock(txn, team).await?;
    let members = store::members(txn, team).await?;
    rules::require_giver(caller, found.as_ref(), &members)
}
