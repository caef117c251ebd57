use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt;
use kong::plugins::data_service::{Rows, Typed, ValueType};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, ValueRef,
    postgres::{PgArguments, PgConnectOptions},
    query::Query,
};
use uuid::Uuid;

use super::{Fault, Question, Reply, question::Collected};

/// Behind the limits of the operations.
const STATEMENT_TIMEOUT: &str = "30s";

pub fn options(options: PgConnectOptions) -> PgConnectOptions {
    let options = options.application_name("wicketgate-data-service");
    options.disable_statement_logging()
}

pub struct Postgres {
    pub connection: PgConnection,
    /// The server's process.
    pub backend: i32,
    pub is_usable: bool,
}

impl Postgres {
    pub async fn open(options: &PgConnectOptions, writes: bool) -> Result<Self, sqlx::Error> {
        let read_only = if writes { "off" } else { "on" };
        let options = options.clone().options([
            ("default_transaction_read_only", read_only),
            ("statement_timeout", STATEMENT_TIMEOUT),
        ]);
        let mut connection = PgConnection::connect_with(&options).await?;
        let backend = sqlx::query_scalar("select pg_backend_pid()");
        let backend = backend.fetch_one(&mut connection).await?;
        Ok(Self {
            connection,
            backend,
            is_usable: true,
        })
    }

    pub async fn run(&mut self, question: &Question) -> Result<Reply, Fault> {
        let outcome = self.ask(question).await;
        self.is_usable = !matches!(outcome, Err(Fault::Broken | Fault::TooLarge));
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
        let mut is_open = true;
        while let Some(row) = rows.try_next().await.map_err(|error| fault(&error))? {
            // The last ones are read all the same: the connection is used again.
            if !is_open {
                continue;
            }
            let value = row.try_get_raw(0).map_err(|error| fault(&error))?;
            if value.is_null() {
                continue;
            }
            let json = value.as_bytes().map_err(|_| Fault::Wrong)?;
            is_open = collected.add(|text| text.extend_from_slice(json))?;
        }
        Ok(collected.finish())
    }
}

type Asked<'q> = Query<'q, sqlx::Postgres, PgArguments>;

fn bind<'q>(query: Asked<'q>, value: &'q Typed) -> Asked<'q> {
    match value {
        Typed::Text(text) => query.bind(text.as_str()),
        Typed::Integer(integer) => query.bind(integer),
        Typed::Number(number) => query.bind(number),
        Typed::Boolean(flag) => query.bind(flag),
        Typed::Date(date) => query.bind(date),
        Typed::DateTime(time) => query.bind(time.with_timezone(&Utc)),
        Typed::Uuid(uuid) => query.bind(uuid),
        Typed::Null(value) => match value {
            ValueType::String => query.bind(None::<&str>),
            ValueType::Integer => query.bind(None::<i64>),
            ValueType::Number => query.bind(None::<f64>),
            ValueType::Boolean => query.bind(None::<bool>),
            ValueType::Date => query.bind(None::<NaiveDate>),
            ValueType::DateTime => query.bind(None::<DateTime<Utc>>),
            ValueType::Uuid => query.bind(None::<Uuid>),
        },
    }
}

/// Asks the server to end what one of its processes does. A process that does nothing does not mind.
pub async fn cancel(options: &PgConnectOptions, backend: i32) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    let query = sqlx::query("select pg_cancel_backend($1)").bind(backend);
    query.execute(&mut connection).await?;
    connection.close().await
}

/// By the classes of SQLSTATE.
fn fault(error: &sqlx::Error) -> Fault {
    let Some(error) = error.as_database_error() else {
        return Fault::of_connection(error);
    };
    let code = error.code().unwrap_or_default();
    match &*code {
        "23505" | "23503" | "23P01" => Fault::Conflict,
        "57014" | "55P03" => Fault::Late,
        _ if code.starts_with("22") => Fault::Range,
        _ if code.starts_with("23") => Fault::Rule,
        _ if code.starts_with("08") || code.starts_with("57") => Fault::Broken,
        _ if code.starts_with("53") || code.starts_with("40") => Fault::Busy,
        _ => Fault::Statement(format!("{} ({code})", error.message())),
    }
}
