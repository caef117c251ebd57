use std::{
    borrow::Borrow,
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use hashbrown::HashTable;
use http::HeaderValue;
use kong::Kind;
use uuid::Uuid;

use super::routing::Bound;
use crate::{
    numbers,
    plugins::{jwt::VerificationKey, password},
    store::{Change, Row, SharedRow, Tables},
};

/// A consumer with all that a request needs of it.
pub struct Consumer {
    pub id: Uuid,
    pub username: Option<Arc<str>>,
    pub custom_id: Option<Arc<str>>,
    /// `X-Consumer-ID`, `-Custom-ID`, `-Username`; absent when they cannot stand in a header.
    pub id_header: HeaderValue,
    pub custom_id_header: Option<HeaderValue>,
    pub username_header: Option<HeaderValue>,
    /// In order of creation.
    pub groups: Vec<String>,
    pub groups_header: Option<HeaderValue>,
    pub plugins: Vec<Bound>,
    /// Ordinals of `plugins` as bits.
    pub mask: u32,
    pub row: SharedRow,
}

/// An API key: whose it is.
pub struct KeyEntry {
    pub id: Uuid,
    pub consumer: Uuid,
    /// Seconds since 1970.
    pub expires_at: Option<i64>,
    pub identifier: HeaderValue,
}

/// A name with a password.
pub struct BasicEntry {
    pub id: Uuid,
    pub consumer: Uuid,
    pub identifier: Option<HeaderValue>,
    pub password: password::Hash,
    /// Digest of the password that was found to be right: checking it again would take a while.
    pub proven: OnceLock<[u8; 32]>,
}

/// A secret that requests are signed with.
pub struct HmacEntry {
    pub id: Uuid,
    pub consumer: Uuid,
    pub secret: String,
}

/// A key that verifies tokens.
pub struct TokenKey {
    pub id: Uuid,
    pub consumer: Uuid,
    pub identifier: Option<HeaderValue>,
    pub key: VerificationKey,
}

/// Consumers and credentials. Read by all workers without locks; written by one thread.
#[derive(Default)]
pub struct Directory {
    consumers: Shards<Uuid, Arc<Consumer>>,
    usernames: Shards<Box<str>, Uuid>,
    custom_ids: Shards<Box<str>, Uuid>,
    /// By the HMAC under the plugin's digest key, as the writer computed it.
    digests: Shards<[u8; 32], Arc<KeyEntry>>,
    /// Clear keys by an HMAC under a key of this process, so that comparing takes the same time
    /// for every guess.
    clear_keys: Shards<[u8; 32], Arc<KeyEntry>>,
    basic: Shards<Box<str>, Arc<BasicEntry>>,
    hmac: Shards<Box<str>, Arc<HmacEntry>>,
    token_keys: Shards<Box<str>, Arc<TokenKey>>,
    clear_key_hmac: ProcessKey,
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
        self.consumer(self.usernames.get(name)?)
    }

    /// The consumer of a subscription.
    pub fn consumer_of(&self, custom_id: &str) -> Option<Arc<Consumer>> {
        self.consumer(self.custom_ids.get(custom_id)?)
    }

    pub fn key_by_digest(&self, digest: &[u8; 32]) -> Option<Arc<KeyEntry>> {
        self.digests.get(digest)
    }

    pub fn key_in_clear(&self, key: &[u8]) -> Option<Arc<KeyEntry>> {
        self.clear_keys.get(&self.digest(key))
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
        let mut touched = BTreeSet::new();
        let mut usernames = Vec::new();
        let mut custom_ids = Vec::new();
        let mut digests = Vec::new();
        let mut clear_keys = Vec::new();
        let mut basic = Vec::new();
        let mut hmac = Vec::new();
        let mut token_keys = Vec::new();
        for change in changes {
            // What was is taken out before what is comes in: a renamed entity leaves no trace.
            for (row, present) in [(&change.before, false), (&change.after, true)] {
                let Some(row) = row else { continue };
                match change.kind {
                    Kind::Consumer => {
                        touched.insert(row.id);
                        if let Some(name) = row.text("username") {
                            usernames.push((Box::from(name), present.then_some(row.id)));
                        }
                        if let Some(id) = row.text("custom_id") {
                            custom_ids.push((Box::from(id), present.then_some(row.id)));
                        }
                    }
                    Kind::Acl | Kind::Plugin => touched.extend(row.reference("consumer")),
                    Kind::KeyAuth => {
                        let entry = if present {
                            KeyEntry::new(row).map(Arc::new)
                        } else {
                            None
                        };
                        if let Some(digest) =
                            row.text("key_digest").as_deref().and_then(decode_digest)
                        {
                            digests.push((digest, entry.clone()));
                        }
                        if let Some(key) = row.text("key") {
                            clear_keys.push((self.digest(key.as_bytes()), entry));
                        }
                    }
                    Kind::BasicAuth => {
                        let entry = present.then(|| BasicEntry::new(row)).flatten();
                        if let Some(name) = row.text("username") {
                            basic.push((Box::from(name), entry.map(Arc::new)));
                        }
                    }
                    Kind::HmacAuth => {
                        let entry = present.then(|| HmacEntry::new(row)).flatten();
                        if let Some(name) = row.text("username") {
                            hmac.push((Box::from(name), entry.map(Arc::new)));
                        }
                    }
                    Kind::JwtSecret => {
                        let entry = if present {
                            TokenKey::new(row).map(Arc::new)
                        } else {
                            None
                        };
                        if let Some(key) = row.text("key") {
                            token_keys.push((Box::from(key), entry));
                        }
                    }
                    // They concern routes and connections.
                    Kind::Certificate
                    | Kind::Sni
                    | Kind::CaCertificate
                    | Kind::Upstream
                    | Kind::Target
                    | Kind::Service
                    | Kind::Route
                    | Kind::Oauth2 => {}
                }
            }
        }
        let consumers = touched.into_iter().map(|id| {
            let row = tables.get(Kind::Consumer, id);
            (
                id,
                row.map(|row| Arc::new(Consumer::new(row.clone(), tables))),
            )
        });
        self.consumers.update(consumers.collect());
        self.usernames.update(usernames);
        self.custom_ids.update(custom_ids);
        self.digests.update(digests);
        self.clear_keys.update(clear_keys);
        self.basic.update(basic);
        self.hmac.update(hmac);
        self.token_keys.update(token_keys);
    }
}

fn decode_digest(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

impl KeyEntry {
    fn new(row: &Row) -> Option<Self> {
        Some(Self {
            id: row.id,
            consumer: row.reference("consumer")?,
            expires_at: row.value("ttl").as_i64(),
            identifier: HeaderValue::from_str(&row.id.to_string()).ok()?,
        })
    }
}

impl BasicEntry {
    fn new(row: &Row) -> Option<Self> {
        let (username, consumer) = (row.text("username")?, row.reference("consumer")?);
        Some(Self {
            id: row.id,
            consumer,
            identifier: HeaderValue::from_bytes(username.as_bytes()).ok(),
            password: password::Hash::parse(&row.text("password")?, consumer)?,
            proven: OnceLock::new(),
        })
    }
}

impl HmacEntry {
    fn new(row: &Row) -> Option<Self> {
        Some(Self {
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
            identifier: HeaderValue::from_str(&secret.key).ok(),
            key: VerificationKey::new(&secret)?,
        })
    }
}

impl Consumer {
    fn new(row: SharedRow, tables: &Tables) -> Self {
        let header = |text: Option<&str>| {
            text.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok())
        };
        let parent = (Kind::Consumer, row.id);
        let mut acls: Vec<&Row> = tables
            .children(parent, Kind::Acl)
            .map(Arc::as_ref)
            .collect();
        acls.sort_by_key(|acl| (acl.created_at(), acl.id));
        let groups: Vec<String> = acls.iter().filter_map(|acl| acl.text("group")).collect();
        let plugins: Vec<Bound> = tables
            .children(parent, Kind::Plugin)
            .filter_map(|plugin| Bound::new(plugin))
            .collect();
        Self {
            id: row.id,
            username: row.text("username").map(Arc::from),
            custom_id: row.text("custom_id").map(Arc::from),
            id_header: header(Some(&row.id.to_string()))
                .unwrap_or_else(|| HeaderValue::from_static("")),
            custom_id_header: header(row.text("custom_id").as_deref()),
            username_header: header(row.text("username").as_deref()),
            groups_header: header(Some(&groups.join(", "))).filter(|_| !groups.is_empty()),
            groups,
            mask: plugins
                .iter()
                .fold(0, |mask, plugin| mask | 1 << plugin.ordinal),
            plugins,
            row,
        }
    }
}

/// A map in many parts, each swapped as a whole: a change copies one part only. The parts are tables
/// rather than maps: the hash that chose the part finds the place in it, too.
struct Shards<K, V> {
    hasher: RandomState,
    parts: Box<[ArcSwap<Part<K, V>>]>,
}

type Part<K, V> = HashTable<(K, V)>;

const SHARDS: usize = 512;

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            parts: (0..SHARDS)
                .map(|_| ArcSwap::from_pointee(Part::new()))
                .collect(),
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Shards<K, V> {
    fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let part = self.parts[numbers::part_of(hash, SHARDS)].load();
        let found = part.find(hash, |(known, _)| known.borrow() == key);
        found.map(|(_, value)| value.clone())
    }

    /// Sets or removes; later entries win.
    fn update(&self, changes: Vec<(K, Option<V>)>) {
        let mut by_part: HashMap<usize, Vec<(u64, K, Option<V>)>> = HashMap::new();
        for (key, value) in changes {
            let hash = self.hasher.hash_one(&key);
            by_part
                .entry(numbers::part_of(hash, SHARDS))
                .or_default()
                .push((hash, key, value));
        }
        for (part, changes) in by_part {
            let mut table = Part::clone(&self.parts[part].load());
            for (hash, key, value) in changes {
                if let Ok(known) = table.find_entry(hash, |(known, _)| *known == key) {
                    known.remove();
                }
                if let Some(value) = value {
                    table.insert_unique(hash, (key, value), |(known, _)| {
                        self.hasher.hash_one(known)
                    });
                }
            }
            self.parts[part].store(Arc::new(table));
        }
    }
}
