//! Rows of any table, out of the database and into it.

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement, Value as Bound,
};
use serde_json::Value;

use super::tables::{Kind, Table};
use crate::sql;

/// The next rows of `table`, behind the one whose key is `after`.
pub async fn page(
    txn: &DatabaseTransaction,
    table: &Table,
    after: Option<&[Value]>,
) -> Result<Vec<Vec<Value>>, DbErr> {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|(name, kind)| match kind {
            // Columns have all sizes of numbers on PostgreSQL.
            Kind::Number => format!("cast(\"{name}\" as bigint)"),
            _ => format!("\"{name}\""),
        })
        .collect();
    let key = list(table.key.iter().copied());
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    if !table.only.is_empty() {
        conditions.push(table.only.to_owned());
    }
    if let Some(after) = after {
        let places: Vec<String> = (1..=after.len()).map(|n| format!("${n}")).collect();
        conditions.push(format!("({key}) > ({})", places.join(", ")));
        for (name, value) in table.key.iter().zip(after) {
            values.push(bound(kind_of(table, name), value.clone())?);
        }
    }
    let condition = if conditions.is_empty() {
        String::new()
    } else {
        format!("where {}", conditions.join(" and "))
    };
    let sql = format!(
        "select {} from {} {condition} order by {key} limit {}",
        columns.join(", "),
        table.name,
        table.batch
    );
    let rows = txn.query_all_raw(sql::statement(txn, &sql, values)).await?;
    rows.iter().map(|row| told(table, row)).collect()
}

/// The key of a row that was read.
pub fn key(table: &Table, row: &[Value]) -> Vec<Value> {
    let place = |name: &str| table.columns.iter().position(|(column, _)| *column == name);
    let places = table.key.iter().filter_map(|name| place(name));
    places.map(|place| row[place].clone()).collect()
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

fn kind_of(table: &Table, column: &str) -> Kind {
    let found = table.columns.iter().find(|(name, _)| *name == column);
    found.map_or(Kind::Text, |(_, kind)| *kind)
}

fn told(table: &Table, row: &QueryResult) -> Result<Vec<Value>, DbErr> {
    let mut values = Vec::with_capacity(table.columns.len());
    for (place, (_, kind)) in table.columns.iter().enumerate() {
        values.push(match kind {
            Kind::Text => row.try_get_by_index::<Option<String>>(place)?.into(),
            Kind::Number => row.try_get_by_index::<Option<i64>>(place)?.into(),
            Kind::Flag => row.try_get_by_index::<Option<bool>>(place)?.into(),
            Kind::Json => row
                .try_get_by_index::<Option<Value>>(place)?
                .unwrap_or_default(),
            Kind::Time => {
                let time = row.try_get_by_index::<Option<DateTime<Utc>>>(place)?;
                time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
                    .into()
            }
        });
    }
    Ok(values)
}

/// Stores rows with one statement. Their values are in the order of the table's columns.
pub async fn insert(
    txn: &DatabaseTransaction,
    table: &Table,
    rows: Vec<Vec<Value>>,
) -> Result<(), DbErr> {
    let mut places = Vec::with_capacity(rows.len());
    let mut values = Vec::with_capacity(rows.len() * table.columns.len());
    for row in rows {
        let mut place = Vec::with_capacity(row.len());
        for ((_, kind), value) in table.columns.iter().zip(row) {
            values.push(bound(*kind, value)?);
            place.push(format!("${}", values.len()));
        }
        places.push(format!("({})", place.join(", ")));
    }
    let sql = format!(
        "insert into {} ({}) values {}",
        table.name,
        list(table.columns.iter().map(|(name, _)| *name)),
        places.join(", ")
    );
    sql::run(txn, &sql, values).await?;
    Ok(())
}

/// Removes all rows that belong into an archive.
pub async fn clear(txn: &DatabaseTransaction, table: &Table) -> Result<(), DbErr> {
    let condition = if table.only.is_empty() {
        String::new()
    } else {
        format!(" where {}", table.only)
    };
    let sql = format!("delete from {}{condition}", table.name);
    txn.execute_unprepared(&sql).await?;
    Ok(())
}

/// The highest number the database has given in this table, and 0 if none.
pub async fn highest(txn: &DatabaseTransaction, table: &Table) -> Result<i64, DbErr> {
    let sql = format!(
        "select coalesce(max(seq), 0) as highest from {}",
        table.name
    );
    let statement = Statement::from_string(txn.get_database_backend(), sql);
    let row = txn.query_one_raw(statement).await?;
    row.map_or(Ok(0), |row| row.try_get("", "highest"))
}

/// Lets the database go on counting behind its own numbers and those of the archive, so that what
/// happens next is newer than what anybody has seen.
pub async fn count_on(txn: &DatabaseTransaction, table: &Table, highest: i64) -> Result<(), DbErr> {
    let (sql, values): (_, Vec<Bound>) = match txn.get_database_backend() {
        DbBackend::Postgres => (
            format!(
                "select setval(pg_get_serial_sequence('{}', 'seq'), $1 + 1, false)",
                table.name
            ),
            vec![highest.into()],
        ),
        _ => (
            "update sqlite_sequence set seq = max(seq, $1) where name = $2".to_owned(),
            vec![highest.into(), table.name.into()],
        ),
    };
    sql::run(txn, &sql, values).await?;
    Ok(())
}

/// A value as a parameter. Types are named even for nothing, PostgreSQL wants to know them.
fn bound(kind: Kind, value: Value) -> Result<Bound, DbErr> {
    let wrong = |what: &str| DbErr::Type(format!("{what} was expected"));
    Ok(match (kind, value) {
        (Kind::Text, Value::Null) => None::<String>.into(),
        (Kind::Text, Value::String(text)) => text.into(),
        (Kind::Number, Value::Null) => None::<i64>.into(),
        (Kind::Number, value) => value.as_i64().ok_or_else(|| wrong("a number"))?.into(),
        (Kind::Flag, Value::Null) => None::<bool>.into(),
        (Kind::Flag, value) => value.as_bool().ok_or_else(|| wrong("a flag"))?.into(),
        (Kind::Time, Value::Null) => None::<DateTime<Utc>>.into(),
        (Kind::Time, value) => {
            let text = value.as_str().unwrap_or_default();
            let time = DateTime::parse_from_rfc3339(text).map_err(|_| wrong("a time"))?;
            time.to_utc().into()
        }
        (Kind::Json, Value::Null) => None::<Value>.into(),
        (Kind::Json, value) => value.into(),
        (Kind::Text, _) => return Err(wrong("a text")),
    })
}
