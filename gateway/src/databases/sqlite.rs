use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::TryStreamExt;
use kong::plugins::data_service::{Rows, Typed};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Decode, Row, SqliteConnection, TypeInfo,
    ValueRef,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow},
};

use super::{
    Fault, Question, Reply,
    question::{Collected, write_row},
};

/// Set while the statement that runs is to end.
pub type Interrupted = Arc<AtomicBool>;

/// Steps of SQLite's machine after which it looks at the flag: about a millisecond.
const STEPS: i32 = 5000;

pub fn options(path: impl AsRef<Path>) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(path);
    options
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .disable_statement_logging()
}

pub fn interrupt(flag: &Interrupted) {
    flag.store(true, Relaxed);
}

pub struct Sqlite {
    pub connection: SqliteConnection,
    pub interrupted: Interrupted,
    pub is_usable: bool,
}

impl Sqlite {
    pub async fn open(options: &SqliteConnectOptions, writes: bool) -> Result<Self, sqlx::Error> {
        let options = options.clone().read_only(!writes);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        if !writes {
            sqlx::query("pragma query_only = on")
                .execute(&mut connection)
                .await?;
        }
        Self::new(connection).await
    }

    pub async fn new(mut connection: SqliteConnection) -> Result<Self, sqlx::Error> {
        let interrupted = Interrupted::default();
        let flag = interrupted.clone();
        connection
            .lock_handle()
            .await?
            .set_progress_handler(STEPS, move || !flag.load(Relaxed));
        Ok(Self {
            connection,
            interrupted,
            is_usable: true,
        })
    }

    pub async fn run(&mut self, question: &Question) -> Result<Reply, Fault> {
        self.interrupted.store(false, Relaxed);
        let outcome = self.ask(question).await;
        self.is_usable = !matches!(outcome, Err(Fault::Broken));
        outcome
    }

    async fn ask(&mut self, question: &Question) -> Result<Reply, Fault> {
        let prepared = &question.prepared;
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
                outcome = write_row(text, &row, |text, position| {
                    let value = value(&row, position)?;
                    serde_json::to_writer(text, &value).map_err(|_| Fault::Wrong)
                });
            })?;
            outcome?;
            // What changes something has to run to its end.
            if !is_open && !prepared.writes {
                break;
            }
        }
        Ok(collected.finish())
    }
}

type Asked<'q> = Query<'q, sqlx::Sqlite, SqliteArguments>;

/// Without types of its own, SQLite gets dates, times and UUIDs as their texts.
fn bind<'q>(query: Asked<'q>, value: &'q Typed) -> Asked<'q> {
    match value {
        Typed::Null(_) => query.bind(None::<&str>),
        Typed::Text(text) => query.bind(text.as_str()),
        Typed::Integer(integer) => query.bind(integer),
        Typed::Number(number) => query.bind(number),
        Typed::Boolean(flag) => query.bind(flag),
        Typed::Date(date) => query.bind(date.to_string()),
        Typed::DateTime(time) => query.bind(time.to_rfc3339()),
        Typed::Uuid(uuid) => query.bind(uuid.to_string()),
    }
}

fn value(row: &SqliteRow, position: usize) -> Result<Value, Fault> {
    let declared = row.column(position).type_info().name();
    let raw = row.try_get_raw(position).map_err(|_| Fault::Wrong)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    // The type of the value, not of its column: in SQLite they may differ.
    let actual = raw.type_info().name().to_owned();
    let wrong = |_| Fault::Wrong;
    Ok(match &*actual {
        "INTEGER" | "BOOLEAN" => {
            let integer = <i64 as Decode<sqlx::Sqlite>>::decode(raw).map_err(wrong)?;
            match (declared, integer) {
                ("BOOLEAN", 0) => Value::Bool(false),
                ("BOOLEAN", 1) => Value::Bool(true),
                _ => Value::from(integer),
            }
        }
        "REAL" => Value::from(<f64 as Decode<sqlx::Sqlite>>::decode(raw).map_err(wrong)?),
        "BLOB" => {
            let bytes = <&[u8] as Decode<sqlx::Sqlite>>::decode(raw).map_err(wrong)?;
            Value::from(STANDARD.encode(bytes))
        }
        _ => {
            // Texts of SQLite may be any bytes.
            let bytes = <&[u8] as Decode<sqlx::Sqlite>>::decode(raw).map_err(wrong)?;
            Value::from(String::from_utf8_lossy(bytes))
        }
    })
}

/// By SQLite's result codes; the lowest byte is the general one.
fn fault(error: &sqlx::Error) -> Fault {
    let Some(error) = error.as_database_error() else {
        return Fault::of_connection(error);
    };
    let code: i32 = error
        .code()
        .and_then(|code| code.parse().ok())
        .unwrap_or_default();
    match (code, code & 0xff) {
        // Foreign key, primary key, unique.
        (787 | 1555 | 2067 | 2579, _) => Fault::Conflict,
        (_, 19) => Fault::Rule,
        (_, 9) => Fault::Late,
        (_, 5 | 6) => Fault::Busy,
        // Damaged, full, away, no database.
        (_, 10 | 11 | 14 | 26) => Fault::Broken,
        (_, 18) => Fault::TooLarge,
        (_, 20) => Fault::Range,
        _ => Fault::Statement(error.message().to_owned()),
    }
}
