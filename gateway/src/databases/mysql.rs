//! MySQL and MariaDB (cargo feature `mysql`).

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{NaiveDate, NaiveDateTime, Utc};
use futures_util::TryStreamExt;
use kong::plugins::data_service::{Rows, Typed};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Column, Connection, Decode, MySqlConnection, Row, Type, TypeInfo, ValueRef,
    mysql::{
        MySqlArguments, MySqlConnectOptions, MySqlDatabaseError, MySqlRow, MySqlValueRef,
        types::MySqlTime,
    },
    query::Query,
};

use super::{
    Fault, Question, Reply,
    question::{Collected, write_row},
};

/// Behind the limits of the operations; MariaDB counts seconds, MySQL milliseconds.
const MARIADB_TIMEOUT: &str = "max_statement_time = 30";
const MYSQL_TIMEOUT: &str = "max_execution_time = 30000";

pub struct MySql {
    pub connection: MySqlConnection,
    /// The server's number for it.
    pub thread: u64,
    pub is_usable: bool,
    /// Rows after which the server stops.
    most: u32,
}

impl MySql {
    pub async fn open(options: &MySqlConnectOptions, writes: bool) -> Result<Self, sqlx::Error> {
        let mut connection = MySqlConnection::connect_with(options).await?;
        let about = sqlx::query_as("select cast(connection_id() as unsigned), version()");
        let (thread, version): (u64, String) = about.fetch_one(&mut connection).await?;
        let timeout = if version.contains("MariaDB") {
            MARIADB_TIMEOUT
        } else {
            MYSQL_TIMEOUT
        };
        let access = if writes { "write" } else { "only" };
        // Texts and names are quoted as in the standard, which is how statements were read.
        let settings = format!(
            "set session sql_mode = concat(@@sql_mode, ',ANSI_QUOTES,NO_BACKSLASH_ESCAPES'), \
             {timeout}; set session transaction read {access}"
        );
        sqlx::raw_sql(AssertSqlSafe(settings))
            .execute(&mut connection)
            .await?;
        Ok(Self {
            connection,
            thread,
            is_usable: true,
            most: 0,
        })
    }

    pub async fn run(&mut self, question: &Question) -> Result<Reply, Fault> {
        let outcome = self.ask(question).await;
        if matches!(outcome, Err(Fault::Broken | Fault::TooLarge)) {
            self.is_usable = false;
        }
        outcome
    }

    async fn ask(&mut self, question: &Question) -> Result<Reply, Fault> {
        let prepared = &question.prepared;
        self.stop_after(prepared.limits.most(prepared.rows)).await?;
        let mut query = sqlx::query(AssertSqlSafe(prepared.sql.clone()));
        for value in question.bound() {
            query = bind(query, value);
        }
        if prepared.rows == Rows::None {
            let done = query.execute(&mut self.connection).await;
            let done = done.map_err(|error| fault(&error))?;
            return Ok(Reply::of_changes(done.rows_affected()));
        }
        let mut collected = Collected::new(prepared);
        let mut rows = query.fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await.map_err(|error| fault(&error))? {
            let mut outcome = Ok(());
            let is_open = collected.add(|text| {
                outcome = write_row(text, &row, |text, position| write(text, &row, position));
            })?;
            outcome?;
            // What changes something has to run to its end. Otherwise nobody wants to read a rest that
            // is as long as a `limit` of the statement allows: the connection ends.
            if !is_open && !prepared.writes {
                self.is_usable = rows.try_next().await.is_ok_and(|row| row.is_none());
                break;
            }
        }
        Ok(collected.finish())
    }

    /// Where a statement has no `limit` of its own.
    async fn stop_after(&mut self, most: u32) -> Result<(), Fault> {
        if self.most != most {
            let limit = format!("set session sql_select_limit = {most}");
            let set = sqlx::raw_sql(AssertSqlSafe(limit)).execute(&mut self.connection);
            set.await.map_err(|error| fault(&error))?;
            self.most = most;
        }
        Ok(())
    }
}

type Asked<'q> = Query<'q, sqlx::MySql, MySqlArguments>;

/// UUIDs are texts, since columns for them are of several kinds; times are in UTC, as is the session.
fn bind<'q>(query: Asked<'q>, value: &'q Typed) -> Asked<'q> {
    match value {
        Typed::Null(_) => query.bind(None::<&str>),
        Typed::Text(text) => query.bind(text.as_str()),
        Typed::Integer(integer) => query.bind(integer),
        Typed::Number(number) => query.bind(number),
        Typed::Boolean(flag) => query.bind(flag),
        Typed::Date(date) => query.bind(date),
        Typed::DateTime(time) => query.bind(time.with_timezone(&Utc)),
        Typed::Uuid(uuid) => query.bind(uuid.to_string()),
    }
}

fn write(text: &mut Vec<u8>, row: &MySqlRow, position: usize) -> Result<(), Fault> {
    let raw = row.try_get_raw(position).map_err(|_| Fault::Wrong)?;
    let kind = row.column(position).type_info().name();
    if !raw.is_null() && matches!(kind, "DECIMAL" | "JSON") {
        // As the database writes it: no digit is lost.
        let written = decoded::<String>(raw)?;
        return match serde_json::from_str::<&serde_json::value::RawValue>(&written) {
            Ok(_) => {
                text.extend_from_slice(written.as_bytes());
                Ok(())
            }
            Err(_) => json(text, &Value::from(written)),
        };
    }
    json(text, &value(row, position, kind)?)
}

fn json(text: &mut Vec<u8>, value: &Value) -> Result<(), Fault> {
    serde_json::to_writer(text, value).map_err(|_| Fault::Wrong)
}

fn value(row: &MySqlRow, position: usize, kind: &str) -> Result<Value, Fault> {
    let raw = row.try_get_raw(position).map_err(|_| Fault::Wrong)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    Ok(match kind {
        "BOOLEAN" => Value::from(decoded::<i64>(raw)? != 0),
        "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
            Value::from(decoded::<i64>(raw)?)
        }
        "YEAR" | "BIT" => Value::from(decoded::<u64>(raw)?),
        _ if kind.ends_with("UNSIGNED") => Value::from(decoded::<u64>(raw)?),
        "FLOAT" => {
            // The shortest text that stands for it, not its digits as a longer number.
            let shown = decoded::<f32>(raw)?.to_string();
            shown.parse::<f64>().map_or(Value::Null, Value::from)
        }
        "DOUBLE" => Value::from(decoded::<f64>(raw)?),
        // A day that is none (`0000-00-00`) is null.
        "DATE" => decoded::<NaiveDate>(raw).map_or(Value::Null, |date| date.to_string().into()),
        "DATETIME" => {
            let time = decoded::<NaiveDateTime>(raw);
            time.map_or(Value::Null, |time| iso(time).into())
        }
        "TIMESTAMP" => {
            let time = decoded::<NaiveDateTime>(raw);
            time.map_or(Value::Null, |time| (iso(time) + "+00:00").into())
        }
        "TIME" => {
            let time = decoded::<MySqlTime>(raw)?;
            Value::from(time.to_string())
        }
        _ => {
            // The name says `BINARY` of texts with a binary collation, too.
            let is_text = <str as Type<sqlx::MySql>>::compatible(&raw.type_info())
                || matches!(kind, "SET" | "ENUM");
            let bytes = decoded::<&[u8]>(raw)?;
            if is_text {
                Value::from(String::from_utf8_lossy(bytes).into_owned())
            } else {
                Value::from(STANDARD.encode(bytes))
            }
        }
    })
}

fn decoded<'r, T: Decode<'r, sqlx::MySql>>(raw: MySqlValueRef<'r>) -> Result<T, Fault> {
    T::decode(raw).map_err(|_| Fault::Wrong)
}

fn iso(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.f").to_string()
}

/// Asks the server to end the statement that the other connection works on.
pub async fn cancel(options: &MySqlConnectOptions, thread: u64) -> Result<(), sqlx::Error> {
    let mut connection = MySqlConnection::connect_with(options).await?;
    let kill = AssertSqlSafe(format!("kill query {thread}"));
    sqlx::raw_sql(kill).execute(&mut connection).await?;
    connection.close().await
}

/// By the numbers of the server's errors.
fn fault(error: &sqlx::Error) -> Fault {
    let Some(error) = error.as_database_error() else {
        return Fault::of_connection(error);
    };
    let error = error.downcast_ref::<MySqlDatabaseError>();
    match error.number() {
        // A double; a reference that is or is not there.
        1062 | 1216 | 1217 | 1451 | 1452 | 1586 => Fault::Conflict,
        // Null; a condition (of MySQL, of MariaDB); no default.
        1048 | 1364 | 3819 | 4025 => Fault::Rule,
        1264 | 1292 | 1366 | 1406 | 1411 | 1690 | 3156 => Fault::Range,
        // Cancelled; its time is over (of MariaDB, of MySQL); locked for too long.
        1317 | 1969 | 3024 | 1205 => Fault::Late,
        1040 | 1203 | 1213 | 1226 => Fault::Busy,
        1053 | 1077 | 1079 | 1152 | 1184 | 1927 => Fault::Broken,
        number => Fault::Statement(format!("{} ({number})", error.message())),
    }
}
