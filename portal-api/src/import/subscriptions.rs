//! Subscriptions with their credentials, and the requests that wait.

use std::collections::{HashMap, HashSet};

use anyhow::bail;
use config::{apis::Auth, crypto::legacy};
use sdk::types::{Secret, credentials::Kind};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::{
    Found, Import,
    object::{Object, derived_id, newest_first},
    report::Fate,
    store::save,
};
use crate::{
    applications,
    approvals::{self, store::OPEN},
    credentials::{self, rules::Origin},
    events::{self, Event},
    subscriptions::{self, row::Scopes},
};

const SUBSCRIPTION: &str = "subscription";
const CREDENTIAL: &str = "credential";
const APPROVAL: &str = "approval";

/// A credential as wicked keeps it, in clear.
struct Clear {
    kind: Kind,
    client_id: Option<String>,
    secret: Secret,
}

impl Import<'_> {
    /// Decrypts everything once, before anything is written: a wrong key must not cost keys.
    pub(super) fn check_keys(&mut self, found: &Found) -> anyhow::Result<()> {
        let mut unreadable = Vec::new();
        for subscription in &found.subscriptions {
            for member in ["apikey", "clientSecret", "clientId"] {
                if let Some(stored) = subscription.text(member)
                    && self.decrypt(stored).is_none()
                {
                    unreadable.push(format!("{} ({member})", subscription.id()));
                }
            }
        }
        if unreadable.is_empty() || self.skip_unreadable {
            return Ok(());
        }
        let number = unreadable.len();
        unreadable.truncate(5);
        bail!(
            "{number} credentials cannot be decrypted with PORTAL_API_AESKEY, among them those of \
             the subscriptions {}. Set the key that wicked used, or leave such credentials out \
             with --skip-unreadable",
            unreadable.join(", ")
        )
    }

    fn decrypt(&self, stored: &str) -> Option<String> {
        if !stored.starts_with('!') {
            return Some(stored.to_owned());
        }
        let key = self.old_key.as_ref()?;
        legacy::decrypt_credential(key.as_str(), stored).ok()
    }

    /// The subscriptions that wait for a decision, by id.
    pub(super) async fn subscriptions(
        &mut self,
        mut found: Vec<Object>,
        applications: &HashMap<String, applications::row::Model>,
    ) -> anyhow::Result<HashMap<String, subscriptions::row::Model>> {
        self.report.found(SUBSCRIPTION, found.len());
        let here = subscriptions::row::Entity::find().all(self.txn).await?;
        let here: HashMap<_, _> = here
            .into_iter()
            .map(|row| ((row.application_id.clone(), row.api_id.clone()), row))
            .collect();
        let stored = credentials::row::Entity::find().all(self.txn).await?;
        let mut stored: Stored = Stored::of(stored);
        newest_first(&mut found);
        let (mut done, mut pending) = (HashSet::new(), HashMap::new());
        for object in found {
            let id = object.id().to_owned();
            let application = object.text("application").unwrap_or_default().to_owned();
            let api = object.text("api").unwrap_or_default().to_owned();
            if !applications.contains_key(&application) {
                self.report.left_out(
                    SUBSCRIPTION,
                    &id,
                    format!("application `{application}` is not there"),
                );
                continue;
            }
            if id.is_empty() || api.is_empty() || object.text("plan").is_none() {
                self.report
                    .left_out(SUBSCRIPTION, &id, "`id`, `api` or `plan` is missing");
                continue;
            }
            let key = (application, api);
            if !done.insert(key.clone()) {
                let why = format!("application `{}` has a newer one to `{}`", key.0, key.1);
                self.report.left_out(SUBSCRIPTION, &id, why);
                continue;
            }
            let here = here.get(&key);
            if let Some(other) = here.filter(|here| here.id != id) {
                let why = format!("subscription {} to the same API is here", other.id);
                self.report.left_out(SUBSCRIPTION, &id, why);
                continue;
            }
            self.check_configuration(&object);
            let row = subscription(&object, key, here);
            let fate = save(self.txn, here, row.clone(), |row| row.changed_at).await?;
            self.report.did(SUBSCRIPTION, &id, fate);
            if fate != Fate::Kept {
                self.credentials_of(&object, &row, &mut stored).await?;
                if !row.approved {
                    pending.insert(id, row.clone());
                }
            }
            self.tell(fate, &row, here).await?;
        }
        Ok(pending)
    }

    async fn tell(
        &self,
        fate: Fate,
        row: &subscriptions::row::Model,
        here: Option<&subscriptions::row::Model>,
    ) -> anyhow::Result<()> {
        let about = subscriptions::reference(row);
        let event = match (fate, here) {
            (Fate::Added, _) => Event::subscription_added(about, None).becomes(row),
            (Fate::Updated, Some(here)) => Event::subscription_updated(about, None, &[])
                .was(here)
                .becomes(row),
            _ => return Ok(()),
        };
        Ok(events::append(self.txn, self.state, &self.actor, event).await?)
    }

    fn check_configuration(&mut self, object: &Object) {
        let (api, plan) = (object.text("api"), object.text("plan"));
        let (api, plan) = (api.unwrap_or_default(), plan.unwrap_or_default());
        let what = match self.configuration.api(api) {
            None => format!("the configuration has no API `{api}`"),
            Some(known) if self.configuration.plan_of(known, plan).is_none() => {
                format!("API `{api}` has no plan `{plan}`")
            }
            Some(_) => return,
        };
        self.report.note(SUBSCRIPTION, object.id(), what);
    }

    async fn credentials_of(
        &mut self,
        object: &Object,
        subscription: &subscriptions::row::Model,
        stored: &mut Stored,
    ) -> anyhow::Result<()> {
        if !subscription.approved {
            return Ok(());
        }
        for clear in self.clear(object) {
            self.report.found(CREDENTIAL, 1);
            let row = self.credential(clear, subscription);
            let name = format!("of subscription {}", subscription.id);
            if let Some(other) = stored.clash(&row) {
                let why = format!("subscription {other} has the same key or client id");
                self.report.left_out(CREDENTIAL, &name, why);
                continue;
            }
            let fate = match stored.by_id.get(&row.id) {
                None => {
                    credentials::row::Entity::insert(row.clone().into_active_model())
                        .exec_without_returning(self.txn)
                        .await?;
                    Fate::Added
                }
                Some(here) if here.revoked_at.is_some() => Fate::Kept,
                Some(here) if here.digest == row.digest && here.client_id == row.client_id => {
                    Fate::Unchanged
                }
                Some(_) => {
                    row.clone()
                        .into_active_model()
                        .reset_all()
                        .update(self.txn)
                        .await?;
                    Fate::Updated
                }
            };
            self.report.did(CREDENTIAL, &name, fate);
            stored.add(row);
        }
        Ok(())
    }

    fn clear(&mut self, object: &Object) -> Vec<Clear> {
        let mut found = Vec::new();
        let member = |import: &Self, name: &str| match object.text(name) {
            None => Ok(None),
            Some(stored) => import.decrypt(stored).map(Some).ok_or(()),
        };
        match member(self, "apikey") {
            Ok(Some(key)) => found.push(Clear {
                kind: Kind::Key,
                client_id: None,
                secret: key.into(),
            }),
            Ok(None) => {}
            Err(()) => {
                self.report
                    .left_out(CREDENTIAL, object.id(), "its API key cannot be decrypted");
            }
        }
        match (member(self, "clientId"), member(self, "clientSecret")) {
            (Ok(Some(client_id)), Ok(secret)) => found.push(Clear {
                kind: Kind::Client,
                client_id: Some(client_id),
                // A public client has none; nobody knows this one.
                secret: secret.unwrap_or_else(|| service::random::token(32)).into(),
            }),
            (Ok(None), Ok(None)) => {}
            (Ok(None), Ok(Some(_))) => {
                self.report
                    .left_out(CREDENTIAL, object.id(), "it has a secret and no client id");
            }
            _ => self
                .report
                .left_out(CREDENTIAL, object.id(), "its client cannot be decrypted"),
        }
        found
    }

    fn credential(
        &self,
        clear: Clear,
        subscription: &subscriptions::row::Model,
    ) -> credentials::row::Model {
        let configuration = &self.configuration;
        let needed_by_kong = configuration.api(&subscription.api_id).is_some_and(|api| {
            credentials::rules::is_needed_by_kong(configuration, api, clear.kind)
        });
        let reveal = configuration.globals.credentials.reveal;
        let keeping = credentials::rules::keeping(Origin::Subscription, reveal, needed_by_kong);
        let id = derived_id(&["credential", &subscription.id, clear.kind.as_str()]);
        let (prefix, last4) = credentials::rules::hints(&clear.secret);
        credentials::row::Model {
            subscription_id: subscription.id.clone(),
            kind: clear.kind.as_str().to_owned(),
            name: "default".to_owned(),
            note: None,
            classic: keeping.classic,
            client_id: clear.client_id,
            digest: self.keys.digest(&clear.secret),
            sealed: keeping.sealed.then(|| self.keys.seal(&clear.secret, &id)),
            prefix: prefix.to_owned(),
            last4: last4.to_owned(),
            created_at: subscription.created_at,
            created_by: subscription.changed_by.clone(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            revoked_reason: None,
            id,
        }
    }

    /// Only those of subscriptions that wait; others were decided.
    pub(super) async fn approvals(
        &mut self,
        mut found: Vec<Object>,
        pending: &HashMap<String, subscriptions::row::Model>,
    ) -> anyhow::Result<()> {
        self.report.found(APPROVAL, found.len());
        let here = approvals::row::Entity::find().all(self.txn).await?;
        let here: HashMap<_, _> = here.into_iter().map(|row| (row.id.clone(), row)).collect();
        let places: HashMap<_, _> = pending
            .values()
            .map(|row| ((row.application_id.as_str(), row.api_id.as_str()), row))
            .collect();
        newest_first(&mut found);
        let mut done = HashSet::new();
        for object in found {
            let id = object.id().to_owned();
            let place = (object.object("application"), object.object("api"));
            // The file store does not say which subscription it is.
            let subscription = object
                .text("subscriptionId")
                .and_then(|id| pending.get(id))
                .or_else(|| places.get(&(place.0.id(), place.1.id())).copied());
            let Some(subscription) = subscription else {
                self.report.left_out(
                    APPROVAL,
                    &id,
                    "its subscription does not wait for a decision",
                );
                continue;
            };
            if id.is_empty() || !done.insert(subscription.id.clone()) {
                self.report
                    .left_out(APPROVAL, &id, "there is a newer one for its subscription");
                continue;
            }
            let row = approval(&object, subscription);
            let fate = match here.get(&id) {
                None => {
                    approvals::store::insert(self.txn, row).await?;
                    Fate::Added
                }
                Some(here) if here.state == OPEN => Fate::Unchanged,
                Some(_) => Fate::Kept,
            };
            self.report.did(APPROVAL, &id, fate);
        }
        for id in pending.keys().filter(|id| !done.contains(*id)) {
            let what =
                "waits for a decision, but nobody asked for one; decide it with the subscription";
            self.report.note(SUBSCRIPTION, id, what);
        }
        Ok(())
    }
}

/// The credentials that are here.
struct Stored {
    by_id: HashMap<String, credentials::row::Model>,
    digests: HashMap<String, String>,
    client_ids: HashMap<String, String>,
    subscriptions: HashMap<String, String>,
}

impl Stored {
    fn of(rows: Vec<credentials::row::Model>) -> Self {
        let mut stored = Self {
            by_id: HashMap::new(),
            digests: HashMap::new(),
            client_ids: HashMap::new(),
            subscriptions: HashMap::new(),
        };
        for row in rows {
            stored.add(row);
        }
        stored
    }

    fn add(&mut self, row: credentials::row::Model) {
        self.digests.insert(row.digest.clone(), row.id.clone());
        if let Some(client_id) = &row.client_id {
            self.client_ids.insert(client_id.clone(), row.id.clone());
        }
        self.subscriptions
            .insert(row.id.clone(), row.subscription_id.clone());
        self.by_id.insert(row.id.clone(), row);
    }

    /// The subscription with another credential that could not be told from `row`.
    fn clash(&self, row: &credentials::row::Model) -> Option<&str> {
        let by_client = row
            .client_id
            .as_ref()
            .and_then(|id| self.client_ids.get(id));
        let others = [self.digests.get(&row.digest), by_client];
        let other = others.into_iter().flatten().find(|id| **id != row.id)?;
        self.subscriptions.get(other).map(String::as_str)
    }
}

fn subscription(
    object: &Object,
    (application_id, api_id): (String, String),
    here: Option<&subscriptions::row::Model>,
) -> subscriptions::row::Model {
    let auth = object.text("auth").unwrap_or(Auth::KeyAuth.as_str());
    let mode = object.text("allowedScopesMode");
    subscriptions::row::Model {
        id: object.id().to_owned(),
        application_id,
        api_id,
        plan_id: object.text("plan").unwrap_or_default().to_owned(),
        api_group: object.text("api_group").map(str::to_owned),
        auth: auth.to_owned(),
        approved: object.is("approved"),
        trusted: object.is("trusted"),
        allowed_scopes_mode: mode.filter(|mode| mode.len() <= 16).map(str::to_owned),
        allowed_scopes: mode.map(|_| Scopes(object.texts("allowedScopes"))),
        created_at: here.map_or(object.changed_at(), |here| here.created_at),
        changed_at: object.changed_at(),
        changed_by: object.changed_by(),
    }
}

fn approval(object: &Object, subscription: &subscriptions::row::Model) -> approvals::row::Model {
    let user = object.object("user");
    let application = object.object("application");
    let api = object.object("api");
    let plan = object.object("plan");
    let name = |object: &Object, id: &str, most| {
        object
            .text_up_to("name", most)
            .unwrap_or_else(|| id.to_owned())
    };
    approvals::row::Model {
        id: object.id().to_owned(),
        subscription_id: subscription.id.clone(),
        user_id: user.id().to_owned(),
        user_email: user.text_up_to("email", 256).unwrap_or_default(),
        application_name: name(&application, &subscription.application_id, 128),
        application_description: application.text_up_to("description", 1024),
        application_id: subscription.application_id.clone(),
        api_name: name(&api, &subscription.api_id, 256),
        api_id: subscription.api_id.clone(),
        api_group: api
            .text("requiredGroup")
            .map(str::to_owned)
            .or_else(|| subscription.api_group.clone()),
        plan_name: name(&plan, &subscription.plan_id, 256),
        plan_id: subscription.plan_id.clone(),
        trusted: application.is("trusted"),
        purpose: None,
        state: OPEN.to_owned(),
        requested_at: object.changed_at(),
        decided_at: None,
        decided_by: None,
        reason: None,
        assignee: None,
    }
}
