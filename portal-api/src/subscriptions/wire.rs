//! Subscriptions as they go over the wire (portal-api 14.1).

use chrono::{DateTime, Utc};
use config::Configuration;
use sdk::types::{
    ChangedDate, Secret, Subscription,
    credentials::Kind,
    links::{Link, Links},
};

use super::{row, rules as subscription_rules};
use crate::credentials::{self, rules, secret::SecretKeys};

/// What of the credentials is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// In clear, as far as they are kept readable.
    Readable,
    /// Client id, and the last characters of the key.
    Hints,
    /// Nothing but the client id.
    Omitted,
}

/// What all subscriptions of one answer are shown with.
pub struct View<'a> {
    pub configuration: &'a Configuration,
    pub keys: &'a SecretKeys,
    pub secrets: Secrets,
    /// Whether the caller may delete the subscription.
    pub deletable: bool,
    pub now: DateTime<Utc>,
}

/// The subscription with what `view` shows of its credentials.
pub fn subscription(
    row: &row::Model,
    credentials: &[credentials::row::Model],
    view: &View<'_>,
) -> Subscription {
    let api = view
        .configuration
        .api(&row.api_id)
        .map(std::convert::AsRef::as_ref);
    let mut shown = base(row, view.deletable);
    if let Some((mode, scopes)) = subscription_rules::scopes_in_force(row, api) {
        shown.allowed_scopes_mode = Some(mode);
        shown.allowed_scopes = Some(scopes);
    }
    let Some(main) = rules::main(credentials, view.now) else {
        return shown;
    };
    shown.client_id.clone_from(&main.client_id);
    let is_key = credentials::wire::kind(&main.kind) == Kind::Key;
    if is_key && view.secrets != Secrets::Omitted {
        shown.apikey_hint = Some(main.last4.clone());
    }
    let reveal = view.configuration.globals.credentials.reveal;
    if view.secrets == Secrets::Readable && rules::is_readable(main, reveal) {
        let sealed = main.sealed.as_deref();
        let secret = sealed.and_then(|sealed| view.keys.open(sealed, &main.id));
        put_secret(&mut shown, is_key, secret);
    }
    shown
}

/// The answer that makes a credential: the only one that shows its secret for sure.
pub fn with_secret(
    row: &row::Model,
    made: Option<&credentials::make::Made>,
    view: &View<'_>,
) -> Subscription {
    let credentials = made.map(|made| made.row.clone());
    let mut shown = subscription(row, credentials.as_slice(), view);
    if let Some(made) = made {
        let is_key = credentials::wire::kind(&made.row.kind) == Kind::Key;
        put_secret(&mut shown, is_key, Some(made.secret.clone()));
    }
    shown.changed_date = Some(date_of_write(row));
    shown
}

/// Old clients read Unix seconds in the answers of writes (portal-api 3.5).
pub fn date_of_write(row: &row::Model) -> ChangedDate {
    ChangedDate::Seconds(row.changed_at.timestamp())
}

fn put_secret(shown: &mut Subscription, is_key: bool, secret: Option<Secret>) {
    if is_key {
        shown.apikey = secret;
    } else {
        shown.client_secret = secret;
    }
}

fn base(row: &row::Model, deletable: bool) -> Subscription {
    let application = format!("/applications/{}", row.application_id);
    let own = format!("{application}/subscriptions/{}", row.api_id);
    let mut links = Links::from([
        ("self".to_owned(), Link::to(&own)),
        ("application".to_owned(), Link::to(application)),
        ("apis".to_owned(), Link::to("/apis")),
        ("plans".to_owned(), Link::to("/plans")),
    ]);
    if deletable {
        links.insert(
            "deleteSubscription".to_owned(),
            Link::with_method(own, "DELETE"),
        );
    }
    Subscription {
        id: row.id.clone(),
        application: row.application_id.clone(),
        api: row.api_id.clone(),
        plan: row.plan_id.clone(),
        api_group: row.api_group.clone(),
        auth: Some(row.auth.clone()),
        approved: row.approved,
        trusted: Some(row.trusted),
        changed_date: Some(ChangedDate::Iso(row.changed_at.into())),
        changed_by: row.changed_by.clone(),
        links,
        ..Subscription::default()
    }
}
