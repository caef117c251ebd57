use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Forms of one answer, for requests that differ in what it depends on.
const MAX_VARIANTS: usize = 8;
/// Memory that an answer takes beside what it says.
const OVERHEAD: usize = 512;
/// Answers that room is made for at the start.
const EXPECTED: usize = 1024;
/// Parts with a lock each. An answer has to fit into one.
const PARTS: usize = 8;

/// Digest of what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    pub fn new(digest: &[u8]) -> Self {
        Self(digest.try_into().expect("SHA-256 has 32 bytes"))
    }

    /// 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(hex::decode(text).ok()?.try_into().ok()?))
    }

    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&hex::encode(self.0)).expect("hex digits are a header value")
    }
}

/// An answer as it came from the backend.
pub struct Stored {
    pub plugin: Uuid,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Headers that it depends on, with their values in the request.
    pub varies: Vec<(HeaderName, Vec<HeaderValue>)>,
    /// Seconds since 1970, as `ends_at`.
    pub since: i64,
    pub initial_age: u64,
    pub lifetime: u64,
    /// When it is thrown away.
    pub ends_at: i64,
    /// Whether clients may take it that want an old one rather than none.
    pub may_be_stale: bool,
}

impl Stored {
    /// Seconds since it was made.
    pub fn age(&self, now: i64) -> u64 {
        u64::try_from(now - self.since)
            .unwrap_or(0)
            .saturating_add(self.initial_age)
    }

    fn is_for(&self, headers: &HeaderMap) -> bool {
        self.varies
            .iter()
            .all(|(name, values)| headers.get_all(name).iter().eq(values))
    }

    fn bytes(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        self.body.len() + headers + OVERHEAD
    }

    fn show(&self, now: i64) -> Value {
        let headers = self.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), Value::String(value))
        });
        json!({
            "status": self.status.as_u16(),
            "headers": headers.collect::<Map<_, _>>(),
            "body_len": self.body.len(),
            "timestamp": self.since,
            "age": self.age(now),
            "ttl": self.lifetime,
        })
    }
}

type Variants = Arc<[Arc<Stored>]>;

#[derive(Clone)]
struct Bytewise;

impl Weighter<Key, Variants> for Bytewise {
    fn weight(&self, _: &Key, variants: &Variants) -> u64 {
        variants.iter().map(|stored| stored.bytes() as u64).sum()
    }
}

/// Kept answers, of all workers together. When there is no more room, those go that nobody asks for.
pub struct Store {
    answers: Cache<Key, Variants, Bytewise>,
}

impl Store {
    pub fn new(bytes: u64) -> Arc<Self> {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(EXPECTED)
            .weight_capacity(bytes)
            .shards(PARTS)
            .build()
            .expect("both capacities are given");
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Arc::new(Self {
            answers: Cache::with_options(options, Bytewise, hasher, lifecycle),
        })
    }

    /// The answer to a request with these headers.
    pub fn find(&self, key: &Key, headers: &HeaderMap, now: i64) -> Option<Arc<Stored>> {
        let variants = self.answers.get(key)?;
        let mut usable = variants.iter().filter(|stored| stored.ends_at > now);
        usable.find(|stored| stored.is_for(headers)).cloned()
    }

    pub fn put(&self, key: Key, stored: Stored) {
        let others = self.answers.get(&key);
        let others = others.iter().flat_map(|variants| variants.iter());
        let others = others
            .filter(|other| other.ends_at > stored.since && other.varies != stored.varies)
            .take(MAX_VARIANTS - 1)
            .cloned()
            .collect::<Vec<_>>();
        let all = std::iter::once(Arc::new(stored)).chain(others);
        self.answers.insert(key, all.collect());
    }

    /// What is kept under this key, for one plugin or for any.
    pub fn show(&self, key: &Key, plugin: Option<Uuid>, now: i64) -> Option<Value> {
        let variants = self.answers.get(key)?;
        let mut usable = variants.iter().filter(|stored| stored.ends_at > now);
        let newest = usable.find(|stored| plugin.is_none_or(|id| stored.plugin == id))?;
        Some(newest.show(now))
    }

    pub fn remove(&self, key: &Key) {
        self.answers.remove(key);
    }

    pub fn clear(&self) {
        self.answers.clear();
    }

    /// Answers and bytes.
    pub fn size(&self) -> (usize, u64) {
        (self.answers.len(), self.answers.weight())
    }
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT_LANGUAGE;
    use proptest::prelude::*;

    use super::*;

    fn answer(body: usize, language: Option<&'static str>, ends_at: i64) -> Stored {
        let values = language.map(|language| vec![HeaderValue::from_static(language)]);
        Stored {
            plugin: Uuid::nil(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: vec![0; body].into(),
            varies: values
                .map(|values| (ACCEPT_LANGUAGE, values))
                .into_iter()
                .collect(),
            since: 0,
            initial_age: 0,
            lifetime: 10,
            ends_at,
            may_be_stale: true,
        }
    }

    fn asks_for(language: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_static(language))])
    }

    #[test]
    fn each_form_of_an_answer_is_for_those_who_want_it() {
        let store = Store::new(1 << 20);
        let key = Key([1; 32]);
        store.put(key, answer(1, Some("de"), 10));
        store.put(key, answer(2, Some("en"), 10));
        store.put(key, answer(3, Some("de"), 10));
        let length = |language, now| {
            let found = store.find(&key, &asks_for(language), now);
            found.map(|stored| stored.body.len())
        };
        assert_eq!((length("de", 0), length("en", 0)), (Some(3), Some(2)));
        assert_eq!((length("fr", 0), length("de", 10)), (None, None));
        assert!(store.show(&key, Some(Uuid::nil()), 0).is_some());
        assert!(store.show(&key, Some(Uuid::new_v4()), 0).is_none());
        store.remove(&key);
        assert!(store.show(&key, None, 0).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// Whatever is put in, there is never more than there is room for.
        #[test]
        fn memory_is_bounded(bodies in prop::collection::vec(0_usize..40_000, 1..200)) {
            const ROOM: u64 = 256 << 10;
            let store = Store::new(ROOM);
            for (number, body) in bodies.into_iter().enumerate() {
                let mut digest = [0; 32];
                digest[0] = u8::try_from(number % 100).unwrap();
                store.put(Key(digest), answer(body, None, 10));
                prop_assert!(store.size().1 <= ROOM);
            }
        }
    }
}
