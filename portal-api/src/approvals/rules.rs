//! Who may decide what, without I/O (portal-api 15, D11, B4).

use config::Configuration;
use sea_orm::{Condition, sea_query::ExprTrait, sea_query::SimpleExpr};

use crate::{ApiError, caller::Caller, users};

pub const MAX_REASON: usize = 1024;

/// The APIs whose requests and subscriptions somebody may see and decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Administrators.
    Everything,
    /// Approvers: APIs that need one of these groups, and APIs of which such a group is the owner.
    Groups {
        groups: Vec<String>,
        owned_apis: Vec<String>,
    },
    Nothing,
}

impl Reach {
    pub fn of(caller: &Caller, configuration: &Configuration) -> Self {
        match caller.user() {
            _ if caller.is_admin() => Self::Everything,
            Some(user) if user.approver => Self::of_groups(&user.row.groups.0, configuration),
            _ => Self::Nothing,
        }
    }

    /// What a user may decide as an approver, whoever asks.
    pub fn of_user(user: &users::row::Model, configuration: &Configuration) -> Self {
        if configuration.groups.is_approver(&user.groups.0) {
            Self::of_groups(&user.groups.0, configuration)
        } else {
            Self::Nothing
        }
    }

    fn of_groups(own: &[String], configuration: &Configuration) -> Self {
        let configured = own.iter().filter_map(|id| configuration.groups.all.get(id));
        let old_names = configured.flat_map(|group| group.alt_ids.iter());
        let groups: Vec<String> = own.iter().chain(old_names).cloned().collect();
        let is_owned =
            |owner: &Option<String>| owner.as_ref().is_some_and(|id| groups.contains(id));
        let owned_apis = configuration
            .apis
            .iter()
            .filter(|api| is_owned(&api.owner_group));
        Self::Groups {
            owned_apis: owned_apis.map(|api| api.id.clone()).collect(),
            groups,
        }
    }

    /// Whether an API is within reach; `group` is the group it needs. Public APIs are decided by
    /// administrators, unless an owner group is configured.
    pub fn covers(&self, api: &str, group: Option<&str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Groups { groups, owned_apis } => {
                group.is_some_and(|group| groups.iter().any(|own| own == group))
                    || owned_apis.iter().any(|owned| owned == api)
            }
        }
    }

    /// The same as a condition on two columns.
    pub fn condition(&self, api: impl Into<SimpleExpr>, group: impl Into<SimpleExpr>) -> Condition {
        match self {
            Self::Everything => Condition::all(),
            Self::Nothing => Condition::any(),
            Self::Groups { groups, owned_apis } => Condition::any()
                .add(group.into().is_in(groups.clone()))
                .add(api.into().is_in(owned_apis.clone())),
        }
    }
}

/// Whoever asked does not decide.
pub fn check_not_own(requester: &str, caller: &Caller) -> Result<(), ApiError> {
    if caller.user_id() == Some(requester) {
        let message = "You made this request yourself; somebody else has to approve it.";
        return Err(ApiError::forbidden("self-approval", message));
    }
    Ok(())
}

/// A text for the other side, of bounded length.
pub fn check_text(field: &'static str, text: Option<&str>) -> Result<(), ApiError> {
    if text.is_none_or(|text| text.chars().count() <= MAX_REASON) {
        return Ok(());
    }
    let message = format!("`{field}` has at most {MAX_REASON} characters.");
    Err(ApiError::invalid(field, "length", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approvers_reach_the_apis_of_their_groups_only() {
        let reach = Reach::Groups {
            groups: vec!["partners".to_owned()],
            owned_apis: vec!["weather".to_owned()],
        };
        assert!(reach.covers("orders", Some("partners")));
        assert!(!reach.covers("orders", Some("staff")));
        assert!(
            !reach.covers("orders", None),
            "public APIs are for administrators"
        );
        assert!(
            reach.covers("weather", None),
            "unless their group owns the API"
        );
        assert!(Reach::Everything.covers("orders", None));
        assert!(!Reach::Nothing.covers("orders", Some("partners")));
    }
}
