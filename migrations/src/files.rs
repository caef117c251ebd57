//! Copies of `SQLite` files, for backups.

use std::{path::Path, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement,
    sqlx::sqlite::SqliteConnectOptions,
};
use tracing::log::LevelFilter;

/// Copies a database that others may be writing to, as of one moment. `to` must not exist.
pub async fn copy_file(from: &Path, to: &Path) -> Result<(), DbErr> {
    let source = read_file(from).await?;
    let target = to
        .to_str()
        .ok_or_else(|| DbErr::Custom(format!("the name of {} is no text", to.display())))?;
    let copy = Statement::from_sql_and_values(DbBackend::Sqlite, "vacuum into ?", [target.into()]);
    let copied = source.execute_raw(copy).await;
    source.close().await?;
    copied.map(drop)
}

/// Whether a file is a whole database. Says what is wrong with it.
pub async fn check_file(path: &Path) -> Result<(), DbErr> {
    let database = read_file(path).await?;
    let check = Statement::from_string(DbBackend::Sqlite, "pragma quick_check(1)");
    let found = database.query_one_raw(check).await;
    database.close().await?;
    let found: Option<String> = match found? {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    match found.as_deref() {
        Some("ok") => Ok(()),
        found => Err(DbErr::Custom(
            found.unwrap_or("it cannot be checked").to_owned(),
        )),
    }
}

/// One connection that changes nothing, not even the journal.
pub(crate) async fn read_file(path: &Path) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(format!("sqlite://{}", path.display()));
    let path = path.to_owned();
    options
        .max_connections(1)
        .sqlx_logging_level(LevelFilter::Trace)
        .map_sqlx_sqlite_opts(move |_: SqliteConnectOptions| {
            SqliteConnectOptions::new()
                .filename(&path)
                .read_only(true)
                .busy_timeout(Duration::from_secs(30))
        });
    sea_orm::Database::connect(options).await
}
