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
pub struct Reader(DatabaseConnection);

impl Reader {
    pub(crate) const fn new(connection: DatabaseConnection) -> Self {
        Self(connection)
    }

    /// For what this does not offer: rows that are read one by one.
    pub const fn connection(&self) -> &DatabaseConnection {
        &self.0
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.0.inner {
            DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
                one(self.0.get_sqlite_connection_pool(), statement).await
            }
            DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                one(self.0.get_postgres_connection_pool(), statement).await
            }
            _ => self.0.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.0.inner {
            DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
                all(self.0.get_sqlite_connection_pool(), statement).await
            }
            DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                all(self.0.get_postgres_connection_pool(), statement).await
            }
            _ => self.0.query_all_raw(statement).await,
        }
    }
}

async fn one<DB>(pool: &Pool<DB>, statement: Statement) -> Result<Option<QueryResult>, DbErr>
where
    DB: sqlx::Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
{
    let mut connection = acquire(pool).await?;
    let row = query(statement).fetch_optional(&mut *connection).await;
    Ok(row.map_err(failed)?.map(QueryResult::from))
}

async fn all<DB>(pool: &Pool<DB>, statement: Statement) -> Result<Vec<QueryResult>, DbErr>
where
    DB: sqlx::Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
{
    let mut connection = acquire(pool).await?;
    let rows = query(statement).fetch_all(&mut *connection).await;
    Ok(rows
        .map_err(failed)?
        .into_iter()
        .map(QueryResult::from)
        .collect())
}

fn query<DB>(statement: Statement) -> sqlx::query::Query<'static, DB, SqlxValues>
where
    DB: sqlx::Database,
    SqlxValues: IntoArguments<DB>,
{
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
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
