//! What the log keeps of a row before and after a change. Written member by member, so that no
//! column with a secret gets in because somebody added it to a table.

use serde_json::{Value, json};

use crate::{
    applications, approvals, credentials, events, grants, namespaces, owners, registrations,
    subscriptions, teams, users,
};

/// Something whose changes are on record.
pub trait Audited {
    /// Its members, without secrets.
    fn audited(&self) -> Value;
}

impl Audited for users::row::Model {
    fn audited(&self) -> Value {
        json!({
            "email": self.email, "customId": self.custom_id, "validated": self.validated,
            "hasPassword": self.password_hash.is_some(),
            "mustChangePassword": self.must_change_password, "groups": self.groups.0,
            "disabled": self.disabled_at.is_some(), "disabledReason": self.disabled_reason,
        })
    }
}

impl Audited for registrations::row::Model {
    fn audited(&self) -> Value {
        json!({
            "poolId": self.pool_id, "namespace": self.namespace, "email": self.email,
            "properties": self.properties.0,
        })
    }
}

impl Audited for namespaces::row::Model {
    fn audited(&self) -> Value {
        json!({"description": self.description, "extra": self.extra.0})
    }
}

impl Audited for applications::row::Model {
    fn audited(&self) -> Value {
        json!({
            "name": self.name, "description": self.description, "mainUrl": self.main_url,
            "clientType": self.client_type, "redirectUris": self.redirect_uris.0,
            "team": self.team_id, "oauth": self.oauth.as_ref().map(|oauth| &oauth.0),
        })
    }
}

impl Audited for teams::row::Model {
    fn audited(&self) -> Value {
        json!({"name": self.name})
    }
}

impl Audited for teams::store::Member {
    fn audited(&self) -> Value {
        json!({"userId": self.user_id, "email": self.email, "role": self.role})
    }
}

impl Audited for owners::Owner {
    fn audited(&self) -> Value {
        json!({"userId": self.user_id, "email": self.email, "role": self.role})
    }
}

impl Audited for subscriptions::row::Model {
    fn audited(&self) -> Value {
        json!({
            "applicationId": self.application_id, "apiId": self.api_id, "planId": self.plan_id,
            "auth": self.auth, "approved": self.approved, "trusted": self.trusted,
            "allowedScopesMode": self.allowed_scopes_mode,
            "allowedScopes": self.allowed_scopes.as_ref().map(|scopes| &scopes.0),
        })
    }
}

impl Audited for credentials::row::Model {
    fn audited(&self) -> Value {
        json!({
            "credentialId": self.id, "kind": self.kind, "name": self.name, "note": self.note,
            "clientId": self.client_id, "last4": self.last4, "expiresAt": self.expires_at,
            "revokedAt": self.revoked_at, "revokedReason": self.revoked_reason,
        })
    }
}

impl Audited for approvals::row::Model {
    fn audited(&self) -> Value {
        json!({
            "state": self.state, "planId": self.plan_id, "trusted": self.trusted,
            "purpose": self.purpose, "reason": self.reason, "assignee": self.assignee,
        })
    }
}

impl Audited for grants::row::Model {
    fn audited(&self) -> Value {
        let scopes: Vec<_> = self.scopes.0.iter().map(|one| &one.scope).collect();
        json!({"scopes": scopes})
    }
}

impl Audited for events::row::listener::Model {
    fn audited(&self) -> Value {
        json!({
            "url": self.url, "mode": self.mode, "enabled": self.enabled,
            "events": self.events.as_ref().map(|filter| &filter.0), "sensitive": self.sensitive,
            "format": self.format, "delivery": self.delivery, "ordering": self.ordering,
            "batchSize": self.batch_size, "timeoutMs": self.timeout_ms,
            "maxAttempts": self.max_attempts, "maxAgeHours": self.max_age_hours,
            "maxQueue": self.max_queue, "overflow": self.overflow,
            "disabledReason": self.disabled_reason,
        })
    }
}

/// Things that were put together for the log.
impl Audited for Value {
    fn audited(&self) -> Value {
        self.clone()
    }
}
