//! The floors: axum, and axum with sqlx.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};
use clap::Args;
use sea_orm::sqlx::{
    self, ConnectOptions, Database, Encode, Executor, IntoArguments, Pool, Postgres, Sqlite, Type,
    pool::PoolOptions,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use uuid::Uuid;

use super::{
    What,
    statements::{Bind, Statement},
};

/// Connections of portal-api to PostgreSQL.
const CONNECTIONS: u32 = 10;
/// Readers of SQLite, beside one writer.
const READERS: u32 = 8;

/// Serves the floors until it is killed.
#[derive(Args)]
pub struct Floor {
    #[arg(long)]
    listen: SocketAddr,
    /// Folder with one answer of portal-api per request
    #[arg(long)]
    answers: PathBuf,
    /// PostgreSQL, by URL
    #[arg(long)]
    database: Option<String>,
    /// SQLite, by file
    #[arg(long)]
    file: Option<PathBuf>,
}

struct Answer {
    what: What,
    bytes: Bytes,
    statements: Vec<(String, &'static Statement)>,
}

struct Floors<DB: Database> {
    answers: Vec<Answer>,
    read: Pool<DB>,
    write: Pool<DB>,
}

impl Floor {
    pub async fn run(self) -> anyhow::Result<()> {
        match (&self.database, &self.file) {
            (Some(url), _) => {
                let options = url
                    .parse::<PgConnectOptions>()?
                    .options([("search_path", "wicketgate")])
                    .disable_statement_logging();
                let pool = PoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .test_before_acquire(false)
                    .connect_lazy_with(options);
                self.serve::<Postgres>(pool.clone(), pool).await
            }
            (None, Some(file)) => {
                let pool = |connections| {
                    let options = SqliteConnectOptions::new()
                        .filename(file)
                        .journal_mode(SqliteJournalMode::Wal)
                        .synchronous(SqliteSynchronous::Full)
                        .busy_timeout(Duration::from_secs(5))
                        .statement_cache_capacity(256)
                        .disable_statement_logging();
                    PoolOptions::new()
                        .max_connections(connections)
                        .test_before_acquire(false)
                        .connect_lazy_with(options)
                };
                self.serve::<Sqlite>(pool(READERS), pool(1)).await
            }
            (None, None) => anyhow::bail!("no database"),
        }
    }

    async fn serve<DB: Database>(&self, read: Pool<DB>, write: Pool<DB>) -> anyhow::Result<()>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        DB::Arguments: IntoArguments<DB>,
        for<'q> String: Encode<'q, DB> + Type<DB>,
    {
        let answers = What::ALL
            .into_iter()
            .enumerate()
            .map(|(number, what)| {
                let file = self.answers.join(number.to_string());
                let bytes = std::fs::read(&file).context(file.display().to_string())?;
                Ok(Answer {
                    what,
                    bytes: bytes.into(),
                    statements: prepared(what, self.database.is_some()),
                })
            })
            .collect::<anyhow::Result<_>>()?;
        let floors = Arc::new(Floors {
            answers,
            read,
            write,
        });
        let app = Router::new()
            .route("/bytes/{number}", axum::routing::any(bytes::<DB>))
            .route("/statements/{number}", axum::routing::any(statements::<DB>))
            .with_state(floors);
        let listener = tokio::net::TcpListener::bind(self.listen).await?;
        Ok(axum::serve(listener, app).await?)
    }
}

fn prepared(what: What, postgres: bool) -> Vec<(String, &'static Statement)> {
    what.statements()
        .iter()
        .filter(|statement| postgres || !statement.only_postgres)
        .map(|statement| {
            let sql = if postgres {
                statement.sql.to_owned()
            } else {
                statement.sql.replace("::json", "")
            };
            (sql, statement)
        })
        .collect()
}

impl Answer {
    fn response(&self) -> impl IntoResponse + use<> {
        let status = StatusCode::from_u16(self.what.status()).unwrap_or_default();
        (
            status,
            [(CONTENT_TYPE, "application/json")],
            self.bytes.clone(),
        )
    }
}

async fn bytes<DB: Database>(
    State(floors): State<Arc<Floors<DB>>>,
    Path(number): Path<usize>,
    _body: Bytes,
) -> impl IntoResponse {
    floors.answers[number].response()
}

async fn statements<DB: Database>(
    State(floors): State<Arc<Floors<DB>>>,
    Path(number): Path<usize>,
    _body: Bytes,
) -> impl IntoResponse
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'q> String: Encode<'q, DB> + Type<DB>,
{
    let answer = &floors.answers[number];
    execute(&floors, &answer.statements)
        .await
        .expect("the statements fit the database");
    answer.response()
}

async fn execute<DB: Database>(
    floors: &Floors<DB>,
    statements: &[(String, &Statement)],
) -> Result<(), sqlx::Error>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'q> String: Encode<'q, DB> + Type<DB>,
{
    let id = Uuid::now_v7().simple().to_string();
    let mut transaction = None;
    for (sql, statement) in statements {
        let mut query = sqlx::query::<DB>(sqlx::AssertSqlSafe(sql.as_str()));
        for bind in statement.binds {
            query = query.bind(match bind {
                Bind::Text(text) => (*text).to_owned(),
                Bind::Id => id.clone(),
                Bind::NewId => Uuid::now_v7().to_string(),
            });
        }
        if statement.writes {
            if transaction.is_none() {
                transaction = Some(floors.write.begin().await?);
            }
            let connection = transaction.as_mut().expect("it was begun");
            query.fetch_all(&mut **connection).await?;
        } else {
            let mut connection = floors.read.acquire().await?;
            query.fetch_all(&mut *connection).await?;
        }
    }
    match transaction {
        Some(transaction) => transaction.commit().await,
        None => Ok(()),
    }
}
