//! What becomes of the applications of a user who is deleted (portal-api B7).

use sdk::types::Role;
use sea_orm::DatabaseTransaction;
use serde_json::json;
use service::clock;

use super::{UserError, store};
use crate::{
    ApiError, AppState, applications,
    audit::{self, Entry},
    caller::Caller,
    events::{self, Event},
    owners, subscriptions, teams,
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

/// Takes all roles from the user, his own and those by teams. Where he was the last owner, the
/// application or team goes to its new owner or away.
pub async fn hand_over(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    user_id: &str,
    handover: &Handover,
) -> Result<(), ApiError> {
    let roles = owners::store::of_user(txn, user_id).await?;
    let heir = match handover {
        Handover::Refuse if !roles.is_empty() => return Err(UserError::HasApplications.into()),
        Handover::Transfer(heir) => Some(heir_of(txn, user_id, heir).await?),
        Handover::Refuse | Handover::Delete => None,
    };
    // Applications are locked before teams, everywhere.
    let mut left = Vec::with_capacity(roles.len());
    for (application, _) in roles {
        left.extend(applications::store::lock(txn, &application).await?);
    }
    for (team, _) in teams::store::of_user(txn, user_id).await? {
        let is_refused = *handover == Handover::Refuse;
        leave_team(
            txn,
            state,
            caller,
            user_id,
            &team.id,
            heir.as_ref(),
            is_refused,
        )
        .await?;
    }
    for row in left {
        leave_application(txn, state, caller, user_id, row, heir.as_ref()).await?;
    }
    Ok(())
}

async fn leave_application(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    user_id: &str,
    row: applications::row::Model,
    heir: Option<&super::row::Model>,
) -> Result<(), ApiError> {
    let application = row.id.as_str();
    let members = owners::store::list(txn, application).await?;
    let given = members
        .iter()
        .find(|one| one.user_id == user_id && !one.by_team);
    // Its team went with him.
    let is_nobodys = given.is_none() && !members.iter().any(|one| one.role == Role::Owner);
    if is_nobodys || owners::is_last(&members, user_id) {
        let Some(heir) = heir else {
            let ended = subscriptions::withdraw_all(txn, state, caller, application).await?;
            applications::store::delete(txn, application).await?;
            let event = Event::application_deleted(application, caller.user_id(), &ended).was(&row);
            return events::append(txn, state, &caller.actor(), event).await;
        };
        give(txn, state, caller, application, heir, &members).await?;
    }
    let Some(given) = given else { return Ok(()) };
    owners::store::delete(txn, application, user_id).await?;
    let event = Event::owner_deleted(application, caller.user_id(), user_id).was(given);
    events::append(txn, state, &caller.actor(), event).await
}

/// Takes the user out of a team. One that nobody else owns goes to the heir, or away: its
/// applications are then without a team.
async fn leave_team(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    user_id: &str,
    team: &str,
    heir: Option<&super::row::Model>,
    is_refused: bool,
) -> Result<(), ApiError> {
    let Some(row) = teams::store::lock(txn, team).await? else {
        return Ok(());
    };
    let members = teams::store::members(txn, team).await?;
    let Some(leaving) = members.iter().find(|one| one.user_id == user_id) else {
        return Ok(());
    };
    if teams::is_last_owner(&members, user_id) {
        match heir {
            Some(heir) => {
                let (id, role) = (heir.id.as_str(), Role::Owner);
                teams::store::put_member(txn, team, id, role, clock::now()).await?;
                let entry = Entry::new(caller.actor(), "team_member", "add")
                    .about(team)
                    .with_data(json!({"teamId": team, "addedUserId": id, "role": role}));
                audit::record(txn, state, entry).await?;
            }
            None if is_refused && members.len() > 1 => return Err(UserError::OwnsTeam.into()),
            None => {
                teams::store::release_applications(txn, team).await?;
                teams::store::delete(txn, team).await?;
                let entry = Entry::new(caller.actor(), "team", "delete")
                    .about(team)
                    .was(&row);
                return Ok(audit::record(txn, state, entry).await?);
            }
        }
    }
    teams::remove(txn, state, caller, team, leaving).await
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
    let has_role = |member: &owners::Owner| member.user_id == heir.id && !member.by_team;
    if members.iter().any(has_role) {
        owners::store::delete(txn, application, &heir.id).await?;
    }
    owners::store::insert(txn, application, &heir.id, Role::Owner, clock::now()).await?;
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
