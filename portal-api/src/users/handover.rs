//! What becomes of the applications of a user who is deleted (portal-api B7).

use sdk::types::Role;
use sea_orm::DatabaseTransaction;
use serde_json::json;

use super::{UserError, store};
use crate::{
    ApiError, AppState, applications,
    caller::Caller,
    events::{self, Event},
    owners, subscriptions,
};

/// The parameter `applications` of `DELETE /users/{user}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handover {
    /// None was named: a user with applications stays.
    Refuse,
    /// Applications that nobody else owns go, too.
    Delete,
    /// They get another owner.
    Transfer(String),
}

impl Handover {
    pub fn read(text: Option<&str>) -> Result<Self, ApiError> {
        match text {
            None | Some("") => Ok(Self::Refuse),
            Some("delete") => Ok(Self::Delete),
            Some(text) => match text.strip_prefix("transfer:") {
                Some(user) if !user.is_empty() => Ok(Self::Transfer(user.to_owned())),
                _ => {
                    let message = "`applications` has to be `delete` or `transfer:<user id>`.";
                    Err(ApiError::invalid("applications", "choice", message))
                }
            },
        }
    }
}

/// Takes all roles from the user. Where he was the last owner, the application goes to its new
/// owner or away.
pub async fn hand_over(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    user_id: &str,
    handover: &Handover,
) -> Result<(), ApiError> {
    let roles = owners::store::of_user(txn, user_id).await?;
    if roles.is_empty() {
        return Ok(());
    }
    let heir = match handover {
        Handover::Refuse => return Err(UserError::HasApplications.into()),
        Handover::Delete => None,
        Handover::Transfer(heir) => Some(heir_of(txn, user_id, heir).await?),
    };
    for (application, _) in roles {
        let Some(row) = applications::store::lock(txn, &application).await? else {
            continue;
        };
        let members = owners::store::list(txn, &application).await?;
        if owners::is_last(&members, user_id) {
            let Some(heir) = &heir else {
                let ended = subscriptions::withdraw_all(txn, state, caller, &application).await?;
                applications::store::delete(txn, &application).await?;
                let event =
                    Event::application_deleted(&application, caller.user_id(), &ended).was(&row);
                events::append(txn, state, &caller.actor(), event).await?;
                continue;
            };
            give(txn, state, caller, &application, heir, &members).await?;
        }
        owners::store::delete(txn, &application, user_id).await?;
        let event = Event::owner_deleted(&application, caller.user_id(), user_id);
        events::append(txn, state, &caller.actor(), event).await?;
    }
    Ok(())
}

/// The one who is to own the applications: another user who is not locked.
async fn heir_of(
    txn: &DatabaseTransaction,
    user_id: &str,
    heir: &str,
) -> Result<super::row::Model, ApiError> {
    let found = store::find(txn, heir).await?;
    found
        .filter(|heir| heir.id != user_id && heir.disabled_at.is_none())
        .ok_or_else(|| {
            let message = "`applications`: the user who is to own them does not exist.";
            ApiError::invalid("applications", "unknown", message)
        })
}

async fn give(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    application: &str,
    heir: &super::row::Model,
    members: &[owners::Owner],
) -> Result<(), ApiError> {
    if members.iter().any(|member| member.user_id == heir.id) {
        owners::store::delete(txn, application, &heir.id).await?;
    }
    let now = service::clock::now();
    owners::store::insert(txn, application, &heir.id, Role::Owner, now).await?;
    let role = Role::Owner.as_str();
    let event = Event::owner_added(application, caller.user_id(), &heir.id, role)
        .becomes(&json!({"userId": heir.id, "email": heir.email, "role": role}));
    events::append(txn, state, &caller.actor(), event).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_deleted_or_go_to_somebody() {
        assert_eq!(Handover::read(None).unwrap(), Handover::Refuse);
        assert_eq!(Handover::read(Some("delete")).unwrap(), Handover::Delete);
        let heir = Handover::Transfer("eve".to_owned());
        assert_eq!(Handover::read(Some("transfer:eve")).unwrap(), heir);
        assert!(Handover::read(Some("transfer:")).is_err());
        assert!(Handover::read(Some("keep")).is_err());
    }
}
