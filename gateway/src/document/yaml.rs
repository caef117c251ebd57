//! YAML with the core schema of version 1.2: no tags, bounded depth and aliases.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

const MAX_DEPTH: usize = 64;
/// An alias can stand for much text, and for other aliases.
const MAX_ALIASES: usize = 100;

/// The first document of the text.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let line = span.start.line();
        builder
            .take(event)
            .map_err(|reason| format!("line {line}: {reason}"))?;
        if builder.is_complete {
            break;
        }
    }
    Ok(builder.root)
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: Vec<(usize, Value)>,
    aliases: usize,
    root: Value,
    is_complete: bool,
}

/// A list or an object whose end is not there yet.
struct Open {
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    /// With the name that a value is expected for.
    Object(Map<String, Value>, Option<String>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, None) => {
                let value = if style == ScalarStyle::Plain {
                    plain(&text)
                } else {
                    Value::String(text.into_owned())
                };
                self.remember(anchor, &value);
                self.add(value)
            }
            Event::SequenceStart(anchor, None) => self.open(anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, None) => {
                self.open(anchor, Content::Object(Map::new(), None))
            }
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                Err("tags are not possible".to_owned())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let value = match open.content {
                    Content::List(list) => Value::Array(list),
                    Content::Object(members, _) => Value::Object(members),
                };
                self.remember(open.anchor, &value);
                self.add(value)
            }
            Event::Alias(anchor) => {
                self.aliases += 1;
                if self.aliases > MAX_ALIASES {
                    return Err(format!("more than {MAX_ALIASES} aliases"));
                }
                let known = self
                    .anchors
                    .iter()
                    .rev()
                    .find(|(known, _)| *known == anchor);
                let value = known.map(|(_, value)| value.clone());
                self.add(value.ok_or("an alias of something that is not complete")?)
            }
            Event::DocumentEnd => {
                self.is_complete = true;
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {
                Ok(())
            }
        }
    }

    fn open(&mut self, anchor: usize, content: Content) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} deep"));
        }
        self.open.push(Open { anchor, content });
        Ok(())
    }

    fn remember(&mut self, anchor: usize, value: &Value) {
        if anchor > 0 {
            self.anchors.push((anchor, value.clone()));
        }
    }

    fn add(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = value,
            Some(Content::List(list)) => list.push(value),
            Some(Content::Object(members, name)) => match name.take() {
                Some(name) => {
                    if members.insert(name.clone(), value).is_some() {
                        return Err(format!("`{name}` stands here twice"));
                    }
                }
                None => {
                    *name = Some(match value {
                        Value::String(text) => text,
                        Value::Number(_) | Value::Bool(_) => value.to_string(),
                        _ => return Err("a name has to be a text".to_owned()),
                    });
                }
            },
        }
        Ok(())
    }
}

/// What a text without quotes stands for.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let number = number(text);
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    let is_decimal = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let float = text.parse::<f64>().ok().filter(|_| is_decimal)?;
    Number::from_f64(float)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_the_types_of_the_core_schema() {
        let text =
            "a: 1\nb: '1'\nc: true\nd: yes\ne: ~\nf: [1.5, 0x10, 1.2.3]\ng: {h: &x [1], i: *x}\n";
        let expected = json!({
            "a": 1, "b": "1", "c": true, "d": "yes", "e": null, "f": [1.5, 16, "1.2.3"],
            "g": {"h": [1], "i": [1]},
        });
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn what_could_grow_without_end_is_refused() {
        for text in [
            "a: !!binary x".to_owned(),
            "[".repeat(100),
            format!("a: &x 1\nb: [{}]", "*x, ".repeat(200)),
            "a: 1\na: 2".to_owned(),
            "a: &x [*x]".to_owned(),
            "a: [".to_owned(),
        ] {
            assert!(parse(&text).is_err(), "{text}");
        }
    }
}
