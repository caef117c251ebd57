//! Who may do what with an application. Every operation below `/applications/{app}` begins with
//! [`open`], which authenticates, authorizes and loads: without the check there is no
//! [`Application`] to work with.

use sdk::types::Role;

use super::{row, store};
use crate::{
    ApiError, AppState,
    caller::{Caller, User},
    owners::{self, Owner},
};

/// What an operation demands of its caller.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    pub scope: &'static str,
    pub right: Right,
    /// Whether an unknown caller is refused before an unknown application is. Old clients tell
    /// the two by their status.
    pub caller_first: bool,
    /// Whether only users with a confirmed address may do this.
    pub validated: bool,
    /// Answer to a caller whose role does not suffice.
    pub refusal: &'static str,
}

/// The least standing that suffices. Administrators always pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Any role.
    Read,
    /// Any role, or an approver without one: what he sees is then limited to the APIs of his
    /// groups, by the operation.
    ReadOrApprove,
    /// Owner or collaborator.
    Edit,
    /// Owner or collaborator, or an approver without a role, limited as above.
    EditOrApprove,
    /// Owner.
    Own,
}

/// How the caller stands to the application he opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Admin,
    Member(Role),
    /// An approver without a role.
    Approver,
}

impl Standing {
    /// Whether readable secrets are shown to him (portal-api D12).
    pub const fn sees_secrets(self) -> bool {
        matches!(self, Self::Admin | Self::Member(_))
    }

    /// Owner or administrator.
    pub const fn owns(self) -> bool {
        matches!(self, Self::Admin | Self::Member(Role::Owner))
    }

    /// Collaborator, owner or administrator.
    pub const fn edits(self) -> bool {
        matches!(
            self,
            Self::Admin | Self::Member(Role::Owner | Role::Collaborator)
        )
    }

    const fn suffices(self, right: Right) -> bool {
        match right {
            Right::Read => self.sees_secrets(),
            Right::ReadOrApprove => true,
            Right::Edit => self.edits(),
            Right::EditOrApprove => self.edits() || matches!(self, Self::Approver),
            Right::Own => self.owns(),
        }
    }
}

/// An application the caller may work with, as far as the demand went.
#[derive(Clone, Debug)]
pub struct Application {
    pub row: row::Model,
    /// The earliest first.
    pub owners: Vec<Owner>,
    pub standing: Standing,
}

/// Opens an application for one operation: scope, then caller and application in the demanded
/// order, then the caller's standing.
pub async fn open(
    state: &AppState,
    caller: &Caller,
    id: &str,
    demand: Demand,
) -> Result<Application, ApiError> {
    caller.require_scope(demand.scope)?;
    if demand.caller_first {
        require_known(caller)?;
    }
    let db = state.db.read();
    let row = store::find(db, id).await?.ok_or_else(|| not_found(id))?;
    require_known(caller)?;
    if demand.validated {
        require_validated(caller)?;
    }
    let owners = owners::store::list(db, id).await?;
    let standing = standing(caller, &owners)
        .filter(|standing| standing.suffices(demand.right))
        .ok_or_else(|| ApiError::forbidden("insufficient-role", demand.refusal))?;
    Ok(Application {
        row,
        owners,
        standing,
    })
}

/// 404 for an application.
pub fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("There is no application `{id}`."))
}

/// The user, whose address has to be confirmed.
pub fn require_validated(caller: &Caller) -> Result<&User, ApiError> {
    let user = caller.require_user()?;
    if !user.row.validated {
        let message = "Confirm your mail address first; the portal sends you the message again.";
        return Err(ApiError::forbidden("not-validated", message));
    }
    Ok(user)
}

/// A user that exists, or one of our services that acts as an administrator.
fn require_known(caller: &Caller) -> Result<Option<&User>, ApiError> {
    match caller.user() {
        None if caller.is_admin() => Ok(None),
        _ => caller.require_user().map(Some),
    }
}

/// How the caller stands to an application with these owners.
pub fn standing(caller: &Caller, owners: &[Owner]) -> Option<Standing> {
    if caller.is_admin() {
        return Some(Standing::Admin);
    }
    let id = caller.user_id()?;
    match owners::role_of(owners, id) {
        Some(role) => Some(Standing::Member(role)),
        None => caller.is_approver().then_some(Standing::Approver),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_right_admits_exactly_the_standings_it_names() {
        let standings = [
            Standing::Admin,
            Standing::Member(Role::Owner),
            Standing::Member(Role::Collaborator),
            Standing::Member(Role::Reader),
            Standing::Approver,
        ];
        let admitted = |right| standings.map(|standing| standing.suffices(right));
        assert_eq!(admitted(Right::Read), [true, true, true, true, false]);
        assert_eq!(admitted(Right::ReadOrApprove), [true; 5]);
        assert_eq!(admitted(Right::Edit), [true, true, true, false, false]);
        assert_eq!(
            admitted(Right::EditOrApprove),
            [true, true, true, false, true]
        );
        assert_eq!(admitted(Right::Own), [true, true, false, false, false]);
    }
}
