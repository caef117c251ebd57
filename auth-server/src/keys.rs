//! Keys that sign access tokens: made here, stored sealed, published as JWKS, rotated.
//!
//! Invariant: a key is published before it signs and until the last token it signed has ended,
//! so whoever verifies with a cached key set never meets an unknown key in normal operation.

mod pair;
mod routes;
mod row;
mod rules;
mod store;

use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use migrations::Database;
use service::{
    clock,
    keys::{Key, Keys, Purpose},
};

pub use pair::SigningKey;
pub use routes::routes;

/// Why the signing keys could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("the signing keys could not be read or stored")]
    Database(#[from] sea_orm::DbErr),
    #[error("signing key `{kid}` cannot be opened: {source}")]
    Sealed {
        kid: String,
        source: service::keys::OpenError,
    },
    #[error("signing key `{0}` is damaged")]
    Damaged(String),
    #[error(transparent)]
    Missing(#[from] service::keys::MissingKey),
}

/// The keys of this installation as this process knows them. Cheap to clone.
#[derive(Clone)]
pub struct SigningKeys(Arc<Inner>);

struct Inner {
    database: Database,
    seal: Key,
    /// Sorted by `active_from`; never empty.
    ring: ArcSwap<Vec<Arc<SigningKey>>>,
}

impl SigningKeys {
    /// Loads the keys, and makes the first one.
    pub async fn open(database: Database, keys: &Keys) -> Result<Self, KeysError> {
        service::crypto::install();
        let seal = keys.derive(&Purpose::Credential)?;
        let ring = store::load_or_prepare(&database, &seal, clock::now()).await?;
        Ok(Self(Arc::new(Inner {
            database,
            seal,
            ring: ArcSwap::from_pointee(ring),
        })))
    }

    /// Reads what other instances did, prepares the next key when it is time, drops ended ones.
    pub async fn refresh(&self, now: DateTime<Utc>) -> Result<(), KeysError> {
        let ring = store::load_or_prepare(&self.0.database, &self.0.seal, now).await?;
        self.0.ring.store(Arc::new(ring));
        Ok(())
    }

    /// The key to sign with: the one that became active last.
    pub fn signing(&self, now: DateTime<Utc>) -> Arc<SigningKey> {
        let ring = self.0.ring.load();
        ring.iter()
            .rev()
            .find(|key| key.active_from <= now)
            .or_else(|| ring.first())
            .cloned()
            .expect("loading makes a first key")
    }

    /// The key named `kid`, if its tokens may still be valid.
    pub fn find(&self, kid: &str, now: DateTime<Utc>) -> Option<Arc<SigningKey>> {
        let ring = self.0.ring.load();
        ring.iter()
            .find(|key| key.kid == kid && now < key.expires_at)
            .cloned()
    }

    /// All keys that are published at `now`.
    pub fn published(&self, now: DateTime<Utc>) -> Vec<Arc<SigningKey>> {
        let ring = self.0.ring.load();
        ring.iter()
            .filter(|key| now < key.expires_at)
            .cloned()
            .collect()
    }
}
