//! Whether a refresh token comes with the first tokens of a user.

use crate::{apis::ApiPolicy, clients::Client, families::Family, state::AppState};

use super::{NextRefresh, TokenError};

/// None for programs in a page (10.7), where nothing could be looked at at a refresh (10.4), and where
/// the user has agreed for this once only.
pub async fn first_refresh(
    state: &AppState,
    client: &Client,
    api: &ApiPolicy,
    family: &Family,
) -> Result<Option<NextRefresh<'static>>, TokenError> {
    if !client.kind.may_refresh() || !api.can_renew() {
        return Ok(None);
    }
    let rests_on_consent =
        !client.trusted && !family.scope.is_empty() && api.scope_service.is_none();
    if !rests_on_consent {
        return Ok(Some(NextRefresh::FIRST));
    }
    let granted = state
        .portal_api
        .granted_scopes(&family.user_id, &client.application_id, &api.id)
        .await?;
    let is_kept = family.scope.iter().all(|scope| granted.contains(scope));
    Ok(is_kept.then_some(NextRefresh::FIRST))
}
