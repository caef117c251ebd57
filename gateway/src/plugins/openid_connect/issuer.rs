//! An issuer and its keys: fetched when first needed, renewed behind the calls' backs, and asked for
//! at once when a token names a key that is not known yet.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;
use url::Url;

use super::PublicKey;
use crate::plugins::{
    fetch::fetch,
    shared::{Known, one_for},
};

/// Between two questions. Tokens name whatever keys they like, so that must not make us a flood.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two tries to renew the keys of an issuer that is away.
const RETRY: Duration = Duration::from_secs(5);
const MAX_DOCUMENT: usize = 256 << 10;
/// Keys of an issuer that are looked at.
const MAX_KEYS: usize = 64;

/// How long keys count, and how long an answer may take.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Patience {
    /// No newer ones are asked for.
    pub fresh: Duration,
    /// Beyond that, while the issuer cannot be reached.
    pub stale: Duration,
    pub answer: Duration,
}

/// The issuer cannot be asked.
#[derive(Clone, Copy, Debug)]
pub struct Away;

pub struct Issuer {
    name: String,
    patience: Patience,
    keys: ArcSwapOption<Keys>,
    last: tokio::sync::Mutex<Last>,
    is_renewing: AtomicBool,
}

/// The last question.
#[derive(Default)]
struct Last {
    begun: Option<Instant>,
    ended: Option<Instant>,
    failed: bool,
}

/// What an issuer publishes.
pub struct Keys {
    list: Vec<Arc<PublicKey>>,
    fetched: Instant,
}

/// The part of its description that counts here.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: Url,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Those that may have signed a token: the one that it names, or any if it names none.
    pub fn fitting<'a>(&'a self, kid: Option<&'a str>) -> impl Iterator<Item = &'a Arc<PublicKey>> {
        let fits =
            move |key: &&Arc<PublicKey>| kid.is_none_or(|kid| key.id.as_deref() == Some(kid));
        self.list.iter().filter(fits)
    }

    fn has(&self, kid: Option<&str>) -> bool {
        self.fitting(kid).next().is_some()
    }
}

impl Issuer {
    /// One per name, however many plugins believe it.
    pub fn known(name: &str, patience: Patience) -> Arc<Self> {
        static ALL: Known<(String, Patience), Issuer> = Mutex::new(None);
        one_for(&ALL, (name.to_owned(), patience), |(name, patience)| Self {
            name: name.clone(),
            patience: *patience,
            keys: ArcSwapOption::empty(),
            last: tokio::sync::Mutex::default(),
            is_renewing: AtomicBool::new(false),
        })
    }

    /// Whether a key is in force that was taken from here before.
    pub fn publishes(&self, key: &Arc<PublicKey>) -> bool {
        let keys = self.usable();
        keys.is_some_and(|keys| keys.list.iter().any(|known| Arc::ptr_eq(known, key)))
    }

    fn usable(&self) -> Option<Arc<Keys>> {
        let longest = self.patience.fresh + self.patience.stale;
        let keys = self.keys.load_full()?;
        (keys.fetched.elapsed() < longest).then_some(keys)
    }

    /// Fetches anew what is no longer fresh. Nobody waits for it.
    pub fn renew(self: &Arc<Self>, runtime: &Handle) {
        let keys = self.keys.load();
        let is_fresh = |keys: &Arc<Keys>| keys.fetched.elapsed() < self.patience.fresh;
        if keys.as_ref().is_some_and(is_fresh) || self.is_renewing.swap(true, Relaxed) {
            return;
        }
        let issuer = self.clone();
        runtime.spawn(async move {
            if issuer.ask(Instant::now()).await.is_err() {
                tokio::time::sleep(RETRY).await;
            }
            issuer.is_renewing.store(false, Relaxed);
        });
    }

    /// The keys, among them the one with this id if there is such a one.
    pub async fn keys(
        self: &Arc<Self>,
        kid: Option<&str>,
        runtime: &Handle,
    ) -> Result<Arc<Keys>, Away> {
        if let Some(keys) = self.usable().filter(|keys| keys.has(kid)) {
            self.renew(runtime);
            return Ok(keys);
        }
        let (issuer, since) = (self.clone(), Instant::now());
        let asking = runtime.spawn(async move { issuer.ask(since).await });
        asking.await.map_err(|_| Away)??;
        self.usable().ok_or(Away)
    }

    /// Asks the issuer, unless somebody else has begun to since.
    async fn ask(&self, since: Instant) -> Result<(), Away> {
        let mut last = self.last.lock().await;
        if last.begun.is_none_or(|begun| begun < since) {
            if let Some(ended) = last.ended {
                let rest = PAUSE.saturating_sub(ended.elapsed());
                if last.failed && !rest.is_zero() {
                    return Err(Away);
                }
                tokio::time::sleep(rest).await;
            }
            last.begun = Some(Instant::now());
            let fetched = tokio::time::timeout(self.patience.answer, self.fetch()).await;
            let fetched = fetched.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            last.ended = Some(Instant::now());
            last.failed = fetched.is_err();
            match fetched {
                Ok(keys) => self.keys.store(Some(Arc::new(keys))),
                Err(reason) => {
                    tracing::warn!(issuer = self.name, "its keys cannot be fetched: {reason}");
                }
            }
        }
        if last.failed { Err(Away) } else { Ok(()) }
    }

    async fn fetch(&self) -> Result<Keys, String> {
        let base = self.name.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let description: Description = get(url.parse().map_err(|_| "not a URL")?).await?;
        // OpenID Connect Discovery 1.0, 4.3: else anybody could speak for anybody.
        if description.issuer != self.name {
            return Err("its description is of another issuer".to_owned());
        }
        if url.starts_with("https:") && description.jwks_uri.scheme() != "https" {
            return Err("`jwks_uri` has to be https, too".to_owned());
        }
        let set: Set = get(description.jwks_uri).await?;
        let before = self.keys.load();
        let known = |source: &Value| {
            let mut list = before.iter().flat_map(|keys| keys.list.iter());
            list.find(|key| key.source == *source).cloned()
        };
        let read = |source: &Value| known(source).or_else(|| PublicKey::new(source).map(Arc::new));
        let list: Vec<Arc<PublicKey>> = set.keys.iter().filter_map(read).take(MAX_KEYS).collect();
        if list.is_empty() {
            return Err("it publishes no key that can be used".to_owned());
        }
        Ok(Keys {
            list,
            fetched: Instant::now(),
        })
    }
}

async fn get<T: serde::de::DeserializeOwned>(url: Url) -> Result<T, String> {
    let body = fetch(url.as_str(), MAX_DOCUMENT).await?;
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}
