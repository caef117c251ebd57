//! Looking at a database without changing it, for those who want to know what is wrong.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::MigratorTrait;

use crate::{Location, database, files};

/// What there is to see.
#[derive(Debug)]
pub struct Seen {
    /// The server's own words; nothing for a file.
    pub server: Option<String>,
    /// The server's clock.
    pub now: Option<DateTime<Utc>>,
    /// Migrations that the next start runs.
    pub pending: usize,
    /// Migrations that only a newer release knows.
    pub unknown: Vec<String>,
}

/// Looks at a database that exists.
pub async fn look<M: MigratorTrait>(location: &Location) -> Result<Seen, DbErr> {
    let connection = match location {
        Location::Sqlite(path) => {
            files::check_file(path).await?;
            files::read_file(path).await?
        }
        Location::Postgres(url) => database::connect_postgres(url.as_str()).await?,
    };
    let seen = see::<M>(&connection, matches!(location, Location::Postgres(_))).await;
    connection.close().await?;
    seen
}

async fn see<M: MigratorTrait>(db: &DatabaseConnection, is_server: bool) -> Result<Seen, DbErr> {
    let (mut server, mut now) = (None, None);
    if is_server {
        let row = rows(db, "select version(), now()".to_owned()).await?;
        if let Some(row) = row.first() {
            server = Some(row.try_get_by_index(0)?);
            now = Some(row.try_get_by_index(1)?);
        }
    }
    let (applied, known) = (applied::<M>(db).await, known::<M>());
    Ok(Seen {
        server,
        now,
        pending: known.difference(&applied).count(),
        unknown: applied.difference(&known).cloned().collect(),
    })
}

/// Whether a database has all that this release knows.
pub async fn is_complete<M: MigratorTrait>(db: &DatabaseConnection) -> bool {
    known::<M>().is_subset(&applied::<M>(db).await)
}

/// Before the first start there is no such table.
async fn applied<M: MigratorTrait>(db: &DatabaseConnection) -> BTreeSet<String> {
    let table = M::migration_table_name().to_string();
    let rows = rows(db, format!("select version from {table}")).await;
    let rows = rows.unwrap_or_default();
    rows.iter()
        .filter_map(|row| row.try_get_by_index(0).ok())
        .collect()
}

fn known<M: MigratorTrait>() -> BTreeSet<String> {
    let migrations = M::migrations();
    let names = migrations.iter().map(|migration| migration.name());
    names.map(str::to_owned).collect()
}

async fn rows(db: &DatabaseConnection, sql: String) -> Result<Vec<sea_orm::QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
}
