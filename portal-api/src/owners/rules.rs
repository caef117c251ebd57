//! Decisions about roles, without I/O (portal-api 13.7).

use sdk::types::Role;

use super::Owner;

/// The role named by `text`.
pub fn role(text: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.as_str() == text)
}

/// Whether an application would be left alone without this user: he is the last one with a role,
/// or the last `owner` (portal-api D16).
pub fn is_last(owners: &[Owner], user_id: &str) -> bool {
    let others = || owners.iter().filter(|owner| owner.user_id != user_id);
    let leaves = owners.iter().find(|owner| owner.user_id == user_id);
    leaves.is_some_and(|leaving| {
        others().next().is_none()
            || leaving.role == Role::Owner && !others().any(|owner| owner.role == Role::Owner)
    })
}

/// Whether nobody else has the role `owner`.
pub fn is_last_owner(owners: &[Owner], user_id: &str) -> bool {
    !owners
        .iter()
        .any(|owner| owner.user_id != user_id && owner.role == Role::Owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(id: &str, role: Role) -> Owner {
        Owner {
            user_id: id.to_owned(),
            email: format!("{id}@example.org"),
            role,
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
}
