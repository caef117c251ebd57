//! Revocation lists at addresses: fetched when first needed, renewed behind the calls' backs. They
//! are signed, so it does not matter how they come.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use rustls::pki_types::CertificateRevocationListDer;
use tokio::runtime::Handle;

use super::{is_list, revocation_lists};
use crate::plugins::{
    fetch,
    shared::{Known, one_for},
};

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two questions to a server that does not answer as it should.
const RETRY: Duration = Duration::from_secs(10);
/// Large authorities have lists of some MB.
const MAX_LIST: usize = 16 << 20;

type Der = CertificateRevocationListDer<'static>;

/// One address.
pub struct Source {
    url: String,
    fresh: Duration,
    lists: ArcSwapOption<Lists>,
    /// When it was asked in vain.
    failed: tokio::sync::Mutex<Option<Instant>>,
    is_renewing: AtomicBool,
}

/// What was there. Counts until there is something newer.
pub struct Lists {
    pub lists: Vec<Der>,
    fetched: Instant,
}

impl Source {
    /// One per address, however many plugins name it.
    pub fn known(url: &str, fresh: Duration) -> Arc<Self> {
        static ALL: Known<(String, Duration), Source> = Mutex::new(None);
        one_for(&ALL, (url.to_owned(), fresh), |(url, fresh)| Self {
            url: url.clone(),
            fresh: *fresh,
            lists: ArcSwapOption::empty(),
            failed: tokio::sync::Mutex::default(),
            is_renewing: AtomicBool::new(false),
        })
    }

    pub fn lists(&self) -> Option<Arc<Lists>> {
        self.lists.load_full()
    }

    /// Waits only for the first lists; older ones are renewed meanwhile.
    pub async fn prepare(self: &Arc<Self>, runtime: &Handle) {
        let Some(lists) = self.lists() else {
            let source = self.clone();
            let _ = runtime.spawn(async move { source.ask().await }).await;
            return;
        };
        if lists.fetched.elapsed() < self.fresh || self.is_renewing.swap(true, Relaxed) {
            return;
        }
        let source = self.clone();
        runtime.spawn(async move {
            if !source.ask().await {
                tokio::time::sleep(RETRY.min(source.fresh)).await;
            }
            source.is_renewing.store(false, Relaxed);
        });
    }

    /// Whether there are lists that are fresh.
    async fn ask(&self) -> bool {
        // Held, so that all who wait get what the first one is told.
        let mut failed = self.failed.lock().await;
        let lists = self.lists();
        if lists.is_some_and(|lists| lists.fetched.elapsed() < self.fresh) {
            return true;
        }
        let pause = RETRY.min(self.fresh);
        if failed.is_some_and(|failed| failed.elapsed() < pause) {
            return false;
        }
        let fetched = tokio::time::timeout(PATIENCE, fetch(&self.url)).await;
        let fetched = fetched.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        *failed = fetched.is_err().then(Instant::now);
        match fetched {
            Ok(lists) => {
                let fetched = Instant::now();
                self.lists.store(Some(Arc::new(Lists { lists, fetched })));
                true
            }
            Err(reason) => {
                let url = &self.url;
                tracing::warn!("the revocation list at {url} cannot be fetched: {reason}");
                false
            }
        }
    }
}

/// DER, as authorities publish them, or PEM.
async fn fetch(url: &str) -> Result<Vec<Der>, String> {
    let body = fetch::fetch(url, MAX_LIST).await?;
    if is_list(&body) {
        return Ok(vec![Der::from(body.to_vec())]);
    }
    match std::str::from_utf8(&body) {
        Ok(text) => revocation_lists([text].into_iter()),
        Err(_) => Err("it is none".to_owned()),
    }
}
