use std::{
    collections::BTreeSet,
    hash::Hash,
    sync::{Arc, OnceLock},
};

use http::HeaderValue;
use kong::Kind;
use uuid::Uuid;

use super::{
    consumer::{Consumer, id_header, text_header},
    shards::Shards,
};
use crate::{
    plugins::{jwt::VerificationKey, password},
    store::{Change, Row, Tables},
};

/// An API key. There may be hundreds of thousands, so what is not needed to find it is read from
/// its row.
#[derive(Clone)]
pub struct KeyEntry {
    digest: Half,
    row: Row,
}

/// Of a digest: 128 bits tell keys apart as surely as 256.
type Half = [u8; 16];

fn half(digest: &[u8; 32]) -> Half {
    std::array::from_fn(|position| digest[position])
}

/// A name with a password.
pub struct BasicEntry {
    username: Box<str>,
    pub id: Uuid,
    pub consumer: Uuid,
    pub password: password::Hash,
    /// Digest of the password that was found to be right: checking it again would take a while.
    pub proven: OnceLock<[u8; 32]>,
}

/// A secret that requests are signed with.
pub struct HmacEntry {
    username: Box<str>,
    pub id: Uuid,
    pub consumer: Uuid,
    pub secret: String,
}

/// A key that verifies tokens.
pub struct TokenKey {
    name: Box<str>,
    pub id: Uuid,
    pub consumer: Uuid,
    pub key: VerificationKey,
}

/// Consumers and credentials. Read by all workers without locks; written by one thread.
pub struct Directory {
    consumers: Shards<Uuid, Arc<Consumer>>,
    usernames: Shards<str, Arc<Consumer>>,
    custom_ids: Shards<str, Arc<Consumer>>,
    /// By the HMAC under the plugin's digest key, as the writer computed it.
    digests: Shards<Half, KeyEntry>,
    /// Clear keys by an HMAC under a key of this process, so that comparing takes the same time
    /// for every guess.
    clear_keys: Shards<Half, KeyEntry>,
    basic: Shards<str, Arc<BasicEntry>>,
    hmac: Shards<str, Arc<HmacEntry>>,
    token_keys: Shards<str, Arc<TokenKey>>,
    clear_key_hmac: ProcessKey,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            consumers: Shards::new(|consumer| &consumer.row.id),
            usernames: Shards::new(|consumer| consumer.username().unwrap_or_default()),
            custom_ids: Shards::new(|consumer| consumer.custom_id().unwrap_or_default()),
            digests: Shards::new(|entry| &entry.digest),
            clear_keys: Shards::new(|entry| &entry.digest),
            basic: Shards::new(|entry| &entry.username),
            hmac: Shards::new(|entry| &entry.username),
            token_keys: Shards::new(|entry| &entry.name),
            clear_key_hmac: ProcessKey::default(),
        }
    }
}

struct ProcessKey(ring::hmac::Key);

impl Default for ProcessKey {
    fn default() -> Self {
        let mut bytes = [0; 32];
        service::random::fill(&mut bytes);
        Self(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &bytes))
    }
}

impl Directory {
    pub fn consumer(&self, id: Uuid) -> Option<Arc<Consumer>> {
        self.consumers.get(&id)
    }

    /// By id or username, as `anonymous` names it.
    pub fn consumer_named(&self, name: &str) -> Option<Arc<Consumer>> {
        match Uuid::try_parse(name) {
            Ok(id) => self.consumer(id),
            Err(_) => self.consumer_by_username(name),
        }
    }

    pub fn consumer_by_username(&self, name: &str) -> Option<Arc<Consumer>> {
        self.usernames.get(name)
    }

    /// The consumer of a subscription.
    pub fn consumer_of(&self, custom_id: &str) -> Option<Arc<Consumer>> {
        self.custom_ids.get(custom_id)
    }

    pub fn key_by_digest(&self, digest: &[u8; 32]) -> Option<KeyEntry> {
        self.digests.get(&half(digest))
    }

    pub fn key_in_clear(&self, key: &[u8]) -> Option<KeyEntry> {
        self.clear_keys.get(&half(&self.digest(key)))
    }

    pub fn token_key(&self, key: &str) -> Option<Arc<TokenKey>> {
        self.token_keys.get(key)
    }

    pub fn basic(&self, username: &str) -> Option<Arc<BasicEntry>> {
        self.basic.get(username)
    }

    pub fn hmac(&self, username: &str) -> Option<Arc<HmacEntry>> {
        self.hmac.get(username)
    }

    /// A secret's digest that means something in this process only.
    pub fn digest(&self, key: &[u8]) -> [u8; 32] {
        let tag = ring::hmac::sign(&self.clear_key_hmac.0, key);
        tag.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
    }

    pub fn load(&self, tables: &Tables) {
        let kinds = [
            Kind::Consumer,
            Kind::KeyAuth,
            Kind::BasicAuth,
            Kind::HmacAuth,
            Kind::JwtSecret,
        ];
        let changes: Vec<Change> = kinds
            .into_iter()
            .flat_map(|kind| tables.all(kind, None))
            .map(|row| Change {
                kind: row.kind,
                id: row.id,
                before: None,
                after: Some(row.clone()),
            })
            .collect();
        self.apply(tables, &changes);
    }

    pub fn apply(&self, tables: &Tables, changes: &[Change]) {
        self.apply_to_consumers(tables, changes);
        let digest = |row: &Row| Some(half(&decode_digest(&row.text("key_digest")?)?));
        let clear = |row: &Row| Some(half(&self.digest(row.text("key")?.as_bytes())));
        let of = |kind: Kind| Changed::new(tables, changes, kind);
        of(Kind::KeyAuth).show(&self.digests, digest, |row| {
            Some(KeyEntry::new(row, digest(row)?))
        });
        of(Kind::KeyAuth).show(&self.clear_keys, clear, |row| {
            Some(KeyEntry::new(row, clear(row)?))
        });
        let username = |row: &Row| row.text("username");
        of(Kind::BasicAuth).show(&self.basic, username, shared(BasicEntry::new));
        of(Kind::HmacAuth).show(&self.hmac, username, shared(HmacEntry::new));
        let key = |row: &Row| row.text("key");
        of(Kind::JwtSecret).show(&self.token_keys, key, shared(TokenKey::new));
    }

    fn apply_to_consumers(&self, tables: &Tables, changes: &[Change]) {
        let mut touched = BTreeSet::new();
        let (mut usernames, mut custom_ids) = (Vec::new(), Vec::new());
        for change in changes {
            match change.kind {
                Kind::Consumer => {
                    touched.insert(change.id);
                    let before = change.before.as_ref();
                    usernames.extend(before.and_then(|row| row.text("username")));
                    custom_ids.extend(before.and_then(|row| row.text("custom_id")));
                }
                Kind::Acl | Kind::Plugin => {
                    let rows = [&change.before, &change.after].into_iter().flatten();
                    touched.extend(rows.filter_map(|row| row.reference("consumer")));
                }
                _ => {}
            }
        }
        let there = touched.iter();
        let there = there.filter_map(|id| tables.get(Kind::Consumer, *id));
        let there: Vec<Arc<Consumer>> = there
            .map(|row| Arc::new(Consumer::new(row.clone(), tables)))
            .collect();
        let with = |has: fn(&Consumer) -> Option<&str>| {
            let consumers = there.iter().filter(move |consumer| has(consumer).is_some());
            consumers.cloned().collect()
        };
        self.usernames.update(usernames, with(Consumer::username));
        self.custom_ids
            .update(custom_ids, with(Consumer::custom_id));
        self.consumers.update(touched.into_iter().collect(), there);
    }
}

/// Entities of one kind that changed.
struct Changed<'a> {
    before: Vec<&'a Row>,
    /// As they are after all changes.
    now: Vec<&'a Row>,
}

impl<'a> Changed<'a> {
    fn new(tables: &'a Tables, changes: &'a [Change], kind: Kind) -> Self {
        let changes = changes.iter().filter(|change| change.kind == kind);
        let ids: BTreeSet<Uuid> = changes.clone().map(|change| change.id).collect();
        let now = ids.into_iter().filter_map(|id| tables.get(kind, id));
        Self {
            before: changes.filter_map(|one| one.before.as_ref()).collect(),
            now: now.collect(),
        }
    }

    /// What was is taken out before what is comes in: a renamed entity leaves no trace.
    fn show<K: Eq + Hash + ToOwned + ?Sized, V: Clone>(
        self,
        shown: &Shards<K, V>,
        key: impl Fn(&Row) -> Option<K::Owned>,
        value: impl Fn(&Row) -> Option<V>,
    ) {
        let gone = self.before.into_iter().filter_map(key).collect();
        let new = self.now.into_iter().filter_map(value);
        shown.update(gone, new.collect());
    }
}

fn shared<V>(new: impl Fn(&Row) -> Option<V>) -> impl Fn(&Row) -> Option<Arc<V>> {
    move |row| new(row).map(Arc::new)
}

fn decode_digest(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

impl KeyEntry {
    fn new(row: &Row, digest: Half) -> Self {
        let row = row.clone();
        Self { digest, row }
    }

    pub fn id(&self) -> Uuid {
        self.row.id
    }

    pub fn consumer(&self) -> Option<Uuid> {
        self.row.reference("consumer")
    }

    /// Seconds since 1970.
    pub fn expires_at(&self) -> Option<i64> {
        self.row.value("ttl").as_i64()
    }

    /// `X-Credential-Identifier`.
    pub fn identifier(&self) -> Option<HeaderValue> {
        id_header(self.id())
    }
}

impl BasicEntry {
    fn new(row: &Row) -> Option<Self> {
        let consumer = row.reference("consumer")?;
        Some(Self {
            username: row.text("username")?.into(),
            id: row.id,
            consumer,
            password: password::Hash::parse(&row.text("password")?, consumer)?,
            proven: OnceLock::new(),
        })
    }

    /// `X-Credential-Identifier`; nothing if it cannot stand in a header.
    pub fn identifier(&self) -> Option<HeaderValue> {
        text_header(&self.username)
    }
}

impl HmacEntry {
    fn new(row: &Row) -> Option<Self> {
        Some(Self {
            username: row.text("username")?.into(),
            id: row.id,
            consumer: row.reference("consumer")?,
            secret: row.text("secret")?,
        })
    }
}

impl TokenKey {
    fn new(row: &Row) -> Option<Self> {
        let secret: kong::JwtSecret = row.parse().ok()?;
        Some(Self {
            id: row.id,
            consumer: row.reference("consumer")?,
            key: VerificationKey::new(&secret)?,
            name: secret.key.into(),
        })
    }

    /// `X-Credential-Identifier`; nothing if it cannot stand in a header.
    pub fn identifier(&self) -> Option<HeaderValue> {
        text_header(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::store::Key;

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn names_that_change_hands_together_leave_no_trace() {
        let (mut tables, directory) = (Tables::default(), Directory::default());
        let mut create = |kind, value: &Value| tables.create(kind, fields(value), 0).unwrap().id;
        let ada = create(
            Kind::Consumer,
            &json!({"username": "ada", "custom_id": "1"}),
        );
        let bob = create(Kind::Consumer, &json!({"username": "bob"}));
        create(
            Kind::KeyAuth,
            &json!({"key": "old", "consumer": {"id": ada}}),
        );
        let changes = tables.take_changes();
        directory.apply(&tables, &changes);
        assert_eq!(directory.consumer_by_username("ada").unwrap().id(), ada);
        assert_eq!(directory.consumer_of("1").unwrap().id(), ada);
        assert_eq!(
            directory.key_in_clear(b"old").unwrap().consumer(),
            Some(ada)
        );

        let mut rename = |id, value: &Value| {
            let key = Key::Id(id);
            tables
                .merge(Kind::Consumer, &key, fields(value), 0)
                .unwrap();
        };
        rename(ada, &json!({"username": "eve"}));
        rename(bob, &json!({"username": "ada", "custom_id": "2"}));
        let key = json!({"key": "short", "consumer": {"id": bob}});
        let key = tables.create(Kind::KeyAuth, fields(&key), 0).unwrap().id;
        tables.delete(Kind::KeyAuth, key).unwrap();
        let changes = tables.take_changes();
        directory.apply(&tables, &changes);
        assert_eq!(directory.consumer_by_username("ada").unwrap().id(), bob);
        assert_eq!(directory.consumer_by_username("eve").unwrap().id(), ada);
        assert!(directory.consumer_by_username("bob").is_none());
        assert!(directory.key_in_clear(b"short").is_none());

        tables.delete(Kind::Consumer, ada).unwrap();
        let changes = tables.take_changes();
        directory.apply(&tables, &changes);
        assert!(directory.consumer(ada).is_none() && directory.consumer_of("1").is_none());
        assert!(directory.consumer_by_username("eve").is_none());
        assert!(directory.key_in_clear(b"old").is_none());
        assert_eq!(directory.consumer_of("2").unwrap().id(), bob);
    }
}
