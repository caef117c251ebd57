//! The groups of the user that a family stands for, at the moment its first tokens are made.

use crate::{apis::ApiPolicy, families::Family, oauth::Refusal, state::AppState};

use super::TokenError;

/// None for a user that portal-api does not know.
///
/// # Errors
/// [`Refusal::UserGone`] when the user was deleted or locked, or has changed the password, since the
/// log-in; [`Refusal::NotAdmitted`] when the API does not admit the user (any more).
pub async fn groups_of(
    state: &AppState,
    api: &ApiPolicy,
    family: &Family,
) -> Result<Vec<String>, TokenError> {
    if family.is_passthrough() {
        return Ok(Vec::new());
    }
    let user = state.portal_api.user(&family.user_id).await?;
    let user = user.filter(|user| user.accepts_session_of(family.began_at));
    let user = user.ok_or(Refusal::UserGone)?;
    api.admits(Some(&user)).map_err(Refusal::NotAdmitted)?;
    Ok(user.groups)
}
