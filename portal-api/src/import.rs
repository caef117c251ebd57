//! Taking over the data of a wicked installation (portal-api 27): from its PostgreSQL schema or from
//! its file store. The source is only read.
//!
//! Everything happens in one transaction, which a dry run takes back. Ids stay, so an import can be
//! repeated: what is newer there replaces what is here, what was changed here since stays. Nothing
//! is left out without a line in the report.

mod applications;
mod catalogue;
mod folder;
mod object;
mod old;
mod people;
mod postgres;
mod report;
mod store;
mod subscriptions;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use config::{Configuration, crypto::ConfigKey};
use migrations::{Database, Location};
use sea_orm::DatabaseTransaction;
use serde_json::json;
use service::keys::Keys;
use url::Url;

pub use old::Prefixes;
pub use report::Report;

use crate::{
    AppState, Settings,
    audit::{self, Actor, Entry},
    credentials::secret::SecretKeys,
    master_key,
};
use object::Object;

/// Where the data comes from.
#[derive(Clone, Debug)]
pub enum Source {
    Postgres(Url),
    Folder(PathBuf),
}

impl Source {
    /// `postgres://…`, or a folder.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            let url = Url::parse(text).context("the address of the database cannot be read")?;
            return Ok(Self::Postgres(url));
        }
        let folder = PathBuf::from(text);
        if !folder.is_dir() {
            bail!("{text} is neither a postgres:// address nor a folder");
        }
        Ok(Self::Folder(folder))
    }
}

/// How an import is done.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Everything is done and then taken back.
    pub dry_run: bool,
    /// Credentials that cannot be decrypted are left out instead of ending the import.
    pub skip_unreadable: bool,
    /// For data from before 1.0: what became of the old prefixes of custom ids.
    pub prefixes: Prefixes,
}

/// What the source holds, record by record, as its API would show them.
#[derive(Debug, Default)]
struct Found {
    /// Written before 1.0.
    is_old: bool,
    users: Vec<Object>,
    registrations: Vec<Object>,
    namespaces: Vec<Object>,
    applications: Vec<Object>,
    owners: Vec<Object>,
    subscriptions: Vec<Object>,
    approvals: Vec<Object>,
    verifications: Vec<Object>,
    grants: Vec<Object>,
    listeners: Vec<Object>,
    /// Events that nobody has acknowledged, and records of the audit log.
    events: usize,
    audit_records: usize,
}

/// What every part of an import needs.
struct Import<'a> {
    txn: &'a DatabaseTransaction,
    state: &'a AppState,
    configuration: Arc<Configuration>,
    keys: SecretKeys,
    /// `PORTAL_API_AESKEY`
    old_key: Option<ConfigKey>,
    skip_unreadable: bool,
    report: Report,
    actor: Actor,
}

/// Imports `source` into the database at `target`, which no running portal-api may use.
pub async fn run(
    source: &Source,
    options: &Options,
    target: Location,
    keys: Keys,
    configuration: Arc<Configuration>,
) -> anyhow::Result<Report> {
    let mut found = match source {
        Source::Postgres(url) => postgres::read(url).await?,
        Source::Folder(folder) => {
            let folder = folder.clone();
            tokio::task::spawn_blocking(move || folder::read(&folder)).await??
        }
    };
    let mut report = Report::default();
    if found.is_old {
        old::upgrade(&mut found, &options.prefixes, &mut report)?;
    }
    let settings = Settings::for_tools(target, keys, configuration.clone());
    let db = Database::open::<migrations::portal_api::Migrator>(&settings.database, 2).await?;
    master_key::check(&db, &settings.keys).await?;
    let state = AppState::for_tools(&settings, db);
    let txn = state.db.write().await?;
    let mut import = Import {
        txn: &txn,
        state: &state,
        keys: SecretKeys::new(&state.keys)?,
        old_key: configuration.import_key.clone(),
        configuration,
        skip_unreadable: options.skip_unreadable,
        report,
        actor: Actor::operator(),
    };
    import.everything(found).await?;
    let report = import.report;
    if options.dry_run {
        txn.rollback().await?;
    } else {
        txn.commit().await?;
    }
    Ok(report)
}

impl Import<'_> {
    /// In the order in which one record needs the other.
    async fn everything(&mut self, found: Found) -> anyhow::Result<()> {
        self.check_keys(&found)?;
        let users = self.users(found.users).await?;
        self.registrations(found.registrations, &users).await?;
        self.namespaces(found.namespaces).await?;
        let applications = self
            .applications(found.applications, found.owners, &users)
            .await?;
        let pending = self
            .subscriptions(found.subscriptions, &applications)
            .await?;
        self.approvals(found.approvals, &pending).await?;
        self.grants(found.grants, &users, &applications).await?;
        self.verifications(found.verifications, &users).await?;
        for listener in found.listeners {
            self.report.note(
                "listener",
                listener.id(),
                "not taken over: listeners register again",
            );
        }
        if found.events > 0 {
            let what = format!(
                "{} events were not acknowledged and are not taken over",
                found.events
            );
            self.report.note("event", "", what);
        }
        if found.audit_records > 0 {
            let what = format!("{} records stay in the old log", found.audit_records);
            self.report.note("auditlog", "", what);
        }
        let entry = Entry::new(self.actor.clone(), "import", "done");
        let entry = entry.with_data(json!({"counts": self.report.counts()}));
        audit::record(self.txn, self.state, entry).await?;
        Ok(())
    }
}
