//! Certificates for clients from an authority that speaks ACME (RFC 8555): obtained, kept and renewed
//! without anybody's help.
//!
//! The authority asks each name at port 80 for an answer (HTTP-01). It follows from the account's key
//! alone, so every gateway that has the account gives it, whichever of them has ordered. Nothing
//! waits for the authority: what is kept serves until there is something newer.

mod authority;
mod folder;
mod held;
mod names;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::Arc,
    time::Duration,
};

use instant_acme::Account;
use kong::Kind;
use service::{backoff::Backoff, clock};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    live::Live,
    settings::Acme as Settings,
    store::{Row, Store},
};
use folder::Folder;
use held::Held;

pub use names::Host;
pub use state::State;

/// Longest time between two tries for a name.
const MAX_WAIT: Duration = Duration::from_hours(6);
/// An order that takes longer is given up.
const PATIENCE: Duration = Duration::from_mins(5);
/// The clock may be set, so it is looked at now and then.
const LOOK: Duration = Duration::from_hours(1);

/// Orders what is missing or old.
pub struct Acme {
    settings: Settings,
    folder: Folder,
    store: Store,
    live: Arc<Live>,
    state: Arc<State>,
    account: Option<Account>,
    wanted: BTreeSet<String>,
    held: BTreeMap<String, Held>,
    failed: HashMap<String, Failed>,
}

/// A name whose last order came to nothing.
struct Failed {
    again: Instant,
    backoff: Backoff,
}

impl Acme {
    pub fn new(
        settings: Settings,
        state_dir: &Path,
        store: Store,
        live: Arc<Live>,
        state: Arc<State>,
    ) -> Self {
        Self {
            folder: Folder::new(state_dir, &settings.directory),
            settings,
            store,
            live,
            state,
            account: None,
            wanted: BTreeSet::new(),
            held: BTreeMap::new(),
            failed: HashMap::new(),
        }
    }

    pub async fn run(mut self, stop: CancellationToken) {
        let forever = async {
            if let Ok(Some(kept)) = self.folder.account().await {
                self.state.answer_for(kept.thumbprint);
            }
            loop {
                self.look().await;
                self.order_due().await;
                let live = self.live.clone();
                let changed = live.names_changed.notified();
                let _ = timeout(self.next_look(), changed).await;
            }
        };
        stop.run_until_cancelled(forever).await;
    }

    /// Which names there are now, and what is kept for them.
    async fn look(&mut self) {
        let hosts = self.settings.hosts.clone();
        let found = self.store.read(move |tables| {
            let routes = tables.all(Kind::Route, None);
            let named = routes.flat_map(|route| [texts(route, "hosts"), texts(route, "snis")]);
            let named: Vec<String> = named.flatten().collect();
            let wanted = names::wanted(&hosts, named.iter().map(String::as_str));
            // Somebody else takes care of these.
            let given: Vec<String> = tables
                .all(Kind::Sni, None)
                .filter_map(|sni| Some(sni.text("name")?.to_ascii_lowercase()))
                .collect();
            (wanted, given)
        });
        let Ok((mut wanted, given)) = found.await else {
            return;
        };
        for name in given {
            wanted.remove(&name);
        }
        self.held.retain(|name, _| wanted.contains(name));
        self.failed.retain(|name, _| wanted.contains(name));
        for name in &wanted {
            if !self.held.contains_key(name)
                && let Some(held) = self.folder.certificate(name).await
            {
                self.held.insert(name.clone(), held);
            }
        }
        self.wanted = wanted;
        self.show();
    }

    /// From the next handshake on.
    fn show(&self) {
        let keys = self.held.iter();
        let keys = keys.map(|(name, held)| (name.clone(), held.key.clone()));
        self.live.certificates.manage(keys.collect());
        let expiry = |name: &String| self.held.get(name).map(|held| held.expires);
        let names = self.wanted.iter();
        self.state
            .show(names.map(|name| (name.clone(), expiry(name))).collect());
    }

    async fn order_due(&mut self) {
        let (now, instant) = (clock::now().timestamp(), Instant::now());
        let is_due = |name: &&String| {
            let is_old = self.held.get(*name).is_none_or(|held| held.due <= now);
            let failed = self.failed.get(*name);
            is_old && failed.is_none_or(|failed| failed.again <= instant)
        };
        let due: Vec<String> = self.wanted.iter().filter(is_due).cloned().collect();
        if due.is_empty() {
            return;
        }
        let account = match self.account().await {
            Ok(account) => account,
            Err(reason) => {
                let directory = &self.settings.directory;
                tracing::warn!("no account at the authority {directory}: {reason:#}");
                for name in &due {
                    self.postpone(name);
                }
                return;
            }
        };
        for name in due {
            let ordered = timeout(PATIENCE, authority::order(&account, &name)).await;
            let ordered = ordered.unwrap_or_else(|_| Err(anyhow::anyhow!("it took too long")));
            let kept = match ordered {
                Ok(pem) => self.keep(&name, pem).await,
                Err(reason) => Err(reason),
            };
            match kept {
                Ok(()) => {
                    self.failed.remove(&name);
                    self.show();
                }
                Err(reason) => {
                    // It may have moved; the next order asks anew.
                    self.account = None;
                    if authority::is_unknown(&reason) {
                        let _ = self.folder.forget_account().await;
                    }
                    self.state.count_failure();
                    let wait = self.postpone(&name).as_secs();
                    self.complain(&name, &reason, wait);
                }
            }
        }
    }

    /// The account of this folder, made if there is none yet.
    async fn account(&mut self) -> anyhow::Result<Account> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let account = if let Some(kept) = self.folder.account().await? {
            authority::known(&self.settings, kept.credentials).await?
        } else {
            let (account, kept) = authority::register(&self.settings).await?;
            self.folder.keep_account(&kept).await?;
            tracing::info!("registered at the authority {}", self.settings.directory);
            account
        };
        self.state.answer_for(account.key_thumbprint().to_owned());
        self.account = Some(account.clone());
        Ok(account)
    }

    async fn keep(&mut self, name: &str, pem: String) -> anyhow::Result<()> {
        let held = Held::read(&pem).map_err(anyhow::Error::msg)?;
        self.folder.keep_certificate(name, pem).await?;
        let until = held.expires_at();
        tracing::info!(certificate.name = name, "new certificate until {until}");
        self.held.insert(name.to_owned(), held);
        Ok(())
    }

    fn postpone(&mut self, name: &str) -> Duration {
        let failed = self.failed.entry(name.to_owned()).or_insert(Failed {
            again: Instant::now(),
            backoff: Backoff::new(self.settings.first_wait, MAX_WAIT),
        });
        let wait = failed.backoff.next_delay();
        failed.again = Instant::now() + wait;
        wait
    }

    /// An error as soon as somebody has to act.
    fn complain(&self, name: &str, reason: &anyhow::Error, wait: u64) {
        match self.held.get(name) {
            Some(held) if held.is_urgent(clock::now().timestamp()) => {
                let until = held.expires_at();
                tracing::error!(
                    certificate.name = name,
                    "the certificate ends {until} and is not renewed: {reason:#}; next try in {wait} s"
                );
            }
            _ => tracing::warn!(
                certificate.name = name,
                "no new certificate: {reason:#}; next try in {wait} s"
            ),
        }
    }

    fn next_look(&self) -> Duration {
        let now = clock::now().timestamp();
        let waits = self.wanted.iter().map(|name| {
            let failed = self.failed.get(name);
            let retry = failed.map(|failed| failed.again.saturating_duration_since(Instant::now()));
            retry.unwrap_or_else(|| {
                let due = self.held.get(name).map_or(now, |held| held.due);
                Duration::from_secs(u64::try_from(due - now).unwrap_or_default())
            })
        });
        waits.min().unwrap_or(LOOK).min(LOOK)
    }
}

fn texts(row: &Row, field: &str) -> Vec<String> {
    serde_json::from_value(row.value(field)).unwrap_or_default()
}
