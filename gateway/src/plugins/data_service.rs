//! Serves declared SQL statements. Callers bring values, and nothing else.

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use kong::plugins::data_service::{Config, Place, Reader, Rows, Statement, Typed};
use serde_json::{Map, Value, json};

use super::{Verdict, operations::Calls};
use crate::{
    databases::{Database, Dialect, Fault, Limits, Prepared, Question, Reply},
    proxy::{Answer, Exchange},
    worker::Worker,
};

/// A longer body is refused.
const MAX_BODY: u64 = 1 << 20;
const TRUNCATED: HeaderName = HeaderName::from_static("wicketgate-truncated");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub struct DataService {
    database: String,
    calls: Calls,
    operations: Vec<Operation>,
}

struct Operation {
    parameters: Vec<Parameter>,
    reads_body: bool,
    method: String,
    rows: Rows,
    writes: bool,
    /// The positions of the parameters that the statement names, in its order.
    order: Vec<usize>,
    /// The statement for each kind of database; which it is, the operator decides.
    prepared: Vec<Arc<Prepared>>,
}

struct Parameter {
    name: String,
    place: Place,
    reader: Reader,
}

/// What is wrong, by name of the parameter.
type Faults = Map<String, Value>;

impl DataService {
    pub fn new(config: Config) -> Result<Self, String> {
        let calls = config.operations.iter();
        let calls = calls.map(|operation| (&*operation.method, &*operation.path));
        let calls = Calls::new(calls, config.others)?;
        let limits = Limits {
            rows: config.max_rows,
            bytes: config.max_response_size,
            timeout: Duration::from_millis(config.timeout),
        };
        let operations = config.operations.iter();
        let operations = operations.map(|operation| {
            let statement = Statement::parse(&operation.sql)?;
            let parameters = operation.parameters.iter().map(|parameter| {
                let reader = parameter.reader();
                let reader = reader.map_err(|(field, fault)| format!("{field}: {fault}"))?;
                Ok(Parameter {
                    name: parameter.name.clone(),
                    place: parameter.place,
                    reader,
                })
            });
            let parameters = parameters.collect::<Result<Vec<_>, String>>()?;
            let order = statement.names().into_iter().map(|name| {
                let known = parameters
                    .iter()
                    .position(|parameter| parameter.name == name);
                known.ok_or_else(|| format!("`:{name}` is no parameter"))
            });
            let prepared = |dialect: &Dialect| {
                Arc::new(Prepared::new(
                    &statement,
                    *dialect,
                    operation.rows,
                    operation.writes,
                    limits,
                ))
            };
            Ok::<_, String>(Operation {
                order: order.collect::<Result<_, _>>()?,
                reads_body: parameters
                    .iter()
                    .any(|parameter| parameter.place == Place::Body),
                method: operation.method.clone(),
                rows: operation.rows,
                writes: operation.writes,
                prepared: Dialect::ALL.iter().map(prepared).collect(),
                parameters,
            })
        });
        Ok(Self {
            operations: operations.collect::<Result<_, _>>()?,
            database: config.database,
            calls,
        })
    }

    pub async fn answer(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let (operation, path) = match self.calls.find(exchange) {
            Ok(Some((operation, path))) => (&self.operations[operation], path),
            Ok(None) => return Verdict::Continue,
            Err(answer) => return answer.into(),
        };
        let Some(database) = worker.shared.databases.find(&self.database) else {
            tracing::error!(
                "database `{}` is not known to this gateway; its URL has to stand in \
                 GATEWAY_DATABASE_{}",
                self.database,
                self.database.to_ascii_uppercase()
            );
            return away().into();
        };
        let values = match operation.values(exchange, worker, path).await {
            Ok(values) => values,
            Err(answer) => return answer.into(),
        };
        let question = Question {
            prepared: operation.prepared(database),
            values,
        };
        let outcome = worker.shared.databases.ask(database, question).await;
        operation.reply(outcome).into()
    }
}

impl Operation {
    fn prepared(&self, database: &Database) -> Arc<Prepared> {
        self.prepared[database.dialect() as usize].clone()
    }

    /// The values for the statement, in its order. All that is wrong is said at once.
    async fn values(
        &self,
        exchange: &mut Exchange<'_>,
        worker: &Worker,
        path: Vec<(String, String)>,
    ) -> Result<Vec<Typed>, Answer> {
        let body = if self.reads_body {
            body(exchange, worker).await?
        } else {
            Map::new()
        };
        let mut faults = Faults::new();
        let query = self.query(exchange, &mut faults);
        let path: HashMap<String, String> = path.into_iter().collect();
        for name in body.keys() {
            let is_known =
                |parameter: &Parameter| parameter.place == Place::Body && parameter.name == *name;
            if !self.parameters.iter().any(is_known) {
                faults.insert(name.clone(), json!("is not known"));
            }
        }
        let mut values = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let Parameter { name, reader, .. } = parameter;
            let read = match parameter.place {
                Place::Path => path.get(name).map(|text| reader.text(text)),
                Place::Query => query.get(name).map(|text| reader.text(text)),
                // Null is a way to say that there is none.
                Place::Body => {
                    let member = body.get(name).filter(|member| !member.is_null());
                    member.map(|value| reader.json(value))
                }
            };
            match read.unwrap_or_else(|| reader.absent()) {
                Ok(value) => values.push(value),
                Err(fault) => {
                    faults.entry(name.clone()).or_insert_with(|| fault.into());
                }
            }
        }
        if !faults.is_empty() {
            let body = json!({ "message": "Invalid parameters", "fields": faults });
            return Err(Answer::json(StatusCode::BAD_REQUEST, &body));
        }
        let order = self.order.iter();
        Ok(order.map(|position| values[*position].clone()).collect())
    }

    fn query(&self, exchange: &Exchange<'_>, faults: &mut Faults) -> HashMap<String, String> {
        let mut values = HashMap::new();
        let query = exchange.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let is_known = self
                .parameters
                .iter()
                .any(|parameter| parameter.place == Place::Query && parameter.name == name);
            if !is_known {
                // Callers may show their keys there.
                let mut secrets = super::secret_names(exchange.target);
                if !secrets.any(|secret| secret == name) {
                    faults.insert(name.into_owned(), json!("is not known"));
                }
                continue;
            }
            let name = name.into_owned();
            if values.insert(name.clone(), value.into_owned()).is_some() {
                faults.insert(name, json!("is there more than once"));
            }
        }
        values
    }

    fn reply(&self, outcome: Result<Reply, Fault>) -> Answer {
        match outcome {
            Ok(Reply::Rows { json, is_truncated }) => {
                let status = match &*self.method {
                    "POST" if self.writes => StatusCode::CREATED,
                    _ => StatusCode::OK,
                };
                let answer = Answer::empty(status).body(JSON, json);
                if is_truncated {
                    answer.header(TRUNCATED, HeaderValue::from_static("rows"))
                } else {
                    answer
                }
            }
            Ok(Reply::Done) => Answer::empty(StatusCode::NO_CONTENT),
            // A statement that is not to answer rows, and may well find none to change.
            Ok(Reply::Nothing) if self.rows == Rows::None && !self.writes => {
                Answer::empty(StatusCode::NO_CONTENT)
            }
            Ok(Reply::Nothing) => Answer::new(StatusCode::NOT_FOUND, "There is no such row"),
            Err(fault) => refusal(&fault),
        }
    }
}

/// The client's JSON object.
async fn body(exchange: &mut Exchange<'_>, worker: &Worker) -> Result<Map<String, Value>, Answer> {
    exchange.body_limit = exchange.body_limit.min(MAX_BODY);
    exchange.read_body(worker).await?;
    let Some(body) = exchange.kept_body().filter(|body| !body.is_empty()) else {
        return Ok(Map::new());
    };
    let content_type = exchange.head.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let kind = content_type.and_then(|value| value.split(';').next());
    let is_json = kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        let text = "The body has to be application/json";
        return Err(Answer::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    serde_json::from_slice(body)
        .map_err(|_| Answer::new(StatusCode::BAD_REQUEST, "The body has to be a JSON object"))
}

fn away() -> Answer {
    Answer::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "The database is not available",
    )
    .header(RETRY_AFTER, HeaderValue::from_static("5"))
}

fn refusal(fault: &Fault) -> Answer {
    let (status, text) = match fault {
        Fault::Away | Fault::Broken => return away(),
        Fault::Busy => {
            return Answer::new(StatusCode::SERVICE_UNAVAILABLE, "The database is busy")
                .header(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Fault::Late => (
            StatusCode::GATEWAY_TIMEOUT,
            "The database did not answer in time",
        ),
        Fault::TooLarge => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The answer would be too large; ask for less",
        ),
        Fault::Range => (
            StatusCode::BAD_REQUEST,
            "A value is outside of what can be stored",
        ),
        Fault::Conflict => (
            StatusCode::CONFLICT,
            "It is there already, is referred to, or refers to what is not there",
        ),
        Fault::Rule => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "A value breaks a rule of the database",
        ),
        Fault::Statement(_) | Fault::Wrong => return Answer::internal_error(),
    };
    Answer::new(status, text)
}
