//! Decisions about subscriptions, without I/O (portal-api 14).

use std::sync::Arc;

use config::{
    Configuration,
    apis::{Api, Auth, Flow},
    plans::Plan,
};
use sdk::types::subscriptions::{CreateSubscription, ScopesMode};

use super::row::{self, Scopes};
use crate::{ApiError, applications, caller::User};

/// What a subscription will be to.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub api: Arc<Api>,
    pub plan: Arc<Plan>,
}

/// Whether `application` may subscribe as `request` says: checks 4 to 10 of portal-api 14.2, in
/// that order.
pub fn check(
    request: &CreateSubscription,
    application: &applications::row::Model,
    user: &User,
    configuration: &Configuration,
) -> Result<Wanted, ApiError> {
    if request.application != application.id {
        let message = "`application` in the body has to be the application in the address.";
        return Err(ApiError::invalid("application", "fixed", message));
    }
    let api = configuration.api(&request.api).ok_or_else(|| {
        ApiError::invalid(
            "api",
            "unknown",
            format!("There is no API `{}`.", request.api),
        )
    })?;
    if !api.lifecycle.accepts_subscriptions() {
        let message = format!("API `{}` takes no new subscriptions.", api.id);
        return Err(ApiError::invalid("api", "deprecated", message));
    }
    let plan = check_plan(api, &request.plan, user, configuration)?;
    if needs_redirect_uri(api) && application.redirect_uris.0.is_empty() {
        let message =
            "This API is used through the browser, so the application needs a redirect URI.";
        return Err(ApiError::bad_request("redirect-uri-missing", message));
    }
    Ok(Wanted {
        api: api.clone(),
        plan: plan.clone(),
    })
}

/// Whether the user may take this plan of the API.
pub fn check_plan<'c>(
    api: &Api,
    plan: &str,
    user: &User,
    configuration: &'c Configuration,
) -> Result<&'c Arc<Plan>, ApiError> {
    let plan = configuration.plan_of(api, plan).ok_or_else(|| {
        ApiError::invalid(
            "plan",
            "unknown",
            format!("API `{}` has no plan `{plan}`.", api.id),
        )
    })?;
    let lacks = |group: &Option<String>| group.as_ref().is_some_and(|id| !user.has_group(id));
    if lacks(&api.required_group) {
        let message = format!("API `{}` is open to members of its group only.", api.id);
        return Err(ApiError::forbidden("group-missing", message));
    }
    if lacks(&plan.required_group) {
        let message = format!("Plan `{}` is open to members of its group only.", plan.id);
        return Err(ApiError::forbidden("group-missing", message));
    }
    Ok(plan)
}

/// An API that can only be used by sending a browser somewhere and back.
fn needs_redirect_uri(api: &Api) -> bool {
    let without_browser = [Flow::ClientCredentials, Flow::Password];
    api.auth == Auth::OAuth2
        && api.oauth2.is_given
        && !without_browser
            .into_iter()
            .any(|flow| api.oauth2.allows(flow))
}

/// Administrators never wait. Others do, if the plan says so or the subscription is to be trusted.
pub fn needs_approval(plan: &Plan, trusted: bool, by_admin: bool) -> bool {
    !by_admin && (plan.needs_approval || trusted)
}

/// The scopes of a subscription for which nobody has decided (portal-api 14.1): everything where
/// a user consents or the client is trusted, nothing for machines.
pub fn default_scopes_mode(api: Option<&Api>, trusted: bool) -> ScopesMode {
    let with_user = [Flow::AuthorizationCode, Flow::Implicit, Flow::Password];
    let asks_a_user =
        api.is_some_and(|api| with_user.into_iter().any(|flow| api.oauth2.allows(flow)));
    if trusted || asks_a_user {
        ScopesMode::All
    } else {
        ScopesMode::None
    }
}

/// Mode and list in force. Trusted clients are never limited.
pub fn scopes_in_force(
    subscription: &row::Model,
    api: Option<&Api>,
) -> Option<(ScopesMode, Vec<String>)> {
    if subscription.auth != Auth::OAuth2.as_str() {
        return None;
    }
    if subscription.trusted {
        return Some((ScopesMode::All, Vec::new()));
    }
    Some(match subscription.scopes_mode() {
        Some(ScopesMode::Select) => {
            let scopes = subscription.allowed_scopes.clone().unwrap_or_default();
            (ScopesMode::Select, scopes.0)
        }
        Some(mode) => (mode, Vec::new()),
        None => (default_scopes_mode(api, false), Vec::new()),
    })
}

/// Sets what `mode` and `scopes` ask for; a list is kept in mode `select` only.
pub fn set_scopes(
    subscription: &mut row::Model,
    mode: Option<ScopesMode>,
    scopes: Option<Vec<String>>,
    api: Option<&Api>,
) {
    let (present, list) =
        scopes_in_force(subscription, api).unwrap_or((ScopesMode::None, Vec::new()));
    let mode = if subscription.trusted {
        ScopesMode::All
    } else {
        mode.unwrap_or(present)
    };
    let list = if mode == ScopesMode::Select {
        scopes.unwrap_or(list)
    } else {
        Vec::new()
    };
    subscription.allowed_scopes_mode = Some(mode.as_str().to_owned());
    subscription.allowed_scopes = Some(Scopes(list));
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn subscription(auth: &str) -> row::Model {
        row::Model {
            id: "s".to_owned(),
            application_id: "orders".to_owned(),
            api_id: "petstore".to_owned(),
            plan_id: "basic".to_owned(),
            api_group: None,
            auth: auth.to_owned(),
            approved: true,
            trusted: false,
            allowed_scopes_mode: None,
            allowed_scopes: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
            changed_at: chrono::DateTime::UNIX_EPOCH,
            changed_by: None,
        }
    }

    fn after(
        trusted: bool,
        mode: Option<ScopesMode>,
        scopes: &[&str],
    ) -> (ScopesMode, Vec<String>) {
        let mut subscription = subscription("oauth2");
        subscription.trusted = trusted;
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        set_scopes(&mut subscription, mode, Some(scopes), None);
        scopes_in_force(&subscription, None).unwrap()
    }

    #[test]
    fn a_list_of_scopes_counts_in_mode_select_only() {
        let list = vec!["read".to_owned()];
        assert_eq!(
            after(false, Some(ScopesMode::Select), &["read"]),
            (ScopesMode::Select, list)
        );
        assert_eq!(
            after(false, Some(ScopesMode::None), &["read"]),
            (ScopesMode::None, vec![])
        );
        assert_eq!(after(false, None, &["read"]), (ScopesMode::None, vec![]));
    }

    #[test]
    fn a_trusted_subscription_always_reports_all_scopes() {
        assert_eq!(
            after(true, Some(ScopesMode::None), &[]),
            (ScopesMode::All, vec![])
        );
    }

    #[test]
    fn only_oauth2_has_scopes() {
        assert_eq!(scopes_in_force(&subscription("key-auth"), None), None);
    }
}
