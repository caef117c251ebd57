use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr,
    IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use sea_orm_migration::MigratorTrait;
use tracing::log::LevelFilter;

use crate::{Location, Reader, look, reader::Observer};

/// Schema that holds our tables on `PostgreSQL` (static-config 24.1).
const SCHEMA: &str = "wicketgate";
/// Key of the advisory lock under which one process at a time migrates.
const MIGRATION_LOCK: i64 = 0x5769_636b_6574;
/// Readers of one `SQLite` file.
const SQLITE_READERS: u32 = 8;
/// Rows that [`Database::in_chunks`] touches in one transaction; keeps each below 20 ms.
const CHUNK: u64 = 500;
/// How long a request waits for a connection before it is answered 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use the folder `{}`: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("`{}` is in use by another process; one database file has one owner, so stop that one first", .0.display())]
    InUse(PathBuf),
    #[error("{location}: {source}")]
    Database {
        location: Location,
        /// Boxed, because it is large and every result carries room for it.
        source: Box<DbErr>,
    },
}

impl OpenError {
    /// Whether waiting may help: a server that is away comes back, a read-only folder does not.
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Database {
                location: Location::Postgres(_),
                ..
            }
        )
    }
}

/// An open database. Cheap to clone.
///
/// On `SQLite` reads use a pool of read-only connections and writes one queued connection: two
/// writing connections on one file block each other for seconds.
#[derive(Clone, Debug)]
pub struct Database {
    read: Reader,
    write: DatabaseConnection,
    /// Held as long as any clone lives; the lock keeps a second process off the file.
    _lock: Option<Arc<File>>,
}

impl Database {
    /// Opens `location`, makes the file or schema when missing and runs the migrations `M`.
    pub async fn open<M: MigratorTrait>(
        location: &Location,
        connections: u32,
    ) -> Result<Self, OpenError> {
        let database = match location {
            Location::Sqlite(path) => open_sqlite::<M>(path).await,
            Location::Postgres(url) => open_postgres::<M>(url.as_str(), connections)
                .await
                .map_err(OpenFailure::Database),
        };
        database.map_err(|failure| match failure {
            OpenFailure::Open(error) => error,
            OpenFailure::Database(source) => OpenError::Database {
                location: location.clone(),
                source: Box::new(source),
            },
        })
    }

    /// Tells `observer` of every statement from now on.
    #[must_use]
    pub fn observed(mut self, observer: Observer) -> Self {
        self.write.set_metric_callback(move |statement| {
            observer(
                &statement.statement.sql,
                statement.elapsed,
                statement.failed,
            );
        });
        self.read = self.read.observed(observer);
        self
    }

    /// For reads outside a transaction.
    pub const fn read(&self) -> &Reader {
        &self.read
    }

    /// Begins a transaction that only reads and sees the database as of one moment: on `SQLite` by
    /// the write-ahead log, on `PostgreSQL` by the isolation level.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let mut options = TransactionOptions::default();
        if self.is_shared() {
            options.isolation_level = Some(IsolationLevel::RepeatableRead);
            options.access_mode = Some(AccessMode::ReadOnly);
        }
        self.read.connection().begin_with_options(options).await
    }

    /// Begins a writing transaction. Nothing is kept unless it is committed.
    pub async fn write(&self) -> Result<DatabaseTransaction, DbErr> {
        // `IMMEDIATE`: a deferred transaction that first reads and then writes can fail half-way.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await
    }

    /// Repeats a statement whose last parameter is the most rows that it may touch, each time in a
    /// transaction of its own, until it finds fewer; how many it touched.
    pub async fn in_chunks(&self, sql: &str, values: &[Value]) -> Result<u64, DbErr> {
        let mut all = 0;
        loop {
            let mut values = values.to_vec();
            values.push(CHUNK.cast_signed().into());
            let txn = self.write().await?;
            let backend = txn.get_database_backend();
            let statement = Statement::from_sql_and_values(backend, sql, values);
            let touched = txn.execute_raw(statement).await?.rows_affected();
            txn.commit().await?;
            all += touched;
            if touched < CHUNK {
                return Ok(all);
            }
        }
    }

    /// Whether several processes may share this database.
    pub fn is_shared(&self) -> bool {
        self.read.get_database_backend() == sea_orm::DbBackend::Postgres
    }

    /// The pool of `PostgreSQL`, for `LISTEN`; nothing on `SQLite`.
    pub fn postgres_pool(&self) -> Option<&sea_orm::sqlx::PgPool> {
        self.is_shared()
            .then(|| self.write.get_postgres_connection_pool())
    }
}

enum OpenFailure {
    Open(OpenError),
    Database(DbErr),
}

impl From<DbErr> for OpenFailure {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

async fn open_sqlite<M: MigratorTrait>(path: &Path) -> Result<Database, OpenFailure> {
    let lock = lock_file(path).map_err(OpenFailure::Open)?;
    let write = connect(&sqlite_options(path, false)).await?;
    migrate::<M>(&write).await?;
    // The file exists from here on, so readers may be strictly read-only.
    let read = connect(&sqlite_options(path, true)).await?;
    Ok(Database {
        read: Reader::new(read),
        write,
        _lock: Some(Arc::new(lock)),
    })
}

/// Locks `<file>.lock` beside the database, as whoever uses it does.
pub fn lock_file(path: &Path) -> Result<File, OpenError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder_error = |source| OpenError::Folder {
        path: folder.unwrap_or(Path::new(".")).to_owned(),
        source,
    };
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(folder_error)?;
    }
    let lock_path = path.with_extension("lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_path)
        .map_err(folder_error)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(folder_error(source)),
    }
}

fn sqlite_options(path: &Path, read_only: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(format!("sqlite://{}", path.display()));
    let path = path.to_owned();
    options
        .max_connections(if read_only { SQLITE_READERS } else { 1 })
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging_level(LevelFilter::Trace)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |_: SqliteConnectOptions| {
            SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(!read_only)
                .read_only(read_only)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                // An acknowledged write survives the loss of power.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
                .statement_cache_capacity(256)
        });
    options
}

async fn open_postgres<M: MigratorTrait>(url: &str, connections: u32) -> Result<Database, DbErr> {
    let migrating = connect(&postgres_options(url, 1)).await?;
    // One connection, so the session that holds the lock is the one that migrates: several
    // instances may start at once, and sea-orm's migrator takes no lock of its own.
    migrating
        .execute_unprepared(&format!("select pg_advisory_lock({MIGRATION_LOCK})"))
        .await?;
    let migrated = migrate_postgres::<M>(&migrating).await;
    migrating.close().await?;
    migrated?;
    let pool = connect(&postgres_options(url, connections)).await?;
    Ok(Database {
        read: Reader::new(pool.clone()),
        write: pool,
        _lock: None,
    })
}

async fn migrate_postgres<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<(), DbErr> {
    connection
        .execute_unprepared(&format!("create schema if not exists {SCHEMA}"))
        .await?;
    migrate::<M>(connection).await
}

/// Runs what is missing. Where nothing is, a newer release may have gone further already: its
/// migrations let this one work on, while both run side by side and after a way back.
async fn migrate<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<(), DbErr> {
    if look::is_complete::<M>(connection).await {
        return Ok(());
    }
    M::up(connection, None).await
}

fn postgres_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_mins(2))
        .set_schema_search_path(SCHEMA)
        .set_application_name("wicketgate")
        .sqlx_logging_level(LevelFilter::Trace)
        // Asking first would double the round trips. A connection that broke while it was idle
        // for long is noticed, and one request's error makes the pool drop it.
        .test_before_acquire_if_idle_for(Duration::from_secs(5));
    options
}

/// One connection that runs no migrations.
pub(crate) async fn connect_postgres(url: &str) -> Result<DatabaseConnection, DbErr> {
    connect(&postgres_options(url, 1)).await
}

async fn connect(options: &ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    sea_orm::Database::connect(options.clone()).await
}
