//! Plugins that change requests.

use serde_json::{Map, Value};

use super::PluginSchema;
use crate::schema::{Faults, Field, Record, Type, text};

/// Headers that carry who calls, or the frame of the message. No configuration may forge them.
const PROTECTED: &[&str] = &[
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
    let group = |name, pair: bool, uri: bool| {
        let check = if pair { named_value } else { text::header_name };
        let area = |name| {
            Field::new(name, Type::list(Type::checked(check)))
                .required()
                .default(Vec::<String>::new())
        };
        let mut fields = vec![area("headers"), area("querystring")];
        if uri {
            fields.push(Field::new("uri", Type::checked(uri_template)));
        }
        Field::new(name, Type::Record(Record::new(fields)))
    };
    let schema = Record::new(vec![
        Field::new("http_method", Type::checked(text::method)),
        group("remove", false, false),
        group("rename", true, false),
        group("replace", true, true),
        group("add", true, false),
        group("append", true, false),
    ])
    .with_check(refuse_protected);
    PluginSchema::new("request-transformer", 801, schema).per_consumer()
}

/// `name:value`. Placeholders are not available; they are refused rather than sent as they stand.
fn named_value(entry: &str) -> Result<(), String> {
    let (name, value) = entry.split_once(':').ok_or("expected name:value")?;
    if name.is_empty() {
        return Err("the name is missing".to_owned());
    }
    text::header_name(name)?;
    text::header_value(value)?;
    no_template(value)
}

fn uri_template(uri: &str) -> Result<(), String> {
    text::service_path(uri)?;
    no_template(uri)
}

fn no_template(value: &str) -> Result<(), String> {
    if value.contains("$(") {
        Err("placeholders `$( )` are not available".to_owned())
    } else {
        Ok(())
    }
}

fn refuse_protected(config: &Map<String, Value>, faults: &mut Faults) {
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
            if PROTECTED.contains(&target.as_str()) {
                faults.field(
                    &format!("{group}.headers.{}", position + 1),
                    format!("the header {target} cannot be set by configuration"),
                );
            }
        }
    }
}
