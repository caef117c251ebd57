//! The chain of hashes: each record's covers its own members and the hash of the one before.
//!
//! `hash` = SHA-256, in hex, of the record as the export shows it (without `hash`), written as JSON
//! without blanks and with the members of all objects in byte order. Whoever keeps an export can
//! check it, and that the log still continues it.

use ring::digest::{SHA256, digest};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, FromQueryResult, Statement};
use serde_json::Value;

use super::{row, wire};

/// Keeps other writers of events and records out until the transaction ends: both are numbered in
/// the order of commits. SQLite has one writer anyway.
pub async fn serialize(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared("select pg_advisory_xact_lock(7776001)")
            .await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Hash {
    hash: Option<String>,
}

/// The hash of the newest record.
pub async fn last_hash(db: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
    let sql = "select hash from audit_log order by seq desc limit 1";
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let last = Hash::find_by_statement(statement).one(db).await?;
    Ok(last.and_then(|last| last.hash))
}

/// `row` as the successor of the record with the hash `previous`.
pub fn link(mut row: row::Model, previous: Option<String>) -> row::Model {
    row.previous_hash = previous;
    row.hash = None;
    row.hash = Some(hash(&row));
    row
}

fn hash(row: &row::Model) -> String {
    let mut record = serde_json::to_value(wire::record(row)).expect("wire types are always JSON");
    if let Some(members) = record.as_object_mut() {
        members.remove("hash");
    }
    let mut text = String::new();
    write_canonical(&record, &mut text);
    hex::encode(digest(&SHA256, text.as_bytes()))
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.keys().collect();
            names.sort_unstable();
            text.push('{');
            for (index, name) in names.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(&members[name], text);
            }
            text.push('}');
        }
        Value::Array(entries) => {
            text.push('[');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(entry, text);
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_members_does_not_matter_and_everything_else_does() {
        let text = |value: &Value| {
            let mut text = String::new();
            write_canonical(value, &mut text);
            text
        };
        let one = json!({"b": [1, {"d": "x\"y", "c": null}], "a": true});
        assert_eq!(text(&one), r#"{"a":true,"b":[1,{"c":null,"d":"x\"y"}]}"#);
        assert_ne!(text(&json!({"a": 1})), text(&json!({"a": "1"})));
    }
}
