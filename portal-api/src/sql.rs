//! What written-out statements have in common on both databases.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};
use serde::de::DeserializeOwned;

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

/// The number that a query finds; absent if there is no row, or none in it.
pub async fn number(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<i64>, DbErr> {
    let row = db.query_one_raw(statement(db, sql, values)).await?;
    row.map_or(Ok(None), |row| row.try_get_by_index(0))
}

/// How the value of a column becomes JSON.
#[derive(Clone, Copy)]
pub enum Kind {
    Plain,
    Flag,
    Json,
}

/// The rows of a query, of which the database makes one JSON text. `SQLite` hands each row over to
/// the waiting task by itself; where there are hundreds of small ones, that is most of the work.
/// `columns`: those that `T` has.
pub async fn packed<T: DeserializeOwned>(
    db: &impl ConnectionTrait,
    columns: &[(&str, Kind)],
    query: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<T>, DbErr> {
    let sql = if db.get_database_backend() == DbBackend::Postgres {
        format!("select coalesce(json_agg(found), '[]')::text from ({query}) found")
    } else {
        let member = |(name, kind): &(&str, Kind)| match kind {
            Kind::Plain => format!("'{name}', {name}"),
            Kind::Flag => format!("'{name}', json(iif({name}, 'true', 'false'))"),
            Kind::Json => format!("'{name}', json({name})"),
        };
        let members: Vec<String> = columns.iter().map(member).collect();
        let members = members.join(", ");
        format!("select json_group_array(json_object({members})) from ({query})")
    };
    let row = db.query_one_raw(statement(db, &sql, values)).await?;
    let text: String = row.map_or(Ok("[]".to_owned()), |row| row.try_get_by_index(0))?;
    serde_json::from_str(&text).map_err(|error| DbErr::Json(error.to_string()))
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
