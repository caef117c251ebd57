//! Plugins that change requests and answers.

use serde_json::{Map, Number, Value};

use super::PluginSchema;
use crate::{
    schema::{Faults, Field, Record, TextCheck, Type, text},
    template::{Part, Template},
};

/// Headers that carry who calls. No configuration may forge them.
pub(super) const IDENTITY: &[&str] = &[
    "x-consumer-id",
    "x-consumer-custom-id",
    "x-consumer-username",
    "x-consumer-groups",
    "x-credential-identifier",
    "x-credential-username",
    "x-anonymous-consumer",
    "x-authenticated-userid",
    "x-authenticated-scope",
    "x-authenticated-groups",
    "x-authenticated-consumer-id",
];
/// Headers that are the frame of the message.
pub(super) const FRAME: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "content-length",
    "transfer-encoding",
];

pub fn request_transformer() -> PluginSchema {
    let group = |name, check: TextCheck, body: TextCheck, uri: bool| {
        let area = |name| {
            Field::new(name, Type::list(Type::checked(check)))
                .required()
                .default(Vec::<String>::new())
        };
        let mut fields = vec![
            area("headers"),
            area("querystring"),
            Field::new("body", Type::list(Type::checked(body)))
                .required()
                .default(Vec::<String>::new()),
        ];
        if uri {
            fields.push(Field::new("uri", Type::checked(uri_template)));
        }
        Field::new(name, Type::Record(Record::new(fields)))
    };
    let schema = Record::new(vec![
        Field::new("http_method", Type::checked(text::method)),
        group("remove", text::header_name, text::header_value, false),
        group("rename", renamed_header, named, false),
        group("replace", named_template, member_template, true),
        group("add", named_template, member_template, false),
        group("append", named_template, member_template, false),
    ])
    .with_check(|config, faults| refuse_protected(config, &[IDENTITY, FRAME], faults));
    PluginSchema::new("request-transformer", 801, schema).per_consumer()
}

pub fn response_transformer() -> PluginSchema {
    let list = |name, element| {
        Field::new(name, Type::list(element))
            .required()
            .default(Vec::<String>::new())
    };
    let group = |name, headers, json| {
        let mut fields = vec![list("headers", Type::checked(headers)), list("json", json)];
        if TYPED.contains(&name) {
            fields.push(list("json_types", Type::one_of(JSON_TYPES)));
        }
        Field::new(name, Type::Record(Record::new(fields)))
    };
    let schema = Record::new(vec![
        group("remove", text::header_name, Type::text()),
        group("rename", renamed_header, Type::checked(named)),
        group("replace", named_value, Type::checked(named)),
        group("add", named_value, Type::checked(named)),
        group("append", named_value, Type::checked(named)),
    ])
    .with_check(|config, faults| {
        refuse_protected(config, &[FRAME], faults);
        check_json_types(config, faults);
    });
    PluginSchema::new("response-transformer", 800, schema).per_consumer()
}

/// Groups whose values have a type.
const TYPED: [&str; 3] = ["replace", "add", "append"];
const JSON_TYPES: &[&str] = &["boolean", "number", "string"];

/// `name:value`, or `old:new`.
fn named(entry: &str) -> Result<(), String> {
    match entry.split_once(':') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(()),
        _ => Err("expected name:value".to_owned()),
    }
}

fn renamed_header(entry: &str) -> Result<(), String> {
    let (old, new) = entry.split_once(':').unwrap_or_default();
    if old.is_empty() || new.is_empty() {
        return Err("expected old:new".to_owned());
    }
    text::header_name(old)?;
    text::header_name(new)
}

/// The value of a JSON member as this type, a text without one; nothing if it is none.
pub fn json_value(value: &str, kind: Option<&str>) -> Option<Value> {
    match kind {
        Some("boolean") => value.parse().ok().map(Value::Bool),
        Some("number") => value.parse::<Number>().ok().map(Value::Number),
        _ => Some(value.into()),
    }
}

/// Types belong to the values at the same position.
fn check_json_types(config: &Map<String, Value>, faults: &mut Faults) {
    let texts = |group: &str, field: &str| -> Vec<String> {
        let list = config.get(group).and_then(|group| group.get(field));
        let list = list.and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    for group in TYPED {
        let types = texts(group, "json_types");
        let entries = texts(group, "json");
        if types.len() > entries.len() {
            let field = format!("{group}.json_types");
            faults.field(&field, "more types than values in json".to_owned());
        }
        for (position, (entry, kind)) in entries.iter().zip(&types).enumerate() {
            let value = entry.split_once(':').map_or("", |(_, value)| value);
            if json_value(value, Some(kind)).is_none() {
                faults.field(
                    &format!("{group}.json.{}", position + 1),
                    format!("the value is no {kind}"),
                );
            }
        }
    }
}

/// `name:value` of a body, with placeholders in the value.
fn member_template(entry: &str) -> Result<(), String> {
    named(entry)?;
    let value = entry.split_once(':').map_or("", |(_, value)| value);
    Template::parse(value).map(drop)
}

/// `name:value`
fn named_value(entry: &str) -> Result<(), String> {
    let (name, value) = entry.split_once(':').ok_or("expected name:value")?;
    if name.is_empty() {
        return Err("the name is missing".to_owned());
    }
    text::header_name(name)?;
    text::header_value(value)
}

/// `name:value` with placeholders in the value.
fn named_template(entry: &str) -> Result<(), String> {
    named_value(entry)?;
    let value = entry.split_once(':').map_or("", |(_, value)| value);
    Template::parse(value).map(drop)
}

/// A path in which values may stand.
fn uri_template(uri: &str) -> Result<(), String> {
    let template = Template::parse(uri)?;
    let parts = template.parts().iter();
    let example: String = parts
        .map(|part| match part {
            Part::Text(text) => text,
            Part::Value { .. } => "value",
        })
        .collect();
    // A value may bring the slash.
    match template.parts() {
        [Part::Value { .. }, ..] => text::service_path(&format!("/{example}")),
        _ => text::service_path(&example),
    }
}

fn refuse_protected(config: &Map<String, Value>, protected: &[&[&str]], faults: &mut Faults) {
    for group in ["rename", "replace", "add", "append"] {
        let entries = config
            .get(group)
            .and_then(|group| group.get("headers"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        for (position, entry) in entries.enumerate() {
            let Some((name, value)) = entry.split_once(':') else {
                continue;
            };
            let target = if group == "rename" { value } else { name };
            let target = target.to_ascii_lowercase().replace('_', "-");
            if protected
                .iter()
                .any(|names| names.contains(&target.as_str()))
            {
                faults.field(
                    &format!("{group}.headers.{}", position + 1),
                    format!("the header {target} cannot be set by configuration"),
                );
            }
        }
    }
}
