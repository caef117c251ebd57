//! Who sees an API (portal-api 18.1, static-config 24.4).

use std::sync::Arc;

use config::{
    Configuration,
    apis::{Api, Audience, LifecycleState},
};

use crate::{ApiError, caller::Caller};

/// The API, if this caller may see it.
pub fn visible<'c>(
    configuration: &'c Configuration,
    id: &str,
    caller: &Caller,
) -> Result<&'c Arc<Api>, ApiError> {
    let api = configuration
        .api(id)
        .ok_or_else(|| ApiError::not_found(format!("There is no API `{id}`.")))?;
    check(api, caller)?;
    Ok(api)
}

/// Refuses callers who must not see the API.
pub fn check(api: &Api, caller: &Caller) -> Result<(), ApiError> {
    known_caller(caller)?;
    if !belongs_to(caller, api.audience()) {
        let message = if caller.user().is_some() {
            "Your groups do not give access to this API."
        } else {
            "This API is shown to members of certain groups only."
        };
        return Err(ApiError::forbidden("restricted-api", message));
    }
    Ok(())
}

/// Whether the API stands in this caller's list.
pub fn is_listed(api: &Api, caller: &Caller) -> bool {
    let is_gone = api.lifecycle.state == LifecycleState::Retired && !caller.is_admin();
    !is_gone && check(api, caller).is_ok()
}

/// 403 for a call that names a user who does not exist.
pub fn known_caller(caller: &Caller) -> Result<(), ApiError> {
    if caller.names_a_user() && caller.user().is_none() {
        return Err(ApiError::forbidden(
            "unknown-user",
            "The user for whom this call is made does not exist.",
        ));
    }
    Ok(())
}

/// Membership as seen by this service: administrators, and services that act as such, have every
/// group.
pub fn has_group(caller: &Caller, group: &str) -> bool {
    match caller.user() {
        Some(user) => user.has_group(group),
        None => caller.is_admin(),
    }
}

pub fn belongs_to(caller: &Caller, audience: Audience) -> bool {
    match audience {
        Audience::Everybody => true,
        Audience::Group(group) => has_group(caller, group),
        Audience::Administrators => caller.is_admin(),
    }
}
