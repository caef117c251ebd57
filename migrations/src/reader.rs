use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseConnectionType, DbBackend, DbErr,
    ExecResult, QueryResult, RuntimeErr, Statement, Values,
    sqlx::{self, AssertSqlSafe, Executor, IntoArguments, Pool, pool::PoolConnection},
};
use sea_query_sqlx::SqlxValues;

/// Reads outside a transaction.
///
/// Statements are built and rows are read by sea-orm; between the two this goes to the driver
/// itself. In sea-orm's own futures the driver's work is nested several times over, each time with
/// room for twice what is inside: some 100 kB, moved four times for each statement, took as long as
/// the statement.
#[derive(Clone, Debug)]
pub struct Reader {
    connection: DatabaseConnection,
    observer: Option<Observer>,
}

/// Gets the text of a statement, how long it took, and whether it failed.
pub type Observer = fn(sql: &str, elapsed: Duration, failed: bool);

impl Reader {
    pub(crate) const fn new(connection: DatabaseConnection) -> Self {
        Self {
            connection,
            observer: None,
        }
    }

    pub(crate) fn observed(self, observer: Observer) -> Self {
        Self {
            observer: Some(observer),
            ..self
        }
    }

    /// For what this does not offer: rows that are read one by one.
    pub const fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.connection.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.connection.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.connection.inner {
            DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
                one(
                    self.connection.get_sqlite_connection_pool(),
                    statement,
                    self.observer,
                )
                .await
            }
            DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                one(
                    self.connection.get_postgres_connection_pool(),
                    statement,
                    self.observer,
                )
                .await
            }
            DatabaseConnectionType::Disconnected => self.connection.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.connection.inner {
            DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
                all(
                    self.connection.get_sqlite_connection_pool(),
                    statement,
                    self.observer,
                )
                .await
            }
            DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                all(
                    self.connection.get_postgres_connection_pool(),
                    statement,
                    self.observer,
                )
                .await
            }
            DatabaseConnectionType::Disconnected => self.connection.query_all_raw(statement).await,
        }
    }
}

async fn one<DB>(
    pool: &Pool<DB>,
    statement: Statement,
    observer: Option<Observer>,
) -> Result<Option<QueryResult>, DbErr>
where
    DB: sqlx::Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
{
    let mut connection = acquire(pool).await?;
    let started = Instant::now();
    let (sql, values) = parts(statement);
    let row = sqlx::query_with(AssertSqlSafe(sql.clone()), values)
        .fetch_optional(&mut *connection)
        .await;
    if let Some(observer) = observer {
        observer(&sql, started.elapsed(), row.is_err());
    }
    Ok(row.map_err(failed)?.map(QueryResult::from))
}

async fn all<DB>(
    pool: &Pool<DB>,
    statement: Statement,
    observer: Option<Observer>,
) -> Result<Vec<QueryResult>, DbErr>
where
    DB: sqlx::Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
{
    let mut connection = acquire(pool).await?;
    let started = Instant::now();
    let (sql, values) = parts(statement);
    let rows = sqlx::query_with(AssertSqlSafe(sql.clone()), values)
        .fetch_all(&mut *connection)
        .await;
    if let Some(observer) = observer {
        observer(&sql, started.elapsed(), rows.is_err());
    }
    Ok(rows
        .map_err(failed)?
        .into_iter()
        .map(QueryResult::from)
        .collect())
}

fn parts(statement: Statement) -> (Arc<str>, SqlxValues) {
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    (statement.sql.into(), SqlxValues(values))
}

async fn acquire<DB: sqlx::Database>(pool: &Pool<DB>) -> Result<PoolConnection<DB>, DbErr> {
    pool.acquire().await.map_err(|error| match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    })
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
