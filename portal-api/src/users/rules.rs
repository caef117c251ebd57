//! Decisions about users, without I/O.

use chrono::{DateTime, Utc};
use config::Configuration;
use sdk::types::users::{CreateUser, PatchUser};

use super::{UserError, email, row};

const MAX_CUSTOM_ID: usize = 256;
const MAX_GROUPS: usize = 200;
const MAX_GROUP: usize = 128;
const MAX_REASON: usize = 1024;

/// Whether these groups make an administrator, and whether they make an approver. Computed on each
/// read, so that a change of the configured groups acts at once.
pub fn rights(configuration: &Configuration, groups: &[String]) -> (bool, bool) {
    (
        configuration.groups.is_admin(groups),
        configuration.groups.is_approver(groups),
    )
}

/// What a save has to know beside the request.
#[derive(Clone, Copy, Debug)]
pub struct Saving<'a> {
    pub now: DateTime<Utc>,
    /// Written to `changedBy`.
    pub actor: Option<&'a str>,
    pub is_admin: bool,
    /// `globals.validatedUserGroup`
    pub validated_group: Option<&'a str>,
}

/// The new user that `request` describes. The password has been checked and hashed before.
pub fn created(
    request: &CreateUser,
    id: String,
    password_hash: Option<String>,
    saving: &Saving<'_>,
) -> Result<row::Model, UserError> {
    let email = email::fold(request.email.as_deref().ok_or(UserError::NoEmail)?);
    if !email::is_valid(&email) {
        return Err(UserError::InvalidEmail);
    }
    let custom_id = request
        .custom_id
        .clone()
        .filter(|custom_id| !custom_id.is_empty());
    if custom_id
        .as_ref()
        .is_some_and(|custom_id| custom_id.len() > MAX_CUSTOM_ID)
    {
        return Err(UserError::TooLong("customId"));
    }
    let groups = request.groups.clone().unwrap_or_default();
    check_groups(&groups)?;
    let mut user = row::Model {
        id,
        email,
        custom_id,
        must_change_password: password_hash.is_some()
            && request.must_change_password.unwrap_or_default(),
        password_hash,
        validated: request.validated.unwrap_or_default(),
        groups: row::Groups(groups),
        created_at: saving.now,
        changed_at: saving.now,
        changed_by: saving.actor.map(str::to_owned),
        disabled_at: None,
        disabled_reason: None,
        sessions_ended_at: None,
    };
    add_validated_group(&mut user, saving.validated_group);
    Ok(user)
}

/// Whether the request names an address or at least a custom id; checked before everything else.
pub fn names_somebody(request: &CreateUser) -> bool {
    let is_given =
        |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    is_given(&request.email) || is_given(&request.custom_id)
}

/// `user` after `patch`; a password was hashed before.
pub fn patched(
    mut user: row::Model,
    patch: &PatchUser,
    password_hash: Option<String>,
    saving: &Saving<'_>,
) -> Result<row::Model, UserError> {
    if patch
        .custom_id
        .as_ref()
        .is_some_and(|wanted| Some(wanted) != user.custom_id.as_ref())
    {
        return Err(UserError::CustomIdFixed);
    }
    if let Some(wanted) = &patch.email {
        change_email(&mut user, wanted, saving)?;
    }
    if let Some(groups) = &patch.groups {
        if !saving.is_admin {
            return Err(UserError::AdminsOnly("groups"));
        }
        check_groups(groups)?;
        user.groups = row::Groups(groups.clone());
    }
    if let Some(validated) = patch.validated {
        if !saving.is_admin && validated != user.validated {
            return Err(UserError::AdminsOnly("validated"));
        }
        user.validated = validated;
    }
    if let Some(must_change) = patch.must_change_password {
        if !saving.is_admin {
            return Err(UserError::AdminsOnly("mustChangePassword"));
        }
        user.must_change_password = must_change;
    }
    if password_hash.is_some() {
        user.password_hash = password_hash;
        end_sessions(&mut user, saving.now);
    }
    if let Some(disabled) = patch.disabled {
        lock(&mut user, disabled, patch.reason.as_deref(), saving)?;
    }
    user.changed_at = saving.now;
    user.changed_by = saving.actor.map(str::to_owned);
    add_validated_group(&mut user, saving.validated_group);
    Ok(user)
}

/// Whoever had a session or a token has to log in anew (portal-api B8).
pub fn end_sessions(user: &mut row::Model, now: DateTime<Utc>) {
    user.sessions_ended_at = Some(now);
}

/// A locked account opens nothing: no login, no session, no token. An administrator cannot lock
/// himself out.
fn lock(
    user: &mut row::Model,
    disabled: bool,
    reason: Option<&str>,
    saving: &Saving<'_>,
) -> Result<(), UserError> {
    if !saving.is_admin {
        return Err(UserError::AdminsOnly("disabled"));
    }
    if !disabled {
        user.disabled_at = None;
        user.disabled_reason = None;
        return Ok(());
    }
    if saving.actor == Some(user.id.as_str()) {
        return Err(UserError::OwnLock);
    }
    if reason.is_some_and(|reason| reason.chars().count() > MAX_REASON) {
        return Err(UserError::TooLong("reason"));
    }
    user.disabled_at = user.disabled_at.or(Some(saving.now));
    user.disabled_reason = reason.map(str::to_owned).or(user.disabled_reason.take());
    end_sessions(user, saving.now);
    Ok(())
}

/// A new address is as unproven as that of a new account, unless an administrator vouches for it:
/// then neither `validated` nor what it brought may stay.
fn change_email(user: &mut row::Model, wanted: &str, saving: &Saving<'_>) -> Result<(), UserError> {
    let wanted = email::fold(wanted);
    if wanted == user.email {
        return Ok(());
    }
    if user.password_hash.is_some() {
        return Err(UserError::EmailFixed);
    }
    if !email::is_valid(&wanted) {
        return Err(UserError::InvalidEmail);
    }
    user.email = wanted;
    if !saving.is_admin {
        user.validated = false;
        user.groups
            .0
            .retain(|group| Some(group.as_str()) != saving.validated_group);
    }
    Ok(())
}

/// Everybody with a confirmed address has the group for that, on every save.
pub fn add_validated_group(user: &mut row::Model, group: Option<&str>) {
    if let Some(group) = group.filter(|_| user.validated)
        && !user.groups.0.iter().any(|member| member == group)
    {
        user.groups.0.push(group.to_owned());
    }
}

fn check_groups(groups: &[String]) -> Result<(), UserError> {
    if groups.len() > MAX_GROUPS || groups.iter().any(|group| group.len() > MAX_GROUP) {
        return Err(UserError::TooLong("groups"));
    }
    Ok(())
}

/// Whether an id that a caller brings along may be one.
pub fn is_valid_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saving(is_admin: bool) -> Saving<'static> {
        Saving {
            now: DateTime::UNIX_EPOCH,
            actor: Some("actor"),
            is_admin,
            validated_group: Some("validated"),
        }
    }

    fn user(custom_id: Option<&str>) -> row::Model {
        let request = CreateUser {
            email: Some("Ada@Example.org".to_owned()),
            custom_id: custom_id.map(str::to_owned),
            validated: Some(true),
            ..CreateUser::default()
        };
        created(&request, "u1".to_owned(), None, &saving(true)).unwrap()
    }

    #[test]
    fn a_validated_user_has_the_group_for_it_and_a_folded_address() {
        let user = user(None);
        assert_eq!(user.groups.0, ["validated"]);
        assert_eq!(user.email, "ada@example.org");
        assert_eq!(user.changed_by.as_deref(), Some("actor"));
    }

    #[test]
    fn a_custom_id_does_not_replace_the_address() {
        let request = CreateUser {
            custom_id: Some("google:1".to_owned()),
            ..Default::default()
        };
        assert!(names_somebody(&request));
        let error = created(&request, "u1".to_owned(), None, &saving(true)).unwrap_err();
        assert!(matches!(error, UserError::NoEmail));
    }

    #[test]
    fn a_new_address_is_unproven_unless_an_administrator_sets_it() {
        let patch = PatchUser {
            email: Some("new@example.org".to_owned()),
            ..Default::default()
        };
        let own = patched(user(Some("google:1")), &patch, None, &saving(false)).unwrap();
        assert!(!own.validated);
        assert!(own.groups.0.is_empty());
        let by_admin = patched(user(Some("google:1")), &patch, None, &saving(true)).unwrap();
        assert!(by_admin.validated);
    }

    #[test]
    fn the_address_of_an_account_with_a_password_is_fixed() {
        let mut with_password = user(None);
        with_password.password_hash = Some("hash".to_owned());
        let other = PatchUser {
            email: Some("new@example.org".to_owned()),
            ..Default::default()
        };
        let same = PatchUser {
            email: Some("ADA@example.org".to_owned()),
            ..Default::default()
        };
        assert!(matches!(
            patched(with_password.clone(), &other, None, &saving(true)),
            Err(UserError::EmailFixed)
        ));
        assert!(patched(with_password, &same, None, &saving(false)).is_ok());
    }

    #[test]
    fn what_only_administrators_may_change() {
        let groups = PatchUser {
            groups: Some(vec!["admin".to_owned()]),
            ..Default::default()
        };
        let same_validated = PatchUser {
            validated: Some(true),
            ..Default::default()
        };
        let other_validated = PatchUser {
            validated: Some(false),
            ..Default::default()
        };
        let must_change = PatchUser {
            must_change_password: Some(false),
            ..Default::default()
        };
        for (patch, allowed) in [
            (groups, false),
            (same_validated, true),
            (other_validated, false),
            (must_change, false),
        ] {
            assert_eq!(
                patched(user(None), &patch, None, &saving(false)).is_ok(),
                allowed,
                "{patch:?}"
            );
            assert!(patched(user(None), &patch, None, &saving(true)).is_ok());
        }
    }

    #[test]
    fn the_group_of_validated_users_cannot_be_taken_away() {
        let patch = PatchUser {
            groups: Some(Vec::new()),
            ..Default::default()
        };
        assert_eq!(
            patched(user(None), &patch, None, &saving(true))
                .unwrap()
                .groups
                .0,
            ["validated"]
        );
    }

    #[test]
    fn the_custom_id_is_fixed() {
        let patch = PatchUser {
            custom_id: Some("google:2".to_owned()),
            ..Default::default()
        };
        assert!(patched(user(Some("google:1")), &patch, None, &saving(true)).is_err());
        assert!(patched(user(None), &patch, None, &saving(true)).is_err());
        let same = PatchUser {
            custom_id: Some("google:1".to_owned()),
            ..Default::default()
        };
        assert!(patched(user(Some("google:1")), &same, None, &saving(false)).is_ok());
    }
}
