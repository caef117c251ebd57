//! What placeholders stand for in one request.

use http::HeaderValue;
use kong::template::{Part, Source, Template};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::proxy::Exchange;

/// What a value may bring into a path as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The text. No value can end a line of the message.
pub fn text(template: &Template, exchange: &Exchange<'_>) -> String {
    render(template, exchange, str::to_owned)
}

pub fn header(template: &Template, exchange: &Exchange<'_>) -> HeaderValue {
    // A value with other control characters cannot be sent, and is left empty.
    HeaderValue::from_str(&text(template, exchange)).unwrap_or(HeaderValue::from_static(""))
}

/// A normalised path: no value leads out of what stands before it.
pub fn path(template: &Template, exchange: &Exchange<'_>) -> Vec<u8> {
    let mut path = render(template, exchange, |value| {
        utf8_percent_encode(value, PATH).to_string()
    });
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    kong::path::normalise(path.as_bytes()).into_owned()
}

fn render(template: &Template, exchange: &Exchange<'_>, encode: impl Fn(&str) -> String) -> String {
    let parts = template.parts().iter();
    let rendered = parts.map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Value { source, fallback } => {
            let value = look_up(source, exchange).unwrap_or_else(|| fallback.clone());
            encode(&value.replace(['\r', '\n', '\0'], ""))
        }
    });
    rendered.collect()
}

fn look_up(source: &Source, exchange: &Exchange<'_>) -> Option<String> {
    match source {
        Source::Header(name) => {
            let values = exchange.head.headers.get_all(name).iter();
            joined(values.map(|value| String::from_utf8_lossy(value.as_bytes())))
        }
        Source::Query(name) => {
            let query = exchange.query().unwrap_or_default();
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            joined(pairs.filter_map(|(known, value)| (known == *name).then_some(value)))
        }
        Source::CaptureNumber(number) => captures(exchange)?.get(*number).map(text_of),
        Source::CaptureName(name) => captures(exchange)?.name(name).map(text_of),
        Source::Claim(name) => match exchange.token.as_ref()?.claims.get(name)? {
            Value::Null | Value::Object(_) => None,
            Value::String(text) => Some(text.clone()),
            Value::Array(list) => joined(list.iter().map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })),
            other => Some(other.to_string()),
        },
        Source::ConsumerUsername => exchange.consumer.as_ref()?.username().map(str::to_owned),
    }
}

/// Several values are one, with commas; nothing if there is none.
fn joined(values: impl Iterator<Item = impl Into<String>>) -> Option<String> {
    let values: Vec<String> = values.map(Into::into).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Those of the route's pattern that the request was found by.
fn captures<'e>(exchange: &Exchange<'e>) -> Option<regex::bytes::Captures<'e>> {
    let mut patterns = exchange.target.patterns.iter();
    patterns.find_map(|pattern| {
        let captures = pattern.captures(exchange.path)?;
        (captures.get(0)?.end() == exchange.matched?).then_some(captures)
    })
}

fn text_of(part: regex::bytes::Match<'_>) -> String {
    String::from_utf8_lossy(part.as_bytes()).into_owned()
}

/// What the groups of the route's pattern matched: by number, and by name where they have one.
pub fn uri_captures(exchange: &Exchange<'_>) -> Value {
    let Some(found) = captures(exchange) else {
        return Value::Null;
    };
    let text = |part: Option<regex::bytes::Match<'_>>| part.map(text_of);
    let unnamed: Vec<Option<String>> = (1..found.len())
        .map(|number| text(found.get(number)))
        .collect();
    let patterns = exchange.target.patterns.iter();
    let names = patterns
        .flat_map(regex::bytes::Regex::capture_names)
        .flatten();
    let by_name: serde_json::Map<String, Value> = names
        .filter_map(|name| Some((name.to_owned(), text(found.name(name))?.into())))
        .collect();
    serde_json::json!({ "unnamed": unnamed, "named": by_name })
}

/// One of them, by name or by number.
pub fn uri_capture(exchange: &Exchange<'_>, name: &str) -> Option<String> {
    let found = captures(exchange)?;
    let part = match name.parse() {
        Ok(number) => found.get(number),
        Err(_) => found.name(name),
    };
    part.map(text_of)
}
