//! From `SQLite` to `PostgreSQL`: every row of both databases, or none.
//!
//! `SQLite` writes rows as JSON and `PostgreSQL` reads them into its own types, so no table has to be
//! known here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement, Value,
};
use sea_orm_migration::MigratorTrait;
use url::Url;

use crate::{Database, Location, OpenError, auth_server, portal_api};

/// Rows of one statement.
const BATCH: u32 = 500;
/// Connections to the server; one does the work.
const CONNECTIONS: u32 = 2;

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("there is no database `{}`", .0.display())]
    NoSource(PathBuf),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the target has rows in `{0}` already; name an empty database")]
    NotEmpty(String),
    #[error("the tables reference each other in a circle: {0:?}")]
    Circle(Vec<String>),
    #[error("table `{table}`")]
    Table { table: String, source: DbErr },
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// Moves the databases of portal-api and auth server into one `PostgreSQL` database, which is made
/// ready for them. Tells the rows of each table. The files stay as they are.
pub async fn to_postgres(
    portal_api: &Path,
    auth_server: &Path,
    target: &Url,
) -> Result<BTreeMap<String, u64>, TransferError> {
    let target = Location::Postgres(target.clone());
    let portal_api = source::<portal_api::Migrator>(portal_api).await?;
    let auth_server = source::<auth_server::Migrator>(auth_server).await?;
    // Both migrators, one after the other; the tables are in one schema.
    Database::open::<portal_api::Migrator>(&target, CONNECTIONS).await?;
    let target = Database::open::<auth_server::Migrator>(&target, CONNECTIONS).await?;
    let txn = target.write().await?;
    let columns = columns(&txn).await?;
    let order = order(&txn, columns.keys()).await?;
    let mut moved = BTreeMap::new();
    for source in [&portal_api, &auth_server] {
        let tables = tables(source).await?;
        for table in order.iter().filter(|table| tables.contains(*table)) {
            let at_table = |source| TransferError::Table {
                table: table.clone(),
                source,
            };
            if count(&txn, table).await? > 0 {
                return Err(TransferError::NotEmpty(table.clone()));
            }
            copy(source, &txn, table, &columns[table])
                .await
                .map_err(at_table)?;
            moved.insert(table.clone(), count(&txn, table).await?);
        }
        continue_numbers(source, &txn).await?;
    }
    txn.commit().await?;
    Ok(moved)
}

/// Brings the file to the newest schema, and holds its lock.
async fn source<M: MigratorTrait>(file: &Path) -> Result<Database, TransferError> {
    if !file.is_file() {
        return Err(TransferError::NoSource(file.to_owned()));
    }
    Ok(Database::open::<M>(&Location::Sqlite(file.to_owned()), 1).await?)
}

/// A column of the target.
struct Column {
    name: String,
    is_json: bool,
}

async fn columns(txn: &DatabaseTransaction) -> Result<BTreeMap<String, Vec<Column>>, DbErr> {
    let rows = query(
        txn,
        "select c.table_name::text, c.column_name::text, c.data_type::text \
         from information_schema.columns c join information_schema.tables t \
         using (table_schema, table_name) \
         where table_schema = current_schema() and t.table_type = 'BASE TABLE' \
         order by c.ordinal_position",
        [],
    )
    .await?;
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for row in rows {
        let kind: String = row.try_get_by_index(2)?;
        tables
            .entry(row.try_get_by_index(0)?)
            .or_default()
            .push(Column {
                name: row.try_get_by_index(1)?,
                is_json: kind == "jsonb",
            });
    }
    Ok(tables)
}

/// Tables that others reference go first.
async fn order<'a>(
    txn: &DatabaseTransaction,
    tables: impl Iterator<Item = &'a String>,
) -> Result<Vec<String>, TransferError> {
    let rows = query(
        txn,
        "select child.relname::text, parent.relname::text from pg_constraint \
         join pg_class child on child.oid = conrelid join pg_class parent on parent.oid = confrelid \
         where contype = 'f' and conrelid <> confrelid \
         and connamespace = current_schema()::regnamespace",
        [],
    )
    .await?;
    let mut needs: BTreeMap<String, BTreeSet<String>> = tables
        .map(|table| (table.clone(), BTreeSet::new()))
        .collect();
    for row in rows {
        let child: String = row.try_get_by_index(0)?;
        needs
            .entry(child)
            .or_default()
            .insert(row.try_get_by_index(1)?);
    }
    let mut order: Vec<String> = Vec::new();
    while !needs.is_empty() {
        let is_ready = |needed: &BTreeSet<String>| needed.iter().all(|one| order.contains(one));
        let ready: Vec<String> = needs
            .iter()
            .filter(|(_, needed)| is_ready(needed))
            .map(|(table, _)| table.clone())
            .collect();
        if ready.is_empty() {
            return Err(TransferError::Circle(needs.into_keys().collect()));
        }
        needs.retain(|table, _| !ready.contains(table));
        order.extend(ready);
    }
    Ok(order)
}

/// The tables of the source that hold rows of ours.
async fn tables(source: &Database) -> Result<BTreeSet<String>, DbErr> {
    let sql = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' \
               and name not like '%_migrations'";
    let rows = query(source.read(), sql, []).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

async fn copy(
    source: &Database,
    txn: &DatabaseTransaction,
    table: &str,
    columns: &[Column],
) -> Result<(), DbErr> {
    let members = columns.iter().map(|Column { name, is_json }| {
        let value = if *is_json {
            format!("json(\"{name}\")")
        } else {
            // As PostgreSQL writes bytes.
            format!("iif(typeof(\"{name}\") = 'blob', '\\x' || hex(\"{name}\"), \"{name}\")")
        };
        format!("'{name}', {value}")
    });
    let members = members.collect::<Vec<_>>().join(", ");
    let read = format!(
        "select json_group_array(json_object({members})), max(place) from \
         (select rowid as place, * from \"{table}\" where rowid > ? order by rowid limit {BATCH})"
    );
    let names: Vec<_> = columns
        .iter()
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let names = names.join(", ");
    let write = format!(
        "insert into \"{table}\" ({names}) \
         select {names} from json_populate_recordset(null::\"{table}\", $1::json)"
    );
    let mut place = i64::MIN;
    loop {
        let rows = query(source.read(), &read, [place.into()]).await?;
        let Some(row) = rows.first() else {
            return Ok(());
        };
        let Some(last) = row.try_get_by_index::<Option<i64>>(1)? else {
            return Ok(());
        };
        let batch: String = row.try_get_by_index(0)?;
        execute(txn, &write, [batch.into()]).await?;
        place = last;
    }
}

/// Numbers that were given out once are not given out again.
async fn continue_numbers(source: &Database, txn: &DatabaseTransaction) -> Result<(), DbErr> {
    let numbers = query(source.read(), "select name, seq from sqlite_sequence", []).await?;
    for row in numbers {
        let (table, last): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if last > 0 {
            let sql = "select setval(pg_get_serial_sequence(quote_ident($1), column_name::text), $2) \
                       from information_schema.columns where table_schema = current_schema() \
                       and table_name = $1 and is_identity = 'YES'";
            query(txn, sql, [table.into(), last.into()]).await?;
        }
    }
    Ok(())
}

async fn count(txn: &DatabaseTransaction, table: &str) -> Result<u64, DbErr> {
    let rows = query(txn, &format!("select count(*) from \"{table}\""), []).await?;
    let count: i64 = match rows.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    Ok(u64::try_from(count).unwrap_or_default())
}

async fn query<const N: usize>(
    db: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
) -> Result<Vec<QueryResult>, DbErr> {
    db.query_all_raw(statement(db.get_database_backend(), sql, values))
        .await
}

async fn execute<const N: usize>(
    db: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
) -> Result<(), DbErr> {
    db.execute_raw(statement(db.get_database_backend(), sql, values))
        .await
        .map(drop)
}

fn statement<const N: usize>(backend: DbBackend, sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(backend, sql, values)
}
