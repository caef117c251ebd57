//! What the statements of the event bus have in common on both databases.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

/// Not acknowledged, not given up. Written out, because the indexes are on exactly this.
pub const OPEN: &str = "state in ('pending', 'in_flight')";

/// A statement with `$1`, `$2`, … for `values`.
pub fn statement(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// Carries out a statement; how many rows it touched.
pub async fn run(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    let statement = statement(db, sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

/// The numbers in parameter `n`, which is made by [`numbers`]. One parameter for all of them: so the
/// statement is the same however many they are.
pub fn members(db: &impl ConnectionTrait, n: u8) -> String {
    match db.get_database_backend() {
        DbBackend::Postgres => {
            format!("(select value::bigint from jsonb_array_elements_text(${n}::jsonb))")
        }
        _ => format!("(select value from json_each(${n}))"),
    }
}

/// The same for texts.
pub fn texts(db: &impl ConnectionTrait, n: u8) -> String {
    match db.get_database_backend() {
        DbBackend::Postgres => format!("(select jsonb_array_elements_text(${n}::jsonb))"),
        _ => format!("(select value from json_each(${n}))"),
    }
}

pub fn numbers(numbers: &[i64]) -> Value {
    json(&numbers)
}

pub fn json(list: &impl serde::Serialize) -> Value {
    serde_json::to_string(list).unwrap_or_default().into()
}
