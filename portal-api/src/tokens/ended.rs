//! The auth server's list of access tokens that ended before their time. It is followed by a long
//! poll, so a token that ends is refused here within a second; while the auth server is away tokens
//! count until they end by themselves, and the metric says how old the list is.

use std::{sync::RwLock, time::Duration};

use service::{
    ServiceName,
    backoff::Backoff,
    clock,
    keys::Keys,
    revocations::{AGE, Names, RevocationList, Source},
    token::Identity,
};
use tokio::time::Instant;
use url::Url;

pub struct Ended {
    source: Source,
    list: RwLock<RevocationList>,
}

/// An auth server that starts, or starts anew, is nothing to report.
const SHORT: Duration = Duration::from_secs(10);

const fn pauses() -> Backoff {
    Backoff::new(Duration::from_millis(50), Duration::from_secs(2))
}

impl Ended {
    pub fn new(auth_server: &Url, keys: &Keys) -> Self {
        let identity = Identity::new(ServiceName::PortalApi, keys.clone());
        Self {
            source: Source::new(auth_server, identity),
            list: RwLock::default(),
        }
    }

    pub fn contains(&self, token: Names) -> bool {
        self.list
            .read()
            .expect("no holder of this lock panics")
            .contains(token)
    }

    /// Goes on until it is dropped.
    pub async fn follow(&self) {
        let (mut after, mut heard) = (0, Instant::now());
        let (mut backoff, mut is_away) = (pauses(), false);
        loop {
            match self.source.after(after).await {
                Ok(feed) => {
                    let mut list = self.list.write().expect("no holder of this lock panics");
                    // It answers what was asked for, so nothing can be missing in between.
                    after = match list.apply(&feed, clock::now().timestamp()) {
                        Ok(()) => feed.seq,
                        Err(_) => 0,
                    };
                    (heard, backoff, is_away) = (Instant::now(), pauses(), false);
                    metrics::gauge!(AGE).set(0.0);
                }
                Err(error) => {
                    if !is_away && heard.elapsed() > SHORT {
                        tracing::warn!("it is not known which access tokens have ended: {error}");
                        is_away = true;
                    }
                    metrics::gauge!(AGE).set(heard.elapsed().as_secs_f64());
                    backoff.wait().await;
                }
            }
        }
    }
}
