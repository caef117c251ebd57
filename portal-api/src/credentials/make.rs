//! Making a credential: the row to insert, and the secret that only its maker sees.

use chrono::{DateTime, Utc};
use config::{Configuration, apis::Api};
use sdk::types::{Secret, credentials::Kind};

use super::{
    row,
    rules::{self, Origin},
    secret::SecretKeys,
};

/// What a new credential is to be.
pub struct Order<'a> {
    pub subscription_id: &'a str,
    pub kind: Kind,
    pub origin: Origin,
    pub name: String,
    pub note: Option<String>,
    /// A key chosen by the caller, checked already.
    pub chosen: Option<Secret>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_by: Option<&'a str>,
}

/// A credential before it is stored.
pub struct Made {
    pub row: row::Model,
    pub secret: Secret,
}

/// Makes a credential for `api` as the configuration wants it kept.
pub fn make(
    order: Order<'_>,
    configuration: &Configuration,
    api: &Api,
    keys: &SecretKeys,
    now: DateTime<Utc>,
) -> Made {
    let settings = &configuration.globals.credentials;
    let needed_by_kong = rules::is_needed_by_kong(configuration, api, order.kind);
    let keeping = rules::keeping(order.origin, settings.reveal, needed_by_kong);
    let secret = order.chosen.unwrap_or_else(|| match order.kind {
        Kind::Key => format!("{}_{}", settings.key_prefix, service::random::token(32)).into(),
        Kind::Client => service::random::token(32).into(),
    });
    let id = service::random::hex_id();
    let (prefix, last4) = rules::hints(&secret);
    let row = row::Model {
        subscription_id: order.subscription_id.to_owned(),
        kind: order.kind.as_str().to_owned(),
        name: order.name,
        note: order.note,
        classic: keeping.classic,
        client_id: (order.kind == Kind::Client).then(service::random::hex_id),
        digest: keys.digest(&secret),
        sealed: keeping.sealed.then(|| keys.seal(&secret, &id)),
        prefix: prefix.to_owned(),
        last4: last4.to_owned(),
        created_at: now,
        created_by: order.created_by.map(str::to_owned),
        expires_at: order.expires_at,
        last_used_at: None,
        revoked_at: None,
        revoked_reason: None,
        id,
    };
    Made { row, secret }
}
