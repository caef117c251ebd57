//! Databases that the operator has named (`GATEWAY_DATABASE_<NAME>`), for the plugin that serves
//! statements from them. Their addresses and passwords stay in here.
//!
//! Statements run on the runtime that all workers share, whose connections outlive theirs. A worker
//! that stops waiting, because its client has gone, has the statement cancelled at the database.

mod fault;
#[cfg(feature = "mysql")]
mod mysql;
mod postgres;
mod question;
mod sample;
mod session;
mod sqlite;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use kong::plugins::data_service;
use service::settings;
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use fault::Fault;
pub use question::{Dialect, Limits, Prepared, Question, Reply};

use session::{Address, Session};

const PREFIX: &str = "GATEWAY_DATABASE_";
/// Statements of one database that run at a time, unless its URL says something else.
const CONNECTIONS: usize = 10;
const MAX_CONNECTIONS: usize = 100;
/// A database that takes no connection in this time is away.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a cancelled statement may take to end.
const ENDING: Duration = Duration::from_secs(2);
/// Connections that nobody needs are closed after this time.
const IDLE: Duration = Duration::from_mins(2);

/// Where they are, by name. Contains passwords, so it cannot be shown.
#[derive(Clone, Default)]
pub struct Places(BTreeMap<String, Place>);

#[derive(Clone)]
struct Place {
    address: Address,
    connections: usize,
}

impl Places {
    /// Reads `GATEWAY_DATABASE_*` of the environment.
    pub fn from_env() -> anyhow::Result<Self> {
        let mut places = Self::default();
        for variable in settings::all().into_keys() {
            let Some(name) = variable.strip_prefix(PREFIX) else {
                continue;
            };
            let name = name.strip_suffix("_FILE").unwrap_or(name);
            let variable = format!("{PREFIX}{name}");
            if let Some(url) = settings::secret(&variable)? {
                let added = places.add(&name.to_ascii_lowercase(), &url);
                added.with_context(|| variable.clone())?;
            }
        }
        Ok(places)
    }

    /// Errors say nothing of what stands in the URL.
    pub fn add(&mut self, name: &str, url: &str) -> anyhow::Result<()> {
        data_service::database(name).map_err(anyhow::Error::msg)?;
        let mut connections = CONNECTIONS;
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.strip_prefix("connections=") {
                Some(number) => {
                    let number = number.parse().ok();
                    let number = number.filter(|number| (1..=MAX_CONNECTIONS).contains(number));
                    connections = number.with_context(|| {
                        format!("`connections` has to be a number from 1 to {MAX_CONNECTIONS}")
                    })?;
                }
                None => kept.push(pair),
            }
        }
        let url = if kept.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", kept.join("&"))
        };
        let scheme = url.split(':').next().unwrap_or_default();
        let address = match scheme {
            "postgres" | "postgresql" => {
                let url = Url::parse(&url).ok().filter(Url::has_host);
                let url = url.context("no URL such as postgres://user:password@host:5432/name")?;
                Address::postgres(&url)?
            }
            "sqlite" => Address::sqlite(&url)?,
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => {
                let url = Url::parse(&url).ok().filter(Url::has_host);
                let url = url.context("no URL such as mysql://user:password@host:3306/name")?;
                Address::mysql(&url)?
            }
            #[cfg(not(feature = "mysql"))]
            "mysql" | "mariadb" => bail!(
                "MySQL is not built into this gateway (cargo feature `mysql`); PostgreSQL and \
                 SQLite are"
            ),
            _ => bail!("has to begin with postgres:// or sqlite:"),
        };
        let place = Place {
            address,
            connections,
        };
        self.0.insert(name.to_owned(), place);
        Ok(())
    }
}

/// All of them, with their connections.
pub struct Databases {
    known: HashMap<String, Arc<Database>>,
    runtime: Handle,
}

impl Databases {
    /// On the runtime of the caller.
    pub fn here(places: &Places) -> Self {
        let mut known: HashMap<String, Arc<Database>> = HashMap::new();
        let sample = Place {
            address: Address::sample(),
            connections: 2,
        };
        let places = places.0.iter().map(|(name, place)| (name.clone(), place));
        for (name, place) in [("sample".to_owned(), &sample)].into_iter().chain(places) {
            let database = Database::new(name.clone(), place.clone());
            known.insert(name, Arc::new(database));
        }
        let runtime = Handle::current();
        runtime.spawn(sweep(known.values().map(Arc::downgrade).collect()));
        Self { known, runtime }
    }

    pub fn find(&self, name: &str) -> Option<&Arc<Database>> {
        self.known.get(name)
    }

    /// The answer to a question. Whoever drops this future gives the question up.
    pub async fn ask(&self, database: &Arc<Database>, question: Question) -> Result<Reply, Fault> {
        let gone = CancellationToken::new();
        let _given_up = gone.clone().drop_guard();
        let database = database.clone();
        let asking = self
            .runtime
            .spawn(async move { database.answer(&question, &gone).await });
        asking.await.unwrap_or(Err(Fault::Wrong))
    }
}

/// Closes connections that nobody needs.
async fn sweep(databases: Vec<std::sync::Weak<Database>>) {
    let mut interval = tokio::time::interval(IDLE / 4);
    loop {
        interval.tick().await;
        let living: Vec<_> = databases
            .iter()
            .filter_map(std::sync::Weak::upgrade)
            .collect();
        if living.is_empty() {
            return;
        }
        for database in living {
            for idle in [&database.readers, &database.writers] {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.retain(|(_, since)| since.elapsed() < IDLE);
            }
        }
    }
}

type Idle = Mutex<Vec<(Session, Instant)>>;

/// One of them.
pub struct Database {
    name: String,
    address: Address,
    slots: Semaphore,
    /// Connections on which nothing can be changed.
    readers: Idle,
    writers: Idle,
}

impl Database {
    fn new(name: String, place: Place) -> Self {
        Self {
            name,
            address: place.address,
            slots: Semaphore::new(place.connections),
            readers: Mutex::default(),
            writers: Mutex::default(),
        }
    }

    /// How it wants its statements.
    pub fn dialect(&self) -> Dialect {
        self.address.dialect()
    }

    async fn answer(&self, question: &Question, gone: &CancellationToken) -> Result<Reply, Fault> {
        let deadline = Instant::now() + question.prepared.limits.timeout;
        let slot = timeout_at(deadline, self.slots.acquire()).await;
        let Ok(Ok(_slot)) = slot else {
            return Err(Fault::Busy);
        };
        let writes = question.prepared.writes;
        let idle = if writes { &self.writers } else { &self.readers };
        loop {
            if gone.is_cancelled() {
                return Err(Fault::Late);
            }
            let known = {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.pop()
            };
            let was_known = known.is_some();
            let mut session = match known {
                Some((session, _)) => session,
                None => self.open(writes, deadline).await?,
            };
            // What changes something must not be sent twice, so it is found out before.
            if was_known && writes {
                let is_well = timeout_at(deadline, session.is_well()).await;
                if is_well != Ok(true) {
                    continue;
                }
            }
            let outcome = self.run(&mut session, question, deadline, gone).await;
            if session.is_usable() {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.push((session, Instant::now()));
            }
            match outcome {
                // The database has ended a connection that it knew; it may be well.
                Err(Fault::Broken) if was_known && !writes => {}
                Err(Fault::Broken) => return Err(self.away("it ended the connection")),
                other => return other,
            }
        }
    }

    async fn open(&self, writes: bool, deadline: Instant) -> Result<Session, Fault> {
        let patience = deadline.min(Instant::now() + PATIENCE);
        match timeout_at(patience, Session::open(&self.address, writes)).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(reason)) => Err(self.away(&reason)),
            Err(_) => Err(self.away("it does not answer")),
        }
    }

    fn away(&self, reason: &str) -> Fault {
        tracing::warn!("database `{}` is away: {reason}", self.name);
        Fault::Away
    }

    /// Runs the statement, and cancels it at the database when its time is over or nobody waits.
    async fn run(
        &self,
        session: &mut Session,
        question: &Question,
        deadline: Instant,
        gone: &CancellationToken,
    ) -> Result<Reply, Fault> {
        let cancel = session.cancel();
        let ended = {
            let mut running = std::pin::pin!(session.run(question));
            tokio::select! {
                outcome = &mut running => return outcome.inspect_err(|fault| self.report(fault)),
                () = tokio::time::sleep_until(deadline) => {}
                () = gone.cancelled() => {}
            }
            cancel.cancel(&self.address).await;
            timeout(ENDING, running).await
        };
        match ended {
            // It had ended just before.
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(Fault::Late),
            Err(_) => {
                session.spoil();
                Err(Fault::Late)
            }
        }
    }

    fn report(&self, fault: &Fault) {
        if let Fault::Statement(reason) = fault {
            tracing::error!("a statement at database `{}` failed: {reason}", self.name);
        }
    }
}
