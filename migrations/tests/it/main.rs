//! The schema as a whole, and whole databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod files;
mod transfer;
mod upgrade;

use std::path::Path;

use migrations::{Database, Location, auth_server, portal_api};
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::MigratorTrait;

/// `docs/database.md` has a row for each table, with all its columns.
#[tokio::test]
async fn every_table_and_column_is_documented() {
    let folder = tempfile::tempdir().unwrap();
    let described = std::fs::read_to_string("../docs/database.md").unwrap();
    let mut tables = schema::<portal_api::Migrator>(&folder.path().join("portal-api.db")).await;
    tables.extend(schema::<auth_server::Migrator>(&folder.path().join("auth-server.db")).await);
    assert!(tables.len() > 30);
    for (table, columns) in tables {
        let row = described
            .lines()
            .find(|line| line.starts_with(&format!("| `{table}` |")))
            .unwrap_or_else(|| panic!("`{table}` is not in docs/database.md"));
        for column in columns {
            assert!(row.contains(&format!("`{column}`")), "{table}.{column}");
        }
    }
}

async fn schema<M: MigratorTrait>(file: &Path) -> Vec<(String, Vec<String>)> {
    let database = Database::open::<M>(&Location::Sqlite(file.to_owned()), 1)
        .await
        .expect("an empty file");
    let texts = async |sql: String| {
        let statement = Statement::from_string(database.read().get_database_backend(), sql);
        let rows = database.read().query_all_raw(statement).await;
        let rows = rows.expect("a table of SQLite");
        let texts = rows
            .iter()
            .map(|row| row.try_get_by_index(0).expect("a text"));
        texts.collect::<Vec<String>>()
    };
    let sql = "select name from sqlite_master where type in ('table', 'view') \
               and name not like 'sqlite_%'";
    let mut found = Vec::new();
    for table in texts(sql.to_owned()).await {
        let columns = texts(format!("select name from pragma_table_info('{table}')")).await;
        found.push((table, columns));
    }
    found
}
