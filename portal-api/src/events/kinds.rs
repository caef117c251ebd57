//! Every kind of event with exactly the members it has (portal-api 21.3).

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::audit::Audited;

/// An event before it is stored.
#[derive(Clone, Debug)]
pub struct Event {
    pub entity: &'static str,
    pub action: &'static str,
    pub data: Map<String, Value>,
    /// Members that only listeners marked `sensitive` may see; encrypted at rest.
    pub secret: Option<Sealed>,
    /// Written to the audit log as the thing that was changed.
    pub subject_id: String,
    /// What it was and what it became, for the audit log alone.
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Members of an event that open something, as long as that is there.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub members: Map<String, Value>,
    /// Digest by which the thing that they open is known.
    pub digest: String,
    /// When it opens nothing any more.
    pub until: DateTime<Utc>,
}

/// What changed of a subscription; `subscription.update` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Approved,
    Trusted,
    Scopes,
    Plan,
    Credentials,
}

impl Change {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Trusted => "trusted",
            Self::Scopes => "scopes",
            Self::Plan => "plan",
            Self::Credentials => "credentials",
        }
    }
}

/// What the events about one subscription have in common.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionRef<'a> {
    pub subscription_id: &'a str,
    pub application_id: &'a str,
    pub api_id: &'a str,
    pub plan_id: &'a str,
    /// Required group of the API.
    pub group: Option<&'a str>,
}

impl Event {
    fn new(entity: &'static str, action: &'static str, subject_id: &str, data: Value) -> Self {
        let Value::Object(mut data) = data else {
            unreachable!("every constructor below passes an object")
        };
        data.retain(|_, value| !value.is_null());
        Self {
            entity,
            action,
            data,
            secret: None,
            subject_id: subject_id.to_owned(),
            before: None,
            after: None,
        }
    }

    /// What was changed, as it was.
    #[must_use]
    pub fn was(mut self, before: &impl Audited) -> Self {
        self.before = Some(before.audited());
        self
    }

    /// What was changed, as it is now.
    #[must_use]
    pub fn becomes(mut self, after: &impl Audited) -> Self {
        self.after = Some(after.audited());
        self
    }

    /// `<entity>.<action>`, as filters name it.
    pub fn kind(&self) -> String {
        format!("{}.{}", self.entity, self.action)
    }

    pub fn user_added(user_id: &str, email: &str, custom_id: Option<&str>) -> Self {
        let data = json!({"userId": user_id, "email": email, "customId": custom_id});
        Self::new("user", "add", user_id, data)
    }

    pub fn user_updated(user_id: &str, actor: Option<&str>) -> Self {
        let data = json!({"updatedUserId": user_id, "userId": actor});
        Self::new("user", "update", user_id, data)
    }

    /// A password was set with a verification id.
    pub fn user_password_set(user_id: &str) -> Self {
        Self::new("user", "password", user_id, json!({"userId": user_id}))
    }

    /// An address was confirmed with a verification id.
    pub fn user_validated(user_id: &str) -> Self {
        Self::new("user", "validated", user_id, json!({"userId": user_id}))
    }

    /// Told by the auth server, by whatever method.
    pub fn user_logged_in(user_id: &str, auth_method: Option<&str>) -> Self {
        let data = json!({"userId": user_id, "authMethod": auth_method});
        Self::new("user", "login", user_id, data)
    }

    pub fn user_deleted(user_id: &str, actor: Option<&str>) -> Self {
        let data = json!({"deletedUserId": user_id, "userId": actor});
        Self::new("user", "delete", user_id, data)
    }

    /// A registration was made or changed.
    pub fn registration_saved(user_id: &str, email: &str, custom_id: Option<&str>) -> Self {
        let data = json!({"userId": user_id, "email": email, "customId": custom_id});
        Self::new("registration", "add", user_id, data)
    }

    pub fn registration_deleted(user_id: &str, pool_id: &str, namespace: Option<&str>) -> Self {
        let data = json!({"userId": user_id, "poolId": pool_id, "namespace": namespace});
        Self::new("registration", "delete", user_id, data)
    }

    /// `action` is `add`, `update` or `delete`.
    pub fn namespace_changed(
        action: &'static str,
        pool_id: &str,
        namespace: &str,
        actor: Option<&str>,
    ) -> Self {
        let data = json!({"poolId": pool_id, "namespace": namespace, "userId": actor});
        Self::new("namespace", action, namespace, data)
    }

    /// Consent was given (`add`) or withdrawn (`delete`); `user_id` is whose consent it is.
    pub fn grant_changed(
        action: &'static str,
        user_id: &str,
        application_id: &str,
        api_id: &str,
        scopes: &[String],
    ) -> Self {
        let data = json!({
            "userId": user_id, "applicationId": application_id, "apiId": api_id, "scopes": scopes,
        });
        Self::new("grant", action, user_id, data)
    }

    pub fn application_added(application_id: &str, actor: Option<&str>) -> Self {
        Self::application("add", application_id, actor)
    }

    pub fn application_updated(application_id: &str, actor: Option<&str>) -> Self {
        Self::application("update", application_id, actor)
    }

    fn application(action: &'static str, application_id: &str, actor: Option<&str>) -> Self {
        let data = json!({"applicationId": application_id, "userId": actor});
        Self::new("application", action, application_id, data)
    }

    /// `subscriptions`: objects with `id`, `application`, `api`, `plan`, `auth`, `approved`,
    /// `clientId`; never credentials (portal-api D12).
    pub fn application_deleted(
        application_id: &str,
        actor: Option<&str>,
        subscriptions: &[Value],
    ) -> Self {
        let data = json!({
            "applicationId": application_id, "userId": actor, "subscriptions": subscriptions,
        });
        Self::new("application", "delete", application_id, data)
    }

    pub fn owner_added(application_id: &str, actor: Option<&str>, added: &str, role: &str) -> Self {
        let data = json!({
            "applicationId": application_id, "userId": actor, "addedUserId": added, "role": role,
        });
        Self::new("owner", "add", application_id, data)
    }

    pub fn owner_deleted(application_id: &str, actor: Option<&str>, deleted: &str) -> Self {
        let data = json!({
            "applicationId": application_id, "userId": actor, "deletedUserId": deleted,
        });
        Self::new("owner", "delete", application_id, data)
    }

    pub fn subscription_added(of: SubscriptionRef<'_>, actor: Option<&str>) -> Self {
        let data = json!({
            "subscriptionId": of.subscription_id, "applicationId": of.application_id,
            "apiId": of.api_id, "userId": actor, "planId": of.plan_id, "group": of.group,
        });
        Self::new("subscription", "add", of.subscription_id, data)
    }

    pub fn subscription_updated(
        of: SubscriptionRef<'_>,
        actor: Option<&str>,
        changes: &[Change],
    ) -> Self {
        let changes: Vec<_> = changes.iter().map(|change| change.as_str()).collect();
        let data = json!({
            "subscriptionId": of.subscription_id, "applicationId": of.application_id,
            "apiId": of.api_id, "userId": actor, "changes": changes,
        });
        Self::new("subscription", "update", of.subscription_id, data)
    }

    pub fn subscription_deleted(of: SubscriptionRef<'_>, actor: Option<&str>, auth: &str) -> Self {
        let data = json!({
            "subscriptionId": of.subscription_id, "applicationId": of.application_id,
            "apiId": of.api_id, "userId": actor, "auth": auth,
        });
        Self::new("subscription", "delete", of.subscription_id, data)
    }

    /// A subscription waits for a decision.
    pub fn approval_added(of: SubscriptionRef<'_>, actor: Option<&str>) -> Self {
        let data = json!({
            "userId": actor, "applicationId": of.application_id, "apiId": of.api_id,
            "planId": of.plan_id, "group": of.group,
        });
        Self::new("approval", "add", of.subscription_id, data)
    }

    /// A request was decided or withdrawn; `result` is `approved`, `declined` or `withdrawn`.
    pub fn approval_decided(
        approval_id: &str,
        of: SubscriptionRef<'_>,
        actor: Option<&str>,
        requester: &str,
        result: &str,
        reason: Option<&str>,
    ) -> Self {
        let data = json!({
            "approvalId": approval_id, "applicationId": of.application_id, "apiId": of.api_id,
            "planId": of.plan_id, "group": of.group, "userId": actor, "requesterId": requester,
            "result": result, "reason": reason,
        });
        Self::new("approval", "delete", approval_id, data)
    }

    /// `kind` is `email` or `lostpassword`; `id` and `link` are secrets, known by the digest and
    /// until the time in `sealed`.
    pub fn verification_added(
        kind: &str,
        id: &str,
        link: &str,
        email: &str,
        user_id: &str,
        utc: i64,
        sealed: (String, DateTime<Utc>),
    ) -> Self {
        let entity = if kind == "email" {
            "verification_email"
        } else {
            "verification_lostpassword"
        };
        let data = json!({"type": kind, "email": email, "userId": user_id, "utc": utc});
        let mut event = Self::new(entity, "add", user_id, data);
        event.secret = Some(opening(id, link, sealed));
        event
    }

    /// Where the request said in which language its mail shall be.
    #[must_use]
    pub fn in_language(mut self, language: Option<&str>) -> Self {
        if let Some(language) = language {
            self.data.insert("language".to_owned(), language.into());
        }
        self
    }

    /// The record without its id: whoever knows the id could have used it.
    pub fn verification_deleted(kind: &str, email: &str, user_id: &str, utc: i64) -> Self {
        let data = json!({"type": kind, "email": email, "userId": user_id, "utc": utc});
        Self::new("verification", "delete", user_id, data)
    }

    /// Somebody was invited to work on an application; `token` and `link` are secrets, as in
    /// [`Event::verification_added`].
    pub fn invitation_added(
        application_id: &str,
        email: &str,
        role: &str,
        actor: Option<&str>,
        token: &str,
        link: &str,
        sealed: (String, DateTime<Utc>),
    ) -> Self {
        let data = json!({
            "applicationId": application_id, "email": email, "role": role, "userId": actor,
        });
        let mut event = Self::new("invitation", "add", application_id, data);
        event.secret = Some(opening(token, link, sealed));
        event
    }

    /// Somebody was invited to register in a pool; `token` and `link` are secrets, as in
    /// [`Event::verification_added`].
    pub fn pool_invitation_added(
        (pool_id, namespace): (&str, Option<&str>),
        email: &str,
        actor: Option<&str>,
        token: &str,
        link: &str,
        sealed: (String, DateTime<Utc>),
    ) -> Self {
        let data = json!({
            "poolId": pool_id, "namespace": namespace, "email": email, "userId": actor,
        });
        let mut event = Self::new("pool_invitation", "add", pool_id, data);
        event.secret = Some(opening(token, link, sealed));
        event
    }

    /// A word to everybody who uses an API.
    pub fn announced(
        id: &str,
        api_id: &str,
        subject: &str,
        text: &str,
        actor: Option<&str>,
    ) -> Self {
        let data = json!({
            "announcementId": id, "apiId": api_id, "subject": subject, "text": text,
            "userId": actor,
        });
        Self::new("announcement", "add", id, data)
    }

    /// All data was replaced by that of an archive: whoever keeps something of it reads it anew.
    pub fn imported() -> Self {
        Self::new("import", "done", "archive", json!({}))
    }

    /// A credential ends in so many days.
    pub fn credential_expiring(
        credential_id: &str,
        of: SubscriptionRef<'_>,
        last4: Option<&str>,
        expires_at: DateTime<Utc>,
        days: i64,
    ) -> Self {
        let data = json!({
            "credentialId": credential_id, "subscriptionId": of.subscription_id,
            "applicationId": of.application_id, "apiId": of.api_id, "last4": last4,
            "expiresAt": expires_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "days": days,
        });
        Self::new("credential", "expiring", credential_id, data)
    }

    /// So many percent of a limit are used up; `window` is its name (`day`), which ends at
    /// `reset_at`.
    pub fn usage_threshold(
        of: SubscriptionRef<'_>,
        window: &str,
        percent: i64,
        limit: i64,
        used: i64,
        reset_at: DateTime<Utc>,
    ) -> Self {
        let data = json!({
            "subscriptionId": of.subscription_id, "applicationId": of.application_id,
            "apiId": of.api_id, "planId": of.plan_id, "window": window, "percent": percent,
            "limit": limit, "used": used,
            "resetAt": reset_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        });
        Self::new("usage", "threshold", of.subscription_id, data)
    }

    /// A listener was switched off, because it is gone or failed for days.
    /// `application_id`: whose listener it is, if it is an application's.
    pub fn listener_disabled(
        listener_id: &str,
        application_id: Option<&str>,
        reason: &str,
    ) -> Self {
        let data = json!({
            "listenerId": listener_id, "applicationId": application_id, "reason": reason,
        });
        Self::new("listener", "disabled", listener_id, data)
    }

    /// Every gateway node has a newer revision.
    pub fn gateway_applied(revision: &str, seq: i64, nodes: &[Value]) -> Self {
        let data = json!({"revision": revision, "seq": seq, "nodes": nodes});
        Self::new("gateway", "applied", revision, data)
    }

    /// Another configuration is in force. `changed` says which parts of it differ.
    pub fn config_updated(
        hash: &str,
        previous_hash: Option<&str>,
        commit: Option<&str>,
        changed: &Value,
    ) -> Self {
        let data = json!({
            "hash": hash, "previousHash": previous_hash, "commit": commit, "changed": changed,
        });
        Self::new("config", "updated", hash, data)
    }

    /// A new configuration moved an API on in its life, or changed the dates. `to` is the life
    /// cycle as configured now.
    pub fn api_lifecycle(api_id: &str, from: &str, to: &Value) -> Self {
        let member = |name: &str| to.get(name).cloned().unwrap_or_default();
        let data = json!({
            "apiId": api_id, "from": from, "to": member("state"),
            "deprecatedOn": member("deprecatedOn"), "sunsetOn": member("sunsetOn"),
            "successor": member("successor"),
        });
        Self::new("api", "lifecycle", api_id, data)
    }

    /// What may be delivered in any order relative to what: events with the same key keep theirs
    /// (events-and-adapters B9).
    pub fn ordering_key(&self) -> String {
        let text = |member: &str| self.data.get(member).and_then(Value::as_str);
        if let Some(application) = text("applicationId") {
            return format!("application:{application}");
        }
        if let Some(api) = text("apiId") {
            return format!("api:{api}");
        }
        if let Some(listener) = text("listenerId") {
            return format!("listener:{listener}");
        }
        ["updatedUserId", "deletedUserId", "userId"]
            .into_iter()
            .find_map(text)
            .map_or_else(|| "config".to_owned(), |user| format!("user:{user}"))
    }

    /// The application it is about.
    pub fn application_id(&self) -> Option<&str> {
        self.data.get("applicationId").and_then(Value::as_str)
    }
}

fn opening(id: &str, link: &str, (digest, until): (String, DateTime<Utc>)) -> Sealed {
    let members = [
        ("id".to_owned(), json!(id)),
        ("link".to_owned(), json!(link)),
    ];
    Sealed {
        members: Map::from_iter(members),
        digest,
        until,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_members_are_left_out_and_keys_follow_the_application() {
        let event = Event::user_added("u1", "ada@example.org", None);
        assert_eq!(
            Value::Object(event.data.clone()),
            json!({"userId": "u1", "email": "ada@example.org"})
        );
        assert_eq!(event.ordering_key(), "user:u1");
        let event = Event::application_added("orders", Some("u1"));
        assert_eq!(event.ordering_key(), "application:orders");
    }

    #[test]
    fn the_secrets_of_a_verification_are_not_in_its_data() {
        let sealed = (String::new(), service::clock::now());
        let link = "http://x/{{id}}";
        let event = Event::verification_added("email", "s3cret", link, "a@b.cd", "u1", 1, sealed);
        assert_eq!(event.kind(), "verification_email.add");
        assert!(!Value::Object(event.data).to_string().contains("s3cret"));
    }
}
