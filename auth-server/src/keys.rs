//! Keys that sign access tokens: made here, stored sealed, published as JWKS, rotated.
//!
//! Invariant: a key is published before it signs and until the last token it signed has ended,
//! so whoever verifies with a cached key set never meets an unknown key in normal operation.

mod algorithm;
mod jwk;
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

pub use algorithm::{SigningAlgorithm, UnsupportedAlgorithm};
pub use pair::{SigningKey, context};
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
    #[error("no RSA key could be made")]
    Generation(#[from] openssl::error::ErrorStack),
    #[error("making a key was cut short")]
    CutShort(#[from] tokio::task::JoinError),
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
    pub async fn open(
        database: Database,
        keys: &Keys,
        algorithm: SigningAlgorithm,
    ) -> Result<Self, KeysError> {
        service::crypto::install();
        let seal = keys.derive(&Purpose::Credential)?;
        let ring = store::load_or_prepare(&database, &seal, algorithm, clock::now()).await?;
        Ok(Self(Arc::new(Inner {
            database,
            seal,
            ring: ArcSwap::from_pointee(ring),
        })))
    }

    /// Reads what other instances did, prepares the next key when it is time or another algorithm is
    /// wanted, drops ended ones.
    pub async fn refresh(
        &self,
        algorithm: SigningAlgorithm,
        now: DateTime<Utc>,
    ) -> Result<(), KeysError> {
        let Inner { database, seal, .. } = &*self.0;
        let ring = store::load_or_prepare(database, seal, algorithm, now).await?;
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

    /// The algorithms of the keys that are published, the one in use first.
    pub fn algorithms(&self, now: DateTime<Utc>) -> Vec<SigningAlgorithm> {
        let mut found = vec![self.signing(now).algorithm];
        for key in self.published(now) {
            if !found.contains(&key.algorithm) {
                found.push(key.algorithm);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;
    use migrations::{Location, auth_server::Migrator};
    use service::keys::MasterKey;

    use super::{
        SigningAlgorithm::{Es256, Rs256},
        *,
    };
    use crate::tokens::{self, Audience, NewToken, Subject, TokenMode};

    /// An empty database that lives as long as its folder, and a master key.
    async fn place() -> (tempfile::TempDir, Database, Keys) {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::in_folder(folder.path(), "auth-server.db");
        let database = Database::open::<Migrator>(&location, 1).await.unwrap();
        (folder, database, Keys::from_master(MasterKey::generate()))
    }

    fn kids(keys: &[Arc<SigningKey>]) -> Vec<&str> {
        keys.iter().map(|key| key.kid.as_str()).collect()
    }

    fn sign(keys: &SigningKeys, now: DateTime<Utc>) -> String {
        let token = NewToken {
            client_id: "client",
            audience: Audience::of(vec!["orders".to_owned()]),
            subject: Subject::Client,
            scope: &[],
            lifetime: Duration::from_hours(1),
        };
        tokens::make(TokenMode::Jwt, keys, "issuer", token, now).text
    }

    #[tokio::test]
    async fn keys_rotate_without_a_token_ever_meeting_an_unpublished_key() {
        let (_folder, database, master) = place().await;
        let keys = SigningKeys::open(database.clone(), &master, Es256)
            .await
            .unwrap();
        let start = clock::now();
        let first = keys.signing(start).kid.clone();
        let at = |hours: i64| start + TimeDelta::hours(hours);
        keys.refresh(Es256, at(29 * 24 - 1)).await.unwrap();
        assert_eq!(kids(&keys.published(at(29 * 24 - 1))), [&first]);
        // A day before its use the next key is published, and the first one still signs.
        keys.refresh(Es256, at(29 * 24 + 1)).await.unwrap();
        let published = keys.published(at(29 * 24 + 1));
        assert_eq!(published.len(), 2);
        assert_eq!(keys.signing(at(29 * 24 + 1)).kid, first);
        let last = at(30 * 24) - TimeDelta::seconds(1);
        let token = sign(&keys, last);
        let after = at(30 * 24 + 1) - TimeDelta::minutes(1);
        assert_ne!(keys.signing(after).kid, first);
        assert!(tokens::verify(&keys, "issuer", &token, after).is_ok());
        assert!(tokens::verify(&keys, "other", &token, after).is_err());
        // Another process reads the same keys; with another master key none opens.
        let other = SigningKeys::open(database.clone(), &master, Es256)
            .await
            .unwrap();
        assert!(tokens::verify(&other, "issuer", &token, after).is_ok());
        let strange = Keys::from_master(MasterKey::generate());
        assert!(SigningKeys::open(database, &strange, Es256).await.is_err());
        // An hour later nothing signed by the first key is valid, and it is gone.
        keys.refresh(Es256, at(30 * 24 + 2)).await.unwrap();
        assert_eq!(keys.published(at(30 * 24 + 2)).len(), 1);
        assert!(tokens::verify(&keys, "issuer", &token, at(30 * 24 + 2)).is_err());
    }

    #[tokio::test]
    async fn another_algorithm_begins_when_its_key_is_known_and_old_tokens_stay_good() {
        let (_folder, database, master) = place().await;
        let keys = SigningKeys::open(database, &master, Es256).await.unwrap();
        let start = clock::now();
        let at = |minutes: i64| start + TimeDelta::minutes(minutes);
        let first = keys.signing(start).kid.clone();
        keys.refresh(Rs256, at(0)).await.unwrap();
        assert_eq!(keys.published(at(0)).len(), 2);
        assert_eq!(keys.signing(at(14)).kid, first);
        let old = sign(&keys, at(14));
        let next = keys.signing(at(16));
        assert_eq!(next.algorithm, Rs256);
        let new = sign(&keys, at(16));
        assert_eq!(keys.algorithms(at(16)), [Rs256, Es256]);
        for token in [&old, &new] {
            assert!(tokens::verify(&keys, "issuer", token, at(16)).is_ok());
        }
        // The setting stays: no further key, and the first one goes with its last token.
        keys.refresh(Rs256, at(16)).await.unwrap();
        assert_eq!(keys.published(at(16)).len(), 2);
        keys.refresh(Rs256, at(15 + 66)).await.unwrap();
        assert_eq!(kids(&keys.published(at(15 + 66))), [&next.kid]);
        // Taken back before its time, the new one has never been anybody's.
        keys.refresh(Es256, at(82)).await.unwrap();
        let pending = keys.published(at(82)).len();
        keys.refresh(Rs256, at(83)).await.unwrap();
        assert_eq!((pending, keys.algorithms(at(24 * 60))), (2, vec![Rs256]));
    }

    #[tokio::test]
    async fn a_key_that_was_made_ahead_does_not_end_the_other_algorithm_again() {
        let (_folder, database, master) = place().await;
        let keys = SigningKeys::open(database, &master, Es256).await.unwrap();
        let start = clock::now();
        let at = |hours: i64| start + TimeDelta::hours(hours);
        keys.refresh(Es256, at(29 * 24 + 1)).await.unwrap();
        keys.refresh(Rs256, at(29 * 24 + 2)).await.unwrap();
        for hours in [29 * 24 + 3, 30 * 24 + 1] {
            assert_eq!(keys.signing(at(hours)).algorithm, Rs256, "{hours}");
        }
    }
}
