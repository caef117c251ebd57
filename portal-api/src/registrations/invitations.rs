//! Invitations into pools with `requiresInvitation`: whoever registers himself there shows one
//! (auth-server F36).
//!
//! The one invariant: the token stands in the mail and nowhere else; here is its digest.

mod routes;
pub mod row;
mod rules;
pub mod store;

use sea_orm::DatabaseTransaction;
use service::clock;

pub use routes::routes;

use crate::{
    ApiError,
    invitations::rules::{check_token, digest},
};

/// Uses up the invitation that somebody shows to register at this place.
pub async fn take(
    txn: &DatabaseTransaction,
    (pool, namespace): (&str, &str),
    token: Option<&str>,
) -> Result<(), ApiError> {
    let Some(token) = token else {
        let message = format!("Whoever registers in the pool `{pool}` has to be invited.");
        return Err(ApiError::forbidden("invitation-required", message));
    };
    check_token("invitation", token)?;
    let found = store::find_by_digest(txn, &digest(token), clock::now()).await?;
    let here = found.filter(|one| one.pool_id == pool && one.namespace == namespace);
    // Of two people with the same mail one is registered.
    if let Some(invitation) = here
        && store::delete(txn, &invitation).await?
    {
        return Ok(());
    }
    let message = "The invitation was used, withdrawn or has expired, or it is for another place.";
    Err(ApiError::forbidden("invitation-invalid", message))
}
