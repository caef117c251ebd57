//! `compose`: one call, several backends.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    PluginSchema, expression,
    expression::{Expression, PathExpression},
    operations::{self, Others, list, plain_name},
    transformation::{FRAME, IDENTITY},
};
use crate::schema::{Faults, Field, Record, Type, text};

/// As it is configured.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub backends: BTreeMap<String, Backend>,
    pub operations: Vec<Operation>,
    pub timeout: u64,
    pub max_calls: usize,
    pub max_response_size: usize,
    pub others: Others,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Backend {
    pub url: String,
    pub connect_timeout: u32,
    pub retries: u16,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub summary: Option<String>,
    pub steps: Vec<Step>,
    pub result: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    pub name: String,
    pub backend: String,
    pub method: String,
    pub path: String,
    pub query: Option<Map<String, Value>>,
    pub headers: Option<Map<String, Value>>,
    pub body: Option<String>,
    pub after: Vec<String>,
    pub each: Option<String>,
    pub timeout: u64,
    pub statuses: Option<Vec<u16>>,
    pub on_failure: OnFailure,
    pub default: Option<Value>,
}

/// What becomes of a call one of whose steps fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    Fail,
    Omit,
    Default,
}

const MAX_OPERATIONS: usize = 50;
const MAX_BACKENDS: usize = 16;
const MAX_STEPS: usize = 16;
/// Steps that wait for each other, in a row.
const MAX_DEPTH: usize = 5;

pub fn schema() -> PluginSchema {
    let backend = Record::new(vec![
        Field::new("url", Type::checked(backend_url)).required(),
        Field::new("connect_timeout", Type::integer(1, 60_000))
            .required()
            .default(2000),
        Field::new("retries", Type::integer(0, 10))
            .required()
            .default(1),
    ]);
    let step = Record::new(vec![
        Field::new("name", Type::checked(plain_name)).required(),
        Field::new("backend", Type::checked(plain_name)).required(),
        Field::new("method", Type::one_of(operations::METHODS))
            .required()
            .default("GET"),
        Field::new("path", Type::checked(path)).required(),
        Field::new("query", expressions(None)),
        Field::new("headers", expressions(Some(header))),
        Field::new("body", Type::checked(expression::check)),
        Field::new("after", Type::set(Type::checked(plain_name)))
            .required()
            .default(Vec::<String>::new()),
        Field::new("each", Type::checked(expression::check)),
        Field::new("timeout", Type::integer(1, 60_000))
            .required()
            .default(5000),
        Field::new("statuses", Type::set(Type::integer(200, 599))).len_min(1),
        Field::new("on_failure", Type::one_of(&["fail", "omit", "default"]))
            .required()
            .default("fail"),
        Field::new("default", Type::Json),
    ])
    .with_check(check_step);
    let mut fields = operations::fields();
    fields.push(
        Field::new("steps", Type::list(Type::Record(step)))
            .required()
            .len_min(1),
    );
    fields.push(Field::new("result", Type::Json));
    let operation = Record::new(fields).with_check(check_operation);
    let schema = Record::new(vec![
        Field::new(
            "backends",
            Type::Map(Some(plain_name), Box::new(Type::Record(backend))),
        )
        .required()
        .len_min(1),
        Field::new("operations", Type::list(Type::Record(operation)))
            .required()
            .len_min(1),
        Field::new("timeout", Type::integer(1, 60_000))
            .required()
            .default(10_000),
        Field::new("max_calls", Type::integer(1, 100))
            .required()
            .default(20),
        super::max_response_size(),
        operations::others(),
    ])
    .with_check(check);
    // Behind all others, as a backend is: also behind what answers in its place.
    PluginSchema::new("compose", 1, schema)
}

fn expressions(names: Option<crate::schema::TextCheck>) -> Type {
    Type::Map(names, Box::new(Type::checked(expression::check)))
}

fn path(text: &str) -> Result<(), String> {
    PathExpression::parse(text).map(drop)
}

/// A header that a step may set: none that says who calls, or that frames the message.
fn header(name: &str) -> Result<(), String> {
    text::header_name(name)?;
    let plain = name.to_ascii_lowercase().replace('_', "-");
    let is_ours = plain == "host" || plain == "content-type" || plain == "accept-encoding";
    if is_ours
        || [IDENTITY, FRAME]
            .iter()
            .any(|names| names.contains(&&*plain))
    {
        return Err(format!("the header {plain} cannot be set by configuration"));
    }
    Ok(())
}

fn backend_url(text: &str) -> Result<(), String> {
    let expected = "expected http:// or https:// with host and path";
    let url = url::Url::parse(text).map_err(|_| expected)?;
    let is_plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
        return Err(expected.to_owned());
    }
    Ok(())
}

fn check(config: &Map<String, Value>, faults: &mut Faults) {
    operations::check(config, MAX_OPERATIONS, faults);
    let none = Map::new();
    let backends = config.get("backends").and_then(Value::as_object);
    let backends = backends.unwrap_or(&none);
    if backends.len() > MAX_BACKENDS {
        faults.field("backends", format!("at most {MAX_BACKENDS}"));
    }
    for (number, operation) in list(config, "operations").iter().enumerate() {
        let steps = operation.get("steps").and_then(Value::as_array);
        for (position, step) in steps.into_iter().flatten().enumerate() {
            let backend = step.get("backend").and_then(Value::as_str);
            if let Some(backend) = backend
                && !backends.contains_key(backend)
            {
                let field = format!("operations.{}.steps.{}.backend", number + 1, position + 1);
                faults.field(&field, format!("`{backend}` is not among the backends"));
            }
        }
    }
}

fn check_step(step: &Map<String, Value>, faults: &mut Faults) {
    let is_default = step.get("on_failure") == Some(&json!("default"));
    if !is_default && step.get("default").is_some_and(|value| !value.is_null()) {
        faults.field("default", "only with on_failure: default");
    }
    let method = step.get("method").and_then(Value::as_str);
    let has_body = step.get("body").is_some_and(|body| !body.is_null());
    if has_body && matches!(method, Some("GET" | "HEAD")) {
        faults.field("body", "only with POST, PUT, PATCH or DELETE");
    }
}

fn check_operation(operation: &Map<String, Value>, faults: &mut Faults) {
    let steps = list(operation, "steps");
    if steps.len() > MAX_STEPS {
        faults.field("steps", format!("at most {MAX_STEPS}"));
    }
    // How many steps have ended before each.
    let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
    for (position, step) in steps.iter().enumerate() {
        let Some(name) = step.get("name").and_then(Value::as_str) else {
            continue;
        };
        let place = |field: &str| format!("steps.{}.{field}", position + 1);
        let after = step.get("after").and_then(Value::as_array);
        let mut depth = 1;
        for earlier in after.into_iter().flatten().filter_map(Value::as_str) {
            match depths.get(earlier) {
                Some(known) => depth = depth.max(known + 1),
                None => faults.field(&place("after"), format!("`{earlier}` is no earlier step")),
            }
        }
        if depth > MAX_DEPTH {
            faults.field(&place("after"), format!("at most {MAX_DEPTH} in a row"));
        }
        if depths.insert(name, depth).is_some() {
            faults.field(&place("name"), "another step has this name");
        }
    }
    match operation.get("result") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => {
            if let Err(fault) = Expression::parse(text) {
                faults.field("result", fault);
            }
        }
        Some(Value::Object(members)) => {
            for (name, member) in members {
                let fault = match member {
                    Value::String(text) => Expression::parse(text).err(),
                    _ => Some("expected an expression".to_owned()),
                };
                if let Some(fault) = fault {
                    faults.field(&format!("result.{}", name.replace('.', "_")), fault);
                }
            }
        }
        Some(_) => faults.field(
            "result",
            "expected an expression or an object of expressions",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Value)) -> Result<Config, Value> {
        let mut config = json!({
            "backends": {"pets": {"url": "http://pets/v1"}},
            "operations": [{"path": "/all/{id}", "steps": [
                {"name": "one", "backend": "pets", "path": "/pets/{path.id}"},
                {"name": "two", "backend": "pets", "path": "/x", "after": ["one"]},
            ]}],
        });
        change(&mut config);
        let Value::Object(config) = config else {
            unreachable!()
        };
        let complete = schema().config().complete(config);
        let complete = complete.map_err(|faults| Value::Object(faults.into_fields()))?;
        Ok(serde_json::from_value(Value::Object(complete)).unwrap())
    }

    #[test]
    fn a_complete_configuration_can_be_read() {
        let config = config(|_| {}).unwrap();
        assert_eq!((config.timeout, config.max_calls), (10_000, 20));
        assert_eq!(config.operations[0].steps[1].after, ["one"]);
    }

    #[test]
    fn faults_name_their_field() {
        let step = "/operations/0/steps/0";
        for (place, value, field) in [
            ("/surplus", json!(1), "/surplus"),
            ("/backends/pets/nope", json!(1), "/backends/pets/nope"),
            ("/operations/0/nope", json!(1), "/operations/1/nope"),
            (
                &*format!("{step}/nope"),
                json!(1),
                "/operations/1/steps/1/nope",
            ),
            (
                &format!("{step}/backend"),
                json!("other"),
                "/operations/1/steps/1/backend",
            ),
            (
                &format!("{step}/path"),
                json!("/{nope(@)}"),
                "/operations/1/steps/1/path",
            ),
            (
                &format!("{step}/after"),
                json!(["two"]),
                "/operations/1/steps/1/after",
            ),
            (
                &format!("{step}/body"),
                json!("body"),
                "/operations/1/steps/1/body",
            ),
            (
                &format!("{step}/default"),
                json!(1),
                "/operations/1/steps/1/default",
            ),
            (
                &format!("{step}/headers"),
                json!({"X-Consumer-ID": "path.id"}),
                "/operations/1/steps/1/headers",
            ),
            (
                "/operations/0/steps/1/name",
                json!("one"),
                "/operations/1/steps/2/name",
            ),
            (
                "/operations/0/result",
                json!({"a": "steps."}),
                "/operations/1/result/a",
            ),
            (
                "/backends/pets/url",
                json!("file:///etc"),
                "/backends/pets/url",
            ),
            (
                "/backends/pets/url",
                json!("http://a:b@c"),
                "/backends/pets/url",
            ),
        ] {
            let faults = config(|config| {
                let (parent, name) = place.rsplit_once('/').unwrap();
                config.pointer_mut(parent).unwrap()[name] = value.clone();
            });
            let faults = faults.unwrap_err();
            assert!(faults.pointer(field).is_some(), "{place}: {faults}");
        }
    }
}
