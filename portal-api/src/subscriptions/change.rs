//! `PATCH /applications/{application}/subscriptions/{api}`: approving, trusting, limiting scopes
//! (portal-api 14.6).

use axum::{
    Json,
    extract::{Path, State},
};
use config::apis::Api;
use sdk::types::{Subscription, subscriptions::ScopesMode};
use serde_json::Value;

use super::{
    approve::{self, Approval},
    not_found, read, row, rules, store,
    wire::{self, Secrets, View},
};
use crate::{
    ApiError, AppState,
    applications::access::{self, Standing},
    approvals::rules::Reach,
    caller::Caller,
    conditional::{Precondition, Tag},
    credentials::{self, secret::SecretKeys},
    events::Change,
    extract::Body,
    owners,
};

const MAX_SCOPES: usize = 1000;

#[tracing::instrument(skip_all, fields(application.id = %id, api.id = %api))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, api)): Path<(String, String)>,
    precondition: Precondition,
    Body(body): Body<Value>,
) -> Result<(Tag, Json<Subscription>), ApiError> {
    caller.require_scope("write_subscriptions")?;
    if body.get("plan").is_some() {
        let change = super::plan::change(&state, &caller, (&id, &api), &body, &precondition);
        let (shown, etag) = change.await?;
        return Ok((etag, Json(shown)));
    }
    require_decider(&caller)?;
    let configuration = state.configuration();
    let txn = state.db.write().await?;
    let found = store::lock(&txn, &id, &api).await?;
    let mut subscription = found.ok_or_else(|| not_found(&id, &api))?;
    check_reach(&Reach::of(&caller, &configuration), &subscription)?;
    let patch = Patch::read(&body, caller.is_admin())?;
    let owners = owners::store::list(&txn, &id).await?;
    // Whoever may decide is at least an approver.
    let standing = access::standing(&caller, &owners).unwrap_or(Standing::Approver);
    let current = async || {
        Ok(Some(
            read::shown(&txn, &state, &subscription, standing).await?,
        ))
    };
    precondition.check(current).await?;
    let (mut made, mut changes) = (None, Vec::new());
    if patch.approve && subscription.approved && patch.rotate {
        made = Some(approve::replace_credentials(&txn, &state, &caller, &subscription).await?);
        changes.push(Change::Credentials);
    } else if patch.approve {
        let approval = Approval::default();
        (made, changes) =
            approve::approve(&txn, &state, &caller, &mut subscription, approval).await?;
    }
    let api = configuration
        .api(&subscription.api_id)
        .map(std::convert::AsRef::as_ref);
    changes.extend(patch.apply(&mut subscription, api));
    approve::finish(&txn, &state, &caller, &mut subscription, &changes).await?;
    let credentials = credentials::store::list(&txn, &subscription.id).await?;
    let etag = read::etag_now(&txn, &state, &subscription, standing).await?;
    state.commit(txn).await?;
    let view = View {
        configuration: &configuration,
        keys: &SecretKeys::new(&state.keys)?,
        secrets: read::secrets_for(standing),
        deletable: true,
        now: service::clock::now(),
    };
    // Approvers without a role decide; the secret is for those who call (portal-api D12).
    let made = made.filter(|_| view.secrets == Secrets::Readable);
    let mut shown = wire::with_secret(&subscription, made.as_ref(), &view);
    if made.is_none() {
        let changed_date = shown.changed_date;
        shown = wire::subscription(&subscription, &credentials, &view);
        shown.changed_date = changed_date;
    }
    read::record_reveal(&state, &caller, std::slice::from_ref(&shown)).await?;
    Ok((etag, Json(shown)))
}

fn require_decider(caller: &Caller) -> Result<(), ApiError> {
    if caller.is_admin() {
        return Ok(());
    }
    caller.require_user()?;
    caller.require_admin_or_approver()
}

/// Approvers decide for the APIs of their groups only (portal-api D11).
pub fn check_reach(reach: &Reach, subscription: &row::Model) -> Result<(), ApiError> {
    if reach.covers(&subscription.api_id, subscription.api_group.as_deref()) {
        return Ok(());
    }
    let message = "You decide about the APIs of your groups only; this is not one of them.";
    Err(ApiError::forbidden("out-of-reach", message))
}

/// What a body asks for, read with the rights of its sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    approve: bool,
    rotate: bool,
    trusted: Option<bool>,
    scopes_mode: Option<ScopesMode>,
    scopes: Option<Value>,
}

impl Patch {
    pub fn read(body: &Value, by_admin: bool) -> Result<Self, ApiError> {
        let is_true = |member: &str| body.get(member) == Some(&Value::Bool(true));
        let trusted = body.get("trusted").map(is_truthy);
        if trusted == Some(true) && !by_admin {
            let message = "Only administrators may make a subscription trusted.";
            return Err(ApiError::forbidden("admins-only", message));
        }
        // Approvers decide, but about scopes only administrators do: their members are ignored.
        let scopes = |member: &str| body.get(member).filter(|_| by_admin);
        let patch = Self {
            approve: is_true("approved"),
            rotate: is_true("rotate"),
            trusted: trusted.filter(|_| by_admin),
            scopes_mode: scopes("allowedScopesMode").map(scopes_mode).transpose()?,
            scopes: scopes("allowedScopes").cloned(),
        };
        if patch == Self::default() && trusted.is_none() || patch.is_only_rotate() {
            let message = "Send `approved: true`, `trusted`, `allowedScopesMode`, `allowedScopes` \
                           or `plan`; nothing else of a subscription can be changed.";
            return Err(ApiError::bad_request("nothing-to-change", message));
        }
        if let (Some(scopes), Some(ScopesMode::Select) | None) = (&patch.scopes, patch.scopes_mode)
        {
            scope_list(scopes)?;
        }
        Ok(patch)
    }

    fn is_only_rotate(&self) -> bool {
        *self
            == Self {
                rotate: true,
                ..Self::default()
            }
    }

    /// Changes the row; gives what changed.
    fn apply(&self, subscription: &mut row::Model, api: Option<&Api>) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(trusted) = self
            .trusted
            .filter(|trusted| *trusted != subscription.trusted)
        {
            subscription.trusted = trusted;
            changes.push(Change::Trusted);
        }
        if self.scopes_mode.is_some() || self.scopes.is_some() {
            let before = rules::scopes_in_force(subscription, api);
            let scopes = self
                .scopes
                .as_ref()
                .and_then(|scopes| scope_list(scopes).ok());
            rules::set_scopes(subscription, self.scopes_mode, scopes, api);
            if rules::scopes_in_force(subscription, api) != before {
                changes.push(Change::Scopes);
            }
        }
        changes
    }
}

/// Truth as the clients of the original mean it.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Null => false,
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn scopes_mode(value: &Value) -> Result<ScopesMode, ApiError> {
    serde_json::from_value(value.clone()).map_err(|_| {
        let message = "`allowedScopesMode` has to be `all`, `none` or `select`.";
        ApiError::invalid("allowedScopesMode", "choice", message)
    })
}

fn scope_list(value: &Value) -> Result<Vec<String>, ApiError> {
    let scopes: Option<Vec<String>> = serde_json::from_value(value.clone()).ok();
    scopes
        .filter(|scopes| scopes.len() <= MAX_SCOPES)
        .ok_or_else(|| {
            let message =
                format!("`allowedScopes` has to be a list of at most {MAX_SCOPES} texts.");
            ApiError::invalid("allowedScopes", "type", message)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_usable_is_refused() {
        for body in [
            json!({}),
            json!({"approved": false}),
            json!({"rotate": true}),
            json!({"x": 1}),
        ] {
            assert!(Patch::read(&body, true).is_err(), "{body}");
        }
        let only_scopes = json!({"allowedScopesMode": "all"});
        assert!(Patch::read(&only_scopes, true).is_ok());
        assert!(
            Patch::read(&only_scopes, false).is_err(),
            "approvers cannot change scopes"
        );
    }

    #[test]
    fn only_administrators_make_a_subscription_trusted() {
        for trusted in [json!(true), json!(1), json!("yes")] {
            let body = json!({"approved": true, "trusted": trusted});
            assert!(Patch::read(&body, false).is_err());
            assert_eq!(Patch::read(&body, true).unwrap().trusted, Some(true));
        }
        let body = json!({"approved": true, "trusted": false});
        assert_eq!(Patch::read(&body, false).unwrap().trusted, None);
    }

    #[test]
    fn scopes_are_a_list_of_texts_and_modes_are_known() {
        let read = |body| Patch::read(&body, true);
        assert!(read(json!({"allowedScopesMode": "some"})).is_err());
        assert!(read(json!({"allowedScopesMode": "select", "allowedScopes": "read"})).is_err());
        assert!(read(json!({"allowedScopesMode": "select", "allowedScopes": [{}]})).is_err());
        assert!(read(json!({"allowedScopesMode": "select", "allowedScopes": ["read"]})).is_ok());
    }

    #[test]
    fn what_stays_as_it_is_is_no_change() {
        let mut subscription = rules::tests::subscription("oauth2");
        let mut apply = |body| {
            Patch::read(&body, true)
                .unwrap()
                .apply(&mut subscription, None)
        };
        assert_eq!(apply(json!({"trusted": false})), []);
        assert_eq!(apply(json!({"trusted": true})), [Change::Trusted]);
        assert_eq!(
            apply(json!({"allowedScopesMode": "none"})),
            [],
            "trusted ones are never limited"
        );
    }
}
