//! Decisions about teams.

use sdk::types::Role;
use unicode_normalization::UnicodeNormalization;

use super::{row, store::Member};
use crate::{ApiError, caller::Caller};

const MAX_NAME: usize = 128;

/// Most members of one team: its lists come in one piece.
pub const MOST_MEMBERS: usize = 500;

/// 4 to 50 of `a-z`, `0-9`, `-` and `_`, as with applications.
pub fn check_id(text: &str) -> Result<String, ApiError> {
    let id = text.trim();
    let is_allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-';
    if id.is_empty() || !id.bytes().all(is_allowed) {
        let message = "`id` of a team consists of a-z, 0-9, `-` and `_`.";
        return Err(ApiError::invalid("id", "characters", message));
    }
    if !(4..=50).contains(&id.len()) {
        let message = "`id` of a team has 4 to 50 characters.";
        return Err(ApiError::invalid("id", "length", message));
    }
    Ok(id.to_owned())
}

/// The name, composed, so that equal names are equal texts.
pub fn check_name(text: &str) -> Result<String, ApiError> {
    let name: String = text.trim().nfc().collect();
    if name.is_empty() {
        let message = "Give the team a `name`.";
        return Err(ApiError::invalid("name", "required", message));
    }
    if name.chars().count() > MAX_NAME {
        let message = format!("`name` has at most {MAX_NAME} characters.");
        return Err(ApiError::invalid("name", "length", message));
    }
    Ok(name)
}

/// The role of a user in a team.
pub fn role_of(members: &[Member], user_id: &str) -> Option<Role> {
    let member = members.iter().find(|member| member.user_id == user_id);
    member.map(|member| member.role)
}

/// Whether the team would have no owner without this one.
pub fn is_last_owner(members: &[Member], user_id: &str) -> bool {
    let is_owner = |member: &&Member| member.role == Role::Owner;
    let mut owners = members.iter().filter(is_owner).peekable();
    owners.peek().is_some() && owners.all(|owner| owner.user_id == user_id)
}

/// 409 for a change after which nobody owned the team.
pub fn last_owner() -> ApiError {
    ApiError::conflict(
        "last-owner",
        "Somebody has to own the team; make another member its owner first.",
    )
}

/// Whether the caller may give applications to the team: as its owner or collaborator. Somebody
/// who is not in it does not learn whether it exists.
pub fn require_giver(
    caller: &Caller,
    team: Option<&row::Model>,
    members: &[Member],
) -> Result<(), ApiError> {
    let role = caller.user_id().and_then(|id| role_of(members, id));
    if team.is_none() || !(caller.is_admin() || role.is_some()) {
        let message = "`team` is none of the teams you are in.";
        return Err(ApiError::invalid("team", "unknown", message));
    }
    if caller.is_admin() || role != Some(Role::Reader) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "insufficient-role",
        "Only owners and collaborators of a team may give it an application.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, role: Role) -> Member {
        Member {
            user_id: id.to_owned(),
            email: format!("{id}@example.org"),
            role,
        }
    }

    #[test]
    fn the_last_owner_of_a_team_stays() {
        let team = [
            member("ada", Role::Owner),
            member("bob", Role::Collaborator),
        ];
        assert!(is_last_owner(&team, "ada"));
        assert!(!is_last_owner(&team, "bob"));
        let team = [member("ada", Role::Owner), member("eve", Role::Owner)];
        assert!(!is_last_owner(&team, "ada"));
    }

    #[test]
    fn ids_and_names_are_bounded() {
        assert_eq!(check_id(" crew ").unwrap(), "crew");
        for wrong in ["", "abc", "Crew", "a b c", &"x".repeat(51)] {
            assert!(check_id(wrong).is_err(), "{wrong}");
        }
        assert_eq!(check_name(" The crew ").unwrap(), "The crew");
        assert!(check_name("  ").is_err());
        assert!(check_name(&"x".repeat(129)).is_err());
    }
}
