//! The database of the sample configuration: a small shop in memory, so that there is nothing to set
//! up. Each connection has its own, and nothing in it can be changed.

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::sqlite::Sqlite;

const CONTENT: &str = include_str!("sample.sql");

pub async fn open() -> Result<Sqlite, sqlx::Error> {
    let options = SqliteConnectOptions::new().in_memory(true);
    let options = options.disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(CONTENT).execute(&mut connection).await?;
    sqlx::query("pragma query_only = on")
        .execute(&mut connection)
        .await?;
    Sqlite::new(connection).await
}
