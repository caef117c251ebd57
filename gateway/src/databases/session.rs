//! A connection to any of the databases that there are.

use std::time::Duration;

#[cfg(feature = "mysql")]
use super::mysql::{self, MySql};
use anyhow::Context;
#[cfg(feature = "mysql")]
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions};
use tokio::time::timeout;
use url::Url;

use super::{
    Fault, Question, Reply, postgres,
    postgres::Postgres,
    question::Dialect,
    sample,
    sqlite::{self, Sqlite},
};

/// How long asking for the end of a statement may take.
const CANCELLING: Duration = Duration::from_secs(2);

/// How a database is reached.
#[derive(Clone)]
pub enum Address {
    Postgres(Box<PgConnectOptions>),
    Sqlite(Box<SqliteConnectOptions>),
    #[cfg(feature = "mysql")]
    MySql(Box<MySqlConnectOptions>),
    Sample,
}

impl Address {
    pub fn postgres(url: &Url) -> anyhow::Result<Self> {
        // The library's error may contain a part of the URL.
        let options = PgConnectOptions::from_url(url).ok();
        let options = options.context("no URL such as postgres://user:password@host:5432/name")?;
        Ok(Self::Postgres(Box::new(postgres::options(options))))
    }

    #[cfg(feature = "mysql")]
    pub fn mysql(url: &Url) -> anyhow::Result<Self> {
        let options = MySqlConnectOptions::from_url(url).ok();
        let options = options.context("no URL such as mysql://user:password@host:3306/name")?;
        Ok(Self::MySql(Box::new(options.disable_statement_logging())))
    }

    pub fn sqlite(url: &str) -> anyhow::Result<Self> {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = path.strip_prefix("//").unwrap_or(path);
        anyhow::ensure!(
            !path.is_empty() && path != ":memory:" && !path.contains('?'),
            "no file such as sqlite:/var/lib/shop/shop.db"
        );
        Ok(Self::Sqlite(Box::new(sqlite::options(path))))
    }

    pub const fn sample() -> Self {
        Self::Sample
    }

    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite(_) | Self::Sample => Dialect::Sqlite,
            #[cfg(feature = "mysql")]
            Self::MySql(_) => Dialect::MySql,
        }
    }
}

pub enum Session {
    Postgres(Postgres),
    Sqlite(Sqlite),
    #[cfg(feature = "mysql")]
    MySql(MySql),
}

impl Session {
    /// The reason says nothing of passwords.
    pub async fn open(address: &Address, writes: bool) -> Result<Self, String> {
        let opened = match address {
            Address::Postgres(options) => Postgres::open(options, writes).await.map(Self::Postgres),
            Address::Sqlite(options) => Sqlite::open(options, writes).await.map(Self::Sqlite),
            #[cfg(feature = "mysql")]
            Address::MySql(options) => MySql::open(options, writes).await.map(Self::MySql),
            Address::Sample => sample::open().await.map(Self::Sqlite),
        };
        opened.map_err(|error| error.to_string())
    }

    pub async fn run(&mut self, question: &Question) -> Result<Reply, Fault> {
        match self {
            Self::Postgres(session) => session.run(question).await,
            Self::Sqlite(session) => session.run(question).await,
            #[cfg(feature = "mysql")]
            Self::MySql(session) => session.run(question).await,
        }
    }

    /// Whether the database still knows it.
    pub async fn is_well(&mut self) -> bool {
        match self {
            Self::Postgres(session) => session.connection.ping().await.is_ok(),
            Self::Sqlite(session) => session.connection.ping().await.is_ok(),
            #[cfg(feature = "mysql")]
            Self::MySql(session) => session.connection.ping().await.is_ok(),
        }
    }

    /// Whether another statement can run on it.
    pub const fn is_usable(&self) -> bool {
        match self {
            Self::Postgres(session) => session.is_usable,
            Self::Sqlite(session) => session.is_usable,
            #[cfg(feature = "mysql")]
            Self::MySql(session) => session.is_usable,
        }
    }

    /// Nobody knows what it does.
    pub const fn spoil(&mut self) {
        match self {
            Self::Postgres(session) => session.is_usable = false,
            Self::Sqlite(session) => session.is_usable = false,
            #[cfg(feature = "mysql")]
            Self::MySql(session) => session.is_usable = false,
        }
    }

    /// What ends the statement that runs on it.
    pub fn cancel(&self) -> Cancel {
        match self {
            Self::Postgres(session) => Cancel::Backend(session.backend),
            Self::Sqlite(session) => Cancel::Flag(session.interrupted.clone()),
            #[cfg(feature = "mysql")]
            Self::MySql(session) => Cancel::Thread(session.thread),
        }
    }
}

pub enum Cancel {
    Backend(i32),
    Flag(sqlite::Interrupted),
    #[cfg(feature = "mysql")]
    Thread(u64),
}

impl Cancel {
    pub async fn cancel(self, address: &Address) {
        let cancelling = async {
            match (self, address) {
                (Self::Backend(backend), Address::Postgres(options)) => {
                    postgres::cancel(options, backend).await
                }
                #[cfg(feature = "mysql")]
                (Self::Thread(thread), Address::MySql(options)) => {
                    mysql::cancel(options, thread).await
                }
                (Self::Flag(flag), _) => {
                    sqlite::interrupt(&flag);
                    Ok(())
                }
                _ => Ok(()),
            }
        };
        match timeout(CANCELLING, cancelling).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("a statement cannot be cancelled: {error}"),
            Err(_) => {
                tracing::warn!("a statement cannot be cancelled: the database does not answer");
            }
        }
    }
}
