//! Reading wicked's PostgreSQL schema (portal-api 27.1), in one transaction that can only read.

use anyhow::{Context, bail};
use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseTransaction, FromQueryResult, IsolationLevel,
    Statement, TransactionTrait,
};
use serde_json::{Map, Value};
use url::Url;

use super::{Found, object::Object};

/// Columns of each table and the members they stand for; everything else is in `data`.
const TABLES: [(&str, &[(&str, &str)]); 10] = [
    ("users", &[("email", "email"), ("custom_id", "customId")]),
    (
        "registrations",
        &[
            ("pool_id", "poolId"),
            ("users_id", "userId"),
            ("namespace", "namespace"),
            ("name", "name"),
        ],
    ),
    (
        "namespaces",
        &[
            ("pool_id", "poolId"),
            ("namespace", "namespace"),
            ("description", "description"),
        ],
    ),
    ("applications", &[]),
    (
        "owners",
        &[("users_id", "userId"), ("applications_id", "appId")],
    ),
    (
        "subscriptions",
        &[
            ("applications_id", "application"),
            ("plan_id", "plan"),
            ("api_id", "api"),
            ("client_id", "clientId"),
            ("api_group", "api_group"),
        ],
    ),
    ("approvals", &[("subscriptions_id", "subscriptionId")]),
    ("verifications", &[("users_id", "userId")]),
    (
        "grants",
        &[
            ("users_id", "userId"),
            ("api_id", "apiId"),
            ("application_id", "applicationId"),
        ],
    ),
    ("webhook_listeners", &[]),
];

/// The newest schema that is known.
const NEWEST: i64 = 5;

pub async fn read(url: &Url) -> anyhow::Result<Found> {
    let mut options = ConnectOptions::new(url.as_str());
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options)
        .await
        .context("cannot connect to the database of wicked")?;
    let snapshot = (
        Some(IsolationLevel::RepeatableRead),
        Some(AccessMode::ReadOnly),
    );
    let txn = db.begin_with_config(snapshot.0, snapshot.1).await?;
    if !exists(&txn, "users").await? {
        bail!("there is no wicked data in this database: table wicked.users is missing");
    }
    let version = version(&txn).await?;
    if version > NEWEST {
        bail!("the schema has version {version}; known are the versions up to {NEWEST}");
    }
    let mut found = Found::default();
    for (table, columns) in TABLES {
        let target = match table {
            "users" => &mut found.users,
            "registrations" => &mut found.registrations,
            "namespaces" => &mut found.namespaces,
            "applications" => &mut found.applications,
            "owners" => &mut found.owners,
            "subscriptions" => &mut found.subscriptions,
            "approvals" => &mut found.approvals,
            "verifications" => &mut found.verifications,
            "grants" => &mut found.grants,
            _ => &mut found.listeners,
        };
        if exists(&txn, table).await? {
            *target = rows(&txn, table, columns).await?;
        }
    }
    found.events = count(&txn, "webhook_events").await?;
    found.audit_records = count(&txn, "audit_log").await?;
    txn.rollback().await?;
    db.close().await?;
    Ok(found)
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

#[derive(FromQueryResult)]
struct Row {
    record: Value,
}

fn statement(sql: String) -> Statement {
    Statement::from_string(sea_orm::DbBackend::Postgres, sql)
}

async fn exists(txn: &DatabaseTransaction, table: &str) -> anyhow::Result<bool> {
    let sql = format!(
        "select count(*) as number from information_schema.tables \
         where table_schema = 'wicked' and table_name = '{table}'"
    );
    let found = Number::find_by_statement(statement(sql)).one(txn).await?;
    Ok(found.is_some_and(|found| found.number > 0))
}

async fn count(txn: &DatabaseTransaction, table: &str) -> anyhow::Result<usize> {
    if !exists(txn, table).await? {
        return Ok(0);
    }
    let sql = format!("select count(*) as number from wicked.{table}");
    let found = Number::find_by_statement(statement(sql)).one(txn).await?;
    Ok(found.map_or(0, |found| usize::try_from(found.number).unwrap_or_default()))
}

async fn version(txn: &DatabaseTransaction) -> anyhow::Result<i64> {
    if !exists(txn, "meta").await? {
        return Ok(0);
    }
    let sql = "select to_jsonb(t) as record from wicked.meta t where id = 1".to_owned();
    let row = Row::find_by_statement(statement(sql)).one(txn).await?;
    Ok(row
        .and_then(|row| row.record["data"]["version"].as_i64())
        .unwrap_or_default())
}

async fn rows(
    txn: &DatabaseTransaction,
    table: &str,
    columns: &[(&str, &str)],
) -> anyhow::Result<Vec<Object>> {
    let sql = format!("select to_jsonb(t) as record from wicked.{table} t order by id");
    let rows = Row::find_by_statement(statement(sql)).all(txn).await?;
    rows.into_iter()
        .map(|row| record(row.record, table, columns))
        .collect()
}

/// The object of the API: `data`, with the columns winning over members of the same name.
fn record(row: Value, table: &str, columns: &[(&str, &str)]) -> anyhow::Result<Object> {
    let Value::Object(mut row) = row else {
        bail!("wicked.{table}: a row is no object");
    };
    let mut members = match row.remove("data") {
        Some(Value::Object(members)) => members,
        None | Some(Value::Null) => Map::new(),
        Some(_) => bail!("wicked.{table}: `data` of row {} is no object", row["id"]),
    };
    for (column, member) in [("id", "id")].iter().chain(columns) {
        if let Some(value) = row.remove(*column) {
            members.insert((*member).to_owned(), value);
        }
    }
    Ok(Object(members))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_win_over_members_and_empty_data_is_fine() {
        let row = json!({"id": "u1", "email": "new@example.org", "custom_id": null, "data": {"email": "old", "groups": []}});
        let read = record(row, "users", TABLES[0].1).unwrap();
        assert_eq!(read.text("email"), Some("new@example.org"));
        assert_eq!((read.id(), read.text("customId")), ("u1", None));
        assert!(record(json!({"id": "u1", "data": null}), "users", TABLES[0].1).is_ok());
        assert!(record(json!({"id": "u1", "data": 7}), "users", TABLES[0].1).is_err());
    }
}
