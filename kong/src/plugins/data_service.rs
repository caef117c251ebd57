//! `data-service`: declared SQL statements, served as REST.

mod parameter;
mod statement;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    PluginSchema,
    operations::{self, Others, PathTemplate, list, plain_name},
};
use crate::schema::{Faults, Field, Record, Type, text};

pub use parameter::{Parameter, Place, Reader, Typed, ValueType};
pub use statement::Statement;

/// As it is configured.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub database: String,
    pub operations: Vec<Operation>,
    pub timeout: u64,
    pub max_rows: u32,
    pub max_response_size: usize,
    pub others: Others,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub summary: Option<String>,
    pub sql: String,
    pub parameters: Vec<Parameter>,
    pub rows: Rows,
    pub writes: bool,
}

/// What of the rows is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    Many,
    One,
    None,
}

const MAX_OPERATIONS: usize = 100;
const MAX_PARAMETERS: usize = 50;

pub fn schema() -> PluginSchema {
    let parameter = Record::new(vec![
        Field::new("name", Type::checked(plain_name)).required(),
        Field::new("in", Type::one_of(&["path", "query", "body"]))
            .required()
            .default("query"),
        Field::new("type", Type::one_of(parameter::TYPES))
            .required()
            .default("string"),
        Field::new("required", Type::Boolean),
        Field::new("default", Type::Json),
        Field::new("enum", Type::list(Type::Json)).len_min(1),
        Field::new("minimum", Type::Number { between: None }),
        Field::new("maximum", Type::Number { between: None }),
        Field::new("max_length", Type::integer(1, 100_000))
            .required()
            .default(1000),
        Field::new("pattern", Type::checked(text::regex)),
    ])
    .with_check(check_parameter);
    let mut fields = operations::fields();
    fields.extend([
        Field::new("sql", Type::checked(sql)).required(),
        Field::new("parameters", Type::list(Type::Record(parameter)))
            .required()
            .default(Vec::<Value>::new()),
        Field::new("rows", Type::one_of(&["many", "one", "none"]))
            .required()
            .default("many"),
        Field::new("writes", Type::Boolean)
            .required()
            .default(false),
    ]);
    let operation = Record::new(fields).with_check(check_operation);
    let schema = Record::new(vec![
        Field::new("database", Type::checked(database)).required(),
        Field::new("operations", Type::list(Type::Record(operation)))
            .required()
            .len_min(1),
        Field::new("timeout", Type::integer(1, 30_000))
            .required()
            .default(5000),
        Field::new("max_rows", Type::integer(1, 100_000))
            .required()
            .default(1000),
        super::max_response_size(),
        operations::others(),
    ])
    .with_check(|config, faults| operations::check(config, MAX_OPERATIONS, faults));
    PluginSchema::new("data-service", 0, schema)
}

/// The name of a database that the operator of a gateway has set up.
pub fn database(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(is_plain) {
        return Ok(());
    }
    let hint = if name.contains(':') {
        ": credentials and addresses do not belong here, but into GATEWAY_DATABASE_<NAME> of the \
         gateway"
    } else {
        ""
    };
    Err(format!("a name has 1 to 64 of a-z, 0-9 and _{hint}"))
}

fn sql(text: &str) -> Result<(), String> {
    Statement::parse(text).map(drop)
}

fn check_parameter(parameter: &Map<String, Value>, faults: &mut Faults) {
    let parsed: Result<Parameter, _> = serde_json::from_value(parameter.clone().into());
    // What cannot be read has its fault already.
    let Ok(parameter) = parsed else { return };
    if let Err((field, fault)) = parameter.reader() {
        faults.field(field, fault);
    }
}

fn check_operation(operation: &Map<String, Value>, faults: &mut Faults) {
    let writes = operation.get("writes") == Some(&json!(true));
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    let method = text("method").unwrap_or_default();
    if writes && matches!(method, "GET" | "HEAD") {
        faults.field("writes", "not with GET or HEAD");
    }
    let parameters = list(operation, "parameters");
    if parameters.len() > MAX_PARAMETERS {
        faults.field("parameters", format!("at most {MAX_PARAMETERS}"));
    }
    let statement = text("sql").and_then(|sql| Statement::parse(sql).ok());
    if let Some(statement) = &statement {
        let verbs: &[&str] = if writes {
            &["insert", "update", "delete", "with"]
        } else {
            &["select", "with", "values"]
        };
        if !verbs.contains(&&*statement.verb()) {
            faults.field("sql", format!("should start with: {}", verbs.join(", ")));
        }
    }
    let path = text("path").and_then(|path| PathTemplate::parse(path).ok());
    let mut declared: Vec<(&str, &str)> = Vec::new();
    for (position, parameter) in parameters.iter().enumerate() {
        let text = |field: &str| parameter.get(field).and_then(Value::as_str);
        let (Some(name), Some(place)) = (text("name"), text("in")) else {
            continue;
        };
        let field = |field: &str| format!("parameters.{}.{field}", position + 1);
        if declared.iter().any(|(known, _)| *known == name) {
            faults.field(&field("name"), "another parameter has this name");
        }
        declared.push((name, place));
        let is_used = statement
            .as_ref()
            .is_none_or(|statement| statement.names().contains(&name));
        if !is_used {
            faults.field(&field("name"), format!("`:{name}` is not in the statement"));
        }
        let in_path = path
            .as_ref()
            .is_none_or(|path| path.names().any(|known| known == name));
        if place == "path" && !in_path {
            faults.field(&field("in"), format!("`{{{name}}}` is not in the path"));
        }
        if place == "body" && matches!(method, "GET" | "HEAD") {
            faults.field(&field("in"), "only with POST, PUT, PATCH or DELETE");
        }
    }
    for name in statement.iter().flat_map(Statement::names) {
        if !declared.iter().any(|(known, _)| *known == name) {
            faults.field("sql", format!("`:{name}` is not among the parameters"));
        }
    }
    for name in path.iter().flat_map(PathTemplate::names) {
        if !declared.contains(&(name, "path")) {
            let fault = format!("`{{{name}}}` is not among the parameters with in: path");
            faults.field("path", fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(change: impl FnOnce(&mut Value)) -> Value {
        let mut config = json!({
            "database": "shop",
            "operations": [{
                "path": "/orders/{id}",
                "sql": "select * from orders where id = :id and kind = :kind",
                "parameters": [
                    {"name": "id", "in": "path", "type": "integer"},
                    {"name": "kind", "default": "new", "enum": ["new", "old"]},
                ],
            }],
        });
        change(&mut config);
        let Value::Object(config) = config else {
            unreachable!()
        };
        match schema().config().complete(config) {
            Ok(complete) => {
                let _: Config = serde_json::from_value(Value::Object(complete)).unwrap();
                Value::Null
            }
            Err(faults) => Value::Object(faults.into_fields()),
        }
    }

    #[test]
    fn a_complete_configuration_can_be_read() {
        assert_eq!(faults(|_| {}), Value::Null);
    }

    #[test]
    fn faults_name_their_field() {
        let first = "/operations/1/parameters/1";
        for (place, value, field) in [
            ("/surplus", json!(1), "/surplus"),
            ("/database", json!("postgres://u:p@h/d"), "/database"),
            ("/operations/0/nope", json!(1), "/operations/1/nope"),
            (
                "/operations/0/parameters/0/nope",
                json!(1),
                &*format!("{first}/nope"),
            ),
            (
                "/operations/0/parameters/0/name",
                json!("other"),
                &format!("{first}/name"),
            ),
            (
                "/operations/0/parameters/0/pattern",
                json!("a"),
                &format!("{first}/pattern"),
            ),
            (
                "/operations/0/parameters/0/default",
                json!(1),
                &format!("{first}/default"),
            ),
            (
                "/operations/0/parameters/0/in",
                json!("query"),
                "/operations/1/path",
            ),
            (
                "/operations/0/parameters/1/default",
                json!("x"),
                "/operations/1/parameters/2/default",
            ),
            (
                "/operations/0/parameters/1/in",
                json!("body"),
                "/operations/1/parameters/2/in",
            ),
            (
                "/operations/0/sql",
                json!("delete from orders"),
                "/operations/1/sql",
            ),
            (
                "/operations/0/sql",
                json!("attach 'x' as y"),
                "/operations/1/sql",
            ),
            (
                "/operations/0/sql",
                json!("select 1; select 2"),
                "/operations/1/sql",
            ),
            (
                "/operations/0/sql",
                json!("select :more"),
                "/operations/1/sql",
            ),
            ("/operations/0/writes", json!(true), "/operations/1/writes"),
        ] {
            let faults = faults(|config| {
                let (parent, name) = place.rsplit_once('/').unwrap();
                config.pointer_mut(parent).unwrap()[name] = value.clone();
            });
            assert!(faults.pointer(field).is_some(), "{place}: {faults}");
        }
    }

    #[test]
    fn two_operations_for_one_call_are_refused() {
        let faults = faults(|config| {
            let first = config["operations"][0].clone();
            config["operations"].as_array_mut().unwrap().push(first);
        });
        assert!(faults.pointer("/operations/2/path").is_some(), "{faults}");
    }
}
