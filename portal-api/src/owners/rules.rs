//! Decisions about roles, without I/O (portal-api 13.7).

use sdk::types::Role;

use super::Owner;
use crate::ApiError;

/// The role named by `text`.
pub fn role(text: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.as_str() == text)
}

/// 409 for a role that comes from the application's team.
pub fn by_team() -> ApiError {
    ApiError::conflict(
        "role-by-team",
        "The user has his role as a member of the application's team; change it in the team.",
    )
}

/// The one of two roles that allows more.
pub fn stronger(one: Role, other: Role) -> Role {
    let strongest = Role::ALL
        .into_iter()
        .find(|role| *role == one || *role == other);
    strongest.unwrap_or(one)
}

/// What a user may do: the strongest of his roles, whether given to him or to his team.
pub fn role_of(owners: &[Owner], user_id: &str) -> Option<Role> {
    let own = owners.iter().filter(|owner| owner.user_id == user_id);
    own.map(|owner| owner.role).reduce(stronger)
}

/// Whether an application would be left alone if this user lost the role that was given to him: he
/// is the last one with a role, or the last `owner` (portal-api D16).
pub fn is_last(owners: &[Owner], user_id: &str) -> bool {
    let leaving = |owner: &&Owner| owner.user_id == user_id && !owner.by_team;
    let others = || owners.iter().filter(|owner| !leaving(owner));
    owners.iter().find(leaving).is_some_and(|leaving| {
        others().next().is_none()
            || leaving.role == Role::Owner && !others().any(|owner| owner.role == Role::Owner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(id: &str, role: Role) -> Owner {
        Owner {
            user_id: id.to_owned(),
            email: format!("{id}@example.org"),
            role,
            by_team: false,
        }
    }

    #[test]
    fn the_last_owner_stays() {
        let ada = owner("ada", Role::Owner);
        let bob = owner("bob", Role::Collaborator);
        let eve = owner("eve", Role::Owner);
        assert!(is_last(std::slice::from_ref(&ada), "ada"));
        assert!(is_last(&[ada.clone(), bob.clone()], "ada"));
        assert!(!is_last(&[ada.clone(), bob.clone()], "bob"));
        assert!(!is_last(&[ada, bob.clone(), eve], "ada"));
        assert!(is_last(std::slice::from_ref(&bob), "bob"));
        assert!(!is_last(&[bob], "somebody else"));
    }

    #[test]
    fn a_team_keeps_an_application_when_its_owner_goes() {
        let ada = owner("ada", Role::Owner);
        let by_team = |id, role| Owner {
            by_team: true,
            ..owner(id, role)
        };
        let eve = by_team("eve", Role::Owner);
        assert!(!is_last(&[ada.clone(), eve.clone()], "ada"));
        assert!(!is_last(&[ada.clone(), by_team("ada", Role::Owner)], "ada"));
        let reads = by_team("bob", Role::Reader);
        assert!(is_last(&[ada.clone(), reads.clone()], "ada"));
        assert!(!is_last(&[ada, eve], "eve"), "not given to her here");
        let collaborates = owner("bob", Role::Collaborator);
        let role = role_of(&[reads, collaborates], "bob");
        assert_eq!(role, Some(Role::Collaborator));
    }
}
