//! Typed parameters: the one way from what a caller sends to what a statement is given.

use chrono::{DateTime, FixedOffset, NaiveDate};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    String,
    Integer,
    Number,
    Boolean,
    Date,
    DateTime,
    Uuid,
}

pub const TYPES: &[&str] = &[
    "string",
    "integer",
    "number",
    "boolean",
    "date",
    "date-time",
    "uuid",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    Path,
    Query,
    Body,
}

/// A value of the type that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    Null(ValueType),
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Date(NaiveDate),
    DateTime(DateTime<FixedOffset>),
    Uuid(Uuid),
}

/// As it is configured.
#[derive(Clone, Debug, Deserialize)]
pub struct Parameter {
    pub name: String,
    #[serde(rename = "in")]
    pub place: Place,
    #[serde(rename = "type")]
    pub value: ValueType,
    pub required: Option<bool>,
    pub default: Option<Value>,
    #[serde(rename = "enum")]
    pub possible: Option<Vec<Value>>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub max_length: usize,
    pub pattern: Option<String>,
}

/// Ready to read values.
#[derive(Clone, Debug)]
pub struct Reader {
    value: ValueType,
    default: Option<Typed>,
    possible: Option<Vec<Typed>>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    max_length: usize,
    pattern: Option<Regex>,
    pub is_required: bool,
}

impl Parameter {
    /// The fault names the field of the configuration.
    pub fn reader(&self) -> Result<Reader, (&'static str, String)> {
        let is_number = matches!(self.value, ValueType::Integer | ValueType::Number);
        if !is_number && self.minimum.is_some() {
            return Err(("minimum", "only of numbers".to_owned()));
        }
        if !is_number && self.maximum.is_some() {
            return Err(("maximum", "only of numbers".to_owned()));
        }
        let pattern = match &self.pattern {
            None => None,
            Some(_) if self.value != ValueType::String => {
                return Err(("pattern", "only of texts".to_owned()));
            }
            Some(pattern) => {
                let whole = Regex::new(&format!("^(?:{pattern})$"));
                Some(whole.map_err(|_| ("pattern", "no regular expression".to_owned()))?)
            }
        };
        let is_required = self.place == Place::Path || self.required == Some(true);
        let mut reader = Reader {
            value: self.value,
            default: None,
            possible: None,
            minimum: self.minimum,
            maximum: self.maximum,
            max_length: self.max_length,
            pattern,
            is_required,
        };
        if let Some(possible) = &self.possible {
            let values = possible.iter().map(|value| reader.json(value));
            let values = values.collect::<Result<_, _>>();
            reader.possible = Some(values.map_err(|fault| ("enum", fault))?);
        }
        if let Some(default) = &self.default {
            if is_required {
                return Err(("default", "not with required, or in a path".to_owned()));
            }
            reader.default = Some(reader.json(default).map_err(|fault| ("default", fault))?);
        }
        Ok(reader)
    }
}

impl Reader {
    /// What stands for a parameter that is not there.
    pub fn absent(&self) -> Result<Typed, String> {
        if self.is_required {
            return Err("is missing".to_owned());
        }
        let default = self.default.clone();
        Ok(default.unwrap_or(Typed::Null(self.value)))
    }

    /// Reads a value of a path or a query.
    pub fn text(&self, text: &str) -> Result<Typed, String> {
        let value = match self.value {
            ValueType::Integer => {
                // `+1` and ` 1` are other spellings, which caches and logs would take for others.
                let is_plain = text
                    .strip_prefix('-')
                    .unwrap_or(text)
                    .bytes()
                    .all(|byte| byte.is_ascii_digit());
                let integer = text.parse().ok().filter(|_| is_plain);
                Typed::Integer(integer.ok_or("must be an integer of 64 bits")?)
            }
            ValueType::Number => {
                let number: Option<serde_json::Number> = serde_json::from_str(text).ok();
                let is_plain = !text.contains(char::is_whitespace);
                let number = number
                    .filter(|_| is_plain)
                    .and_then(|number| number.as_f64());
                Typed::Number(number.ok_or("must be a number")?)
            }
            ValueType::Boolean => match text {
                "true" => Typed::Boolean(true),
                "false" => Typed::Boolean(false),
                _ => return Err("must be true or false".to_owned()),
            },
            ValueType::String | ValueType::Date | ValueType::DateTime | ValueType::Uuid => {
                self.written(text)?
            }
        };
        self.check(value)
    }

    /// Reads a member of a body.
    pub fn json(&self, value: &Value) -> Result<Typed, String> {
        let value = match (self.value, value) {
            (ValueType::Integer, Value::Number(number)) => {
                let integer = number.as_i64();
                Typed::Integer(integer.ok_or("must be an integer of 64 bits")?)
            }
            (ValueType::Number, Value::Number(number)) => {
                let number = number.as_f64().filter(|number| number.is_finite());
                Typed::Number(number.ok_or("must be a number")?)
            }
            (ValueType::Boolean, Value::Bool(flag)) => Typed::Boolean(*flag),
            (ValueType::Integer, _) => return Err("must be an integer of 64 bits".to_owned()),
            (ValueType::Number, _) => return Err("must be a number".to_owned()),
            (ValueType::Boolean, _) => return Err("must be true or false".to_owned()),
            (_, Value::String(text)) => self.written(text)?,
            (_, _) => return Err("must be a text".to_owned()),
        };
        self.check(value)
    }

    /// A value that is a text in JSON, too.
    fn written(&self, text: &str) -> Result<Typed, String> {
        Ok(match self.value {
            ValueType::Date => {
                let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
                let date = date.filter(|_| text.len() == 10);
                Typed::Date(date.ok_or("must be a date such as 2026-11-22")?)
            }
            ValueType::DateTime => {
                let time = DateTime::parse_from_rfc3339(text).ok();
                Typed::DateTime(time.ok_or("must be a time such as 2026-11-22T10:00:00Z")?)
            }
            ValueType::Uuid => {
                let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
                Typed::Uuid(uuid.ok_or("must be a UUID")?)
            }
            _ => Typed::Text(text.to_owned()),
        })
    }

    fn check(&self, value: Typed) -> Result<Typed, String> {
        match &value {
            Typed::Text(text) => {
                if text.contains('\0') {
                    return Err("must not contain NUL".to_owned());
                }
                if text.chars().nth(self.max_length).is_some() {
                    return Err(format!("must have at most {} characters", self.max_length));
                }
                let pattern = self.pattern.as_ref();
                if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(text)) {
                    return Err(format!("must fit {pattern}"));
                }
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "limits of so many digits are numbers of 53 bits, too"
            )]
            Typed::Integer(integer) => self.check_range(*integer as f64)?,
            Typed::Number(number) => self.check_range(*number)?,
            _ => {}
        }
        match &self.possible {
            Some(possible) if !possible.contains(&value) => {
                Err("is none of the possible values".to_owned())
            }
            _ => Ok(value),
        }
    }

    fn check_range(&self, number: f64) -> Result<(), String> {
        match (self.minimum, self.maximum) {
            (Some(minimum), _) if number < minimum => Err(format!("must be at least {minimum}")),
            (_, Some(maximum)) if number > maximum => Err(format!("must be at most {maximum}")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reader(value: &str, more: &Value) -> Reader {
        let mut parameter = json!({"name": "x", "in": "query", "type": value, "max_length": 10});
        for (name, value) in more.as_object().unwrap() {
            parameter[name] = value.clone();
        }
        let parameter: Parameter = serde_json::from_value(parameter).unwrap();
        parameter.reader().unwrap()
    }

    #[test]
    fn texts_are_read_strictly() {
        for (kind, good, bad) in [
            (
                "integer",
                &["0", "-1", "9223372036854775807"][..],
                &[
                    "",
                    "+1",
                    " 1",
                    "1 ",
                    "1.0",
                    "1e3",
                    "0x1",
                    "9223372036854775808",
                    "١",
                ][..],
            ),
            (
                "number",
                &["0", "-1.5", "1e3"],
                &["", "NaN", "inf", "+1", " 1", "1e999"],
            ),
            ("boolean", &["true", "false"], &["", "1", "True", "yes"]),
            (
                "date",
                &["2024-02-29"],
                &["2023-02-29", "2024-2-9", "24-02-09", "2024-02-29 "],
            ),
            (
                "date-time",
                &["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.5+01:00"],
                &["2024-02-29T10:00:00", "2024-02-29", "now"],
            ),
            (
                "uuid",
                &["00000000-0000-4000-8000-000000000000"],
                &["00000000000040008000000000000000", "{x}"],
            ),
            ("string", &["", "' or 1=1", "ä☃"], &["elevencharss", "a\0b"]),
        ] {
            let reader = reader(kind, &json!({}));
            for text in good {
                assert!(reader.text(text).is_ok(), "{kind} {text:?}");
            }
            for text in bad {
                assert!(reader.text(text).is_err(), "{kind} {text:?}");
            }
        }
    }

    #[test]
    fn json_is_not_converted() {
        for (kind, bad) in [
            ("integer", json!("1")),
            ("integer", json!(1.5)),
            ("number", json!("1")),
            ("boolean", json!(0)),
            ("string", json!(1)),
            ("string", json!(null)),
            ("string", json!(["a"])),
            ("date", json!(20_240_229)),
        ] {
            assert!(reader(kind, &json!({})).json(&bad).is_err(), "{kind} {bad}");
        }
    }

    #[test]
    fn limits_hold() {
        let limit = reader("integer", &json!({"minimum": 1.0, "maximum": 3.0}));
        assert!(limit.text("0").is_err() && limit.text("4").is_err());
        assert_eq!(limit.text("3"), Ok(Typed::Integer(3)));
        let pattern = reader("string", &json!({"pattern": "[a-z]+|x"}));
        assert!(pattern.text("abc").is_ok());
        assert!(pattern.text("abc1").is_err() && pattern.text("x\n").is_err());
        let possible = reader("string", &json!({"enum": ["a", "b"], "default": "a"}));
        assert!(possible.text("c").is_err());
        assert_eq!(possible.absent(), Ok(Typed::Text("a".to_owned())));
        let optional = reader("uuid", &json!({}));
        assert_eq!(optional.absent(), Ok(Typed::Null(ValueType::Uuid)));
        assert!(reader("uuid", &json!({"required": true})).absent().is_err());
    }
}
