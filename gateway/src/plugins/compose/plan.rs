//! Operations, ready to run. Nothing here waits for anybody.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue, Method, StatusCode};
use kong::plugins::{
    compose::{self, Config, OnFailure},
    expression::{Expression, PathExpression, Piece, Variable},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{
    Failed, Shared, object,
    values::{json, scalar},
};

/// What may not stand in a segment, or in a query, as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// A query of a step is at most this long, as one of a client is.
const MAX_TARGET: usize = 16 * 1024;

pub struct Plan {
    pub operations: Vec<Operation>,
    pub timeout: Duration,
    pub max_calls: usize,
    pub max_response_size: usize,
}

pub struct Operation {
    pub steps: Vec<Step>,
    result: Outcome,
}

enum Outcome {
    /// All steps by name.
    Steps,
    One(Expression),
    Members(Vec<(String, Expression)>),
}

pub struct Step {
    pub name: String,
    /// The number of its backend.
    pub backend: usize,
    pub timeout: Duration,
    /// The numbers of the steps that it waits for.
    pub after: Vec<usize>,
    pub each: Option<Expression>,
    pub on_failure: OnFailure,
    pub default: Shared,
    method: Method,
    path: PathExpression,
    query: Vec<(String, Expression)>,
    headers: Vec<(HeaderName, Expression)>,
    body: Option<Expression>,
    statuses: Option<Vec<u16>>,
}

/// What a backend is asked.
pub struct Call {
    pub method: Method,
    /// Below the backend's path, encoded.
    pub path: String,
    pub query: Option<String>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Option<Vec<u8>>,
}

impl Plan {
    pub fn new(config: &Config) -> Result<Self, String> {
        let backends: Vec<&String> = config.backends.keys().collect();
        let operations = config.operations.iter();
        Ok(Self {
            operations: operations
                .map(|operation| Operation::new(operation, &backends))
                .collect::<Result<_, _>>()?,
            timeout: Duration::from_millis(config.timeout),
            max_calls: config.max_calls,
            max_response_size: config.max_response_size,
        })
    }
}

impl Operation {
    fn new(operation: &compose::Operation, backends: &[&String]) -> Result<Self, String> {
        let names: Vec<&str> = operation.steps.iter().map(|step| &*step.name).collect();
        let steps = operation.steps.iter();
        let steps = steps.map(|step| Step::new(step, &names, backends));
        let result = match &operation.result {
            None | Some(Value::Null) => Outcome::Steps,
            Some(Value::String(text)) => Outcome::One(Expression::parse(text)?),
            Some(Value::Object(members)) => Outcome::Members(parse_all(members)?),
            Some(_) => return Err("result is no expression".to_owned()),
        };
        Ok(Self {
            steps: steps.collect::<Result<_, _>>()?,
            result,
        })
    }

    /// The answer, from what the steps gave.
    pub fn answer(&self, data: &Shared, steps: &Shared, limit: usize) -> Result<Vec<u8>, Failed> {
        let value = match &self.result {
            Outcome::Steps => steps.clone(),
            Outcome::One(expression) => expression.evaluate(data).map_err(Failed::Expression)?,
            Outcome::Members(members) => {
                let mut chosen = BTreeMap::new();
                for (name, expression) in members {
                    let value = expression.evaluate(data).map_err(Failed::Expression)?;
                    if !value.is_null() {
                        chosen.insert(name.clone(), value);
                    }
                }
                object(chosen)
            }
        };
        json(&value, limit).ok_or(Failed::TooLarge)
    }
}

impl Step {
    fn new(step: &compose::Step, names: &[&str], backends: &[&String]) -> Result<Self, String> {
        let number = |name: &str| names.iter().position(|known| *known == name);
        let after = step.after.iter().map(|name| number(name));
        let default = step.default.clone().unwrap_or_default();
        let default = Variable::try_from(default).map_err(|error| error.to_string())?;
        let headers = parse_all(&step.headers.clone().unwrap_or_default())?;
        let headers = headers.into_iter().map(|(name, value)| {
            let name = crate::plugins::header_name(&name)?;
            Ok::<_, String>((name, value))
        });
        let backend = backends.iter().position(|known| **known == step.backend);
        Ok(Self {
            name: step.name.clone(),
            backend: backend.ok_or("unknown backend")?,
            timeout: Duration::from_millis(step.timeout),
            after: after.collect::<Option<_>>().ok_or("unknown step")?,
            each: step.each.as_deref().map(Expression::parse).transpose()?,
            on_failure: step.on_failure,
            default: Shared::new(default),
            method: Method::from_bytes(step.method.as_bytes())
                .map_err(|error| error.to_string())?,
            path: PathExpression::parse(&step.path)?,
            query: parse_all(&step.query.clone().unwrap_or_default())?,
            headers: headers.collect::<Result<_, _>>()?,
            body: step.body.as_deref().map(Expression::parse).transpose()?,
            statuses: step.statuses.clone(),
        })
    }

    /// Whether a status counts as an answer.
    pub fn accepts(&self, status: StatusCode) -> bool {
        match &self.statuses {
            Some(statuses) => statuses.contains(&status.as_u16()),
            None => status.is_success(),
        }
    }

    /// What the backend is asked, for what is known by now.
    pub fn call(&self, data: &Shared, limit: usize) -> Result<Call, Failed> {
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, expression) in &self.headers {
            let value = expression.evaluate(data).map_err(Failed::Expression)?;
            let Some(text) = scalar(&value) else { continue };
            // Line ends would begin another header; they are no value.
            let value = HeaderValue::from_str(&text)
                .map_err(|_| Failed::Expression(format!("`{name}` is no header value")))?;
            headers.push((name.clone(), value));
        }
        let body = match &self.body {
            Some(body) => {
                let value = body.evaluate(data).map_err(Failed::Expression)?;
                Some(json(&value, limit).ok_or(Failed::TooLarge)?)
            }
            None => None,
        };
        let (path, query) = (self.path(data)?, self.query(data)?);
        if path.len() + query.as_ref().map_or(0, String::len) > MAX_TARGET {
            return Err(Failed::Expression("the address is too long".to_owned()));
        }
        Ok(Call {
            method: self.method.clone(),
            path,
            query,
            headers,
            body,
        })
    }

    fn path(&self, data: &Shared) -> Result<String, Failed> {
        let mut path = String::new();
        for piece in self.path.pieces() {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Value(expression) => {
                    let value = expression.evaluate(data).map_err(Failed::Expression)?;
                    let text = scalar(&value).filter(|text| !text.is_empty());
                    let text = text.ok_or_else(|| {
                        Failed::Expression("a part of the path is missing".into())
                    })?;
                    path.extend(utf8_percent_encode(&text, ENCODED));
                }
            }
        }
        // Dots are not encoded by anybody, and would lead out of the configured path.
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(Failed::Expression("a segment is `.` or `..`".to_owned()));
        }
        Ok(path)
    }

    fn query(&self, data: &Shared) -> Result<Option<String>, Failed> {
        let mut query = String::new();
        let mut add = |name: &str, value: &Variable| {
            let Some(text) = scalar(value) else { return };
            query.push(if query.is_empty() { '?' } else { '&' });
            query.extend(utf8_percent_encode(name, ENCODED));
            query.push('=');
            query.extend(utf8_percent_encode(&text, ENCODED));
        };
        for (name, expression) in &self.query {
            let value = expression.evaluate(data).map_err(Failed::Expression)?;
            match &*value {
                Variable::Array(several) => several.iter().for_each(|value| add(name, value)),
                one => add(name, one),
            }
        }
        Ok((!query.is_empty()).then_some(query))
    }
}

fn parse_all(
    members: &serde_json::Map<String, Value>,
) -> Result<Vec<(String, Expression)>, String> {
    let members = members.iter().map(|(name, text)| {
        let text = text.as_str().unwrap_or_default();
        Ok((name.clone(), Expression::parse(text)?))
    });
    members.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A step that puts the caller's values wherever values can be.
    fn step() -> Step {
        let step = json!({
            "name": "a", "backend": "b", "method": "POST", "timeout": 1, "after": [], "on_failure": "fail",
            "path": "/shop/{query.one}/items/{body.two}.json",
            "query": {"q": "query.one", "all": "body.list"},
            "headers": {"x-value": "query.one"},
            "body": "{value: body}",
        });
        let step: compose::Step = serde_json::from_value(step).unwrap();
        Step::new(&step, &["a"], &[&"b".to_owned()]).unwrap()
    }

    fn seen_by_expressions(data: Value) -> Shared {
        Shared::new(Variable::try_from(data).unwrap())
    }

    proptest! {
        /// Whatever a caller sends, a backend is asked for what is configured and nothing beside it.
        #[test]
        fn values_stay_where_they_are_put(
            one in "\\.{0,3}|/?(\\.\\./|%2e|[a-z/?#&;\\\\]){0,8}|\\PC{0,20}|.{0,20}",
            two in prop::option::of(prop_oneof!["[a-z]{1,5}".prop_map(Value::from), any::<i64>().prop_map(Value::from)]),
            list in prop::collection::vec(".{0,8}", 0..4),
        ) {
            let data = json!({"query": {"one": &one}, "body": {"two": two, "list": &list}});
            let Ok(call) = step().call(&seen_by_expressions(data.clone()), 1000) else {
                return Ok(());
            };
            let segments: Vec<&str> = call.path.split('/').collect();
            prop_assert_eq!(segments.len(), 5, "{}", call.path);
            prop_assert_eq!((segments[1], segments[3]), ("shop", "items"));
            prop_assert!(!segments.iter().any(|segment| matches!(*segment, "." | "..")));
            prop_assert!(call.path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte)));
            let query = call.query.unwrap();
            let pairs = url::form_urlencoded::parse(&query.as_bytes()[1..]);
            let pairs: Vec<(String, String)> = pairs.into_owned().collect();
            prop_assert_eq!(pairs.len(), 1 + list.len());
            prop_assert!(pairs.contains(&("q".to_owned(), one.clone())));
            for (_, value) in &call.headers {
                prop_assert!(!value.as_bytes().iter().any(|byte| b"\r\n\0".contains(byte)));
            }
            let sent: Value = serde_json::from_slice(&call.body.unwrap()).unwrap();
            prop_assert_eq!(&sent["value"], &data["body"]);
        }

        /// No answer is longer than allowed, whatever the backends said.
        #[test]
        fn answers_have_their_limit(text in ".{0,200}", limit in 0_usize..100) {
            let step = seen_by_expressions(json!({"a": text}));
            let operation = Operation { steps: Vec::new(), result: Outcome::Steps };
            match operation.answer(&step, &step, limit) {
                Ok(answer) => prop_assert!(answer.len() <= limit),
                Err(failed) => prop_assert_eq!(failed, Failed::TooLarge),
            }
        }
    }
}
