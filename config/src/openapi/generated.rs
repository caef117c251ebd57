//! The definition of an API whose calls are answered by plugins of the gateway: they know best which
//! there are.

use kong::plugins::{
    compose,
    data_service::{self, Parameter, Place, Rows, ValueType},
    operations::PathTemplate,
};
use serde_json::{Map, Value, json};

use crate::native::Answering;

/// Nothing if no plugin answers calls.
pub(super) fn document(
    name: &str,
    description: &str,
    version: Option<&str>,
    config: &Value,
) -> Option<Value> {
    let answering = Answering::read(config);
    let mut paths = Map::new();
    let mut add = |path: &str, method: &str, operation: Value| {
        let path = paths.entry(path).or_insert_with(|| json!({}));
        // Of two plugins with the same operation the first one answers.
        if let Some(path) = path.as_object_mut() {
            path.entry(method.to_ascii_lowercase()).or_insert(operation);
        }
    };
    for operation in answering
        .compose
        .iter()
        .flat_map(|config| &config.operations)
    {
        add(&operation.path, &operation.method, composed(operation));
    }
    let served = answering.data_service.iter();
    for operation in served.flat_map(|config| &config.operations) {
        add(&operation.path, &operation.method, data(operation));
    }
    if paths.is_empty() {
        return None;
    }
    Some(json!({
        "openapi": "3.0.3",
        "info": {"title": name, "description": description, "version": version.unwrap_or("1")},
        "paths": paths,
    }))
}

fn composed(operation: &compose::Operation) -> Value {
    let template = PathTemplate::parse(&operation.path).ok();
    let names = template.iter().flat_map(PathTemplate::names);
    let parameters = names.map(
        |name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}),
    );
    let mut described = described(
        &operation.method,
        &operation.path,
        operation.summary.as_deref(),
    );
    described["parameters"] = parameters.collect();
    if !matches!(&*operation.method, "GET" | "HEAD" | "DELETE") {
        described["requestBody"] = json!({"content": {"application/json": {"schema": {}}}});
    }
    described["responses"] = json!({
        "200": answer("What the backends said together. `Wicketgate-Partial` names those that failed.", &json!({})),
        "502": refusal("A backend failed."),
        "504": refusal("A backend was late."),
    });
    described
}

fn data(operation: &data_service::Operation) -> Value {
    let mut described = described(
        &operation.method,
        &operation.path,
        operation.summary.as_deref(),
    );
    let outside = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.place != Place::Body);
    let parameters = outside.map(|parameter| {
        let in_path = parameter.place == Place::Path;
        json!({
            "name": parameter.name,
            "in": if in_path { "path" } else { "query" },
            "required": in_path || parameter.required == Some(true),
            "schema": schema(parameter),
        })
    });
    described["parameters"] = parameters.collect();
    let members: Vec<&Parameter> = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.place == Place::Body)
        .collect();
    if !members.is_empty() {
        let required: Vec<&str> = members
            .iter()
            .filter(|parameter| parameter.required == Some(true))
            .map(|parameter| &*parameter.name)
            .collect();
        let properties: Map<String, Value> = members
            .iter()
            .map(|parameter| (parameter.name.clone(), schema(parameter)))
            .collect();
        let mut object = json!({
            "type": "object", "properties": properties, "additionalProperties": false,
        });
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        described["requestBody"] = json!({
            "required": !required.is_empty(),
            "content": {"application/json": {"schema": object}},
        });
    }
    described["responses"] = responses(operation);
    described
}

fn responses(operation: &data_service::Operation) -> Value {
    let mut responses = json!({
        "400": refusal("A parameter is wrong; `fields` names all of them."),
        "503": refusal("The database is not available."),
        "504": refusal("The database did not answer in time."),
    });
    let status = if operation.writes && operation.method == "POST" {
        "201"
    } else {
        "200"
    };
    match operation.rows {
        Rows::Many => {
            let rows = json!({"type": "array", "items": {"type": "object"}});
            responses[status] = answer("The rows.", &rows);
        }
        Rows::One => responses[status] = answer("The row.", &json!({"type": "object"})),
        Rows::None => responses["204"] = json!({"description": "It is done."}),
    }
    if operation.rows != Rows::Many {
        responses["404"] = refusal("There is no such row.");
    }
    if operation.writes {
        responses["409"] = refusal("It is there already, or something refers to it.");
        responses["422"] = refusal("A value breaks a rule.");
    }
    responses
}

fn described(method: &str, path: &str, summary: Option<&str>) -> Value {
    let words = path.split(|other: char| !other.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let id: Vec<&str> = words.collect();
    let mut described = json!({
        "operationId": format!("{}_{}", method.to_ascii_lowercase(), id.join("_")),
    });
    if let Some(summary) = summary {
        described["summary"] = summary.into();
    }
    described
}

fn answer(description: &str, schema: &Value) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn refusal(description: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"message": {"type": "string"}}});
    answer(description, &schema)
}

fn schema(parameter: &Parameter) -> Value {
    let mut schema = match parameter.value {
        ValueType::String => {
            json!({"type": "string", "maxLength": parameter.max_length})
        }
        ValueType::Integer => json!({"type": "integer", "format": "int64"}),
        ValueType::Number => json!({"type": "number"}),
        ValueType::Boolean => json!({"type": "boolean"}),
        ValueType::Date => json!({"type": "string", "format": "date"}),
        ValueType::DateTime => json!({"type": "string", "format": "date-time"}),
        ValueType::Uuid => json!({"type": "string", "format": "uuid"}),
    };
    let pattern = parameter
        .pattern
        .as_ref()
        .map(|pattern| format!("^(?:{pattern})$"));
    for (name, value) in [
        ("default", parameter.default.clone()),
        ("enum", parameter.possible.clone().map(Value::Array)),
        ("minimum", parameter.minimum.map(number)),
        ("maximum", parameter.maximum.map(number)),
        ("pattern", pattern.map(Value::String)),
    ] {
        if let Some(value) = value {
            schema[name] = value;
        }
    }
    schema
}

/// Whole numbers without a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only whole numbers in range get here"
)]
fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}
