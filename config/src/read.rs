//! Reads members of JSON objects into Rust values and reports everything that does not fit.
//!
//! Not serde: a configuration with five mistakes shall name all five, each with its place, and a
//! value that came through a variable is always text (`"true"`, `"3600"`), which is accepted.

use serde_json::{Map, Value};
use url::Url;

use crate::{path::JsonPath, problem::Report};

/// A JSON object, the file and place it came from, and where problems go.
#[derive(Clone)]
pub(crate) struct Object<'a> {
    pub map: &'a Map<String, Value>,
    pub path: JsonPath,
    pub file: &'a str,
    report: &'a Report,
}

impl<'a> Object<'a> {
    /// The top level of a file, which has to be an object.
    pub fn root(file: &'a str, value: &'a Value, report: &'a Report) -> Option<Self> {
        Self::of(file, JsonPath::default(), value, report)
    }

    fn of(file: &'a str, path: JsonPath, value: &'a Value, report: &'a Report) -> Option<Self> {
        if let Value::Object(map) = value {
            return Some(Self {
                map,
                path,
                file,
                report,
            });
        }
        report.error(
            file,
            &path,
            format!("an object is needed here, not {}", kind(value)),
        );
        None
    }

    pub fn error(&self, key: &str, message: impl Into<String>) {
        self.report.error(self.file, &self.path.key(key), message);
    }

    pub fn warn(&self, key: &str, message: impl Into<String>) {
        self.report.warn(self.file, &self.path.key(key), message);
    }

    /// A problem of the object as a whole.
    pub fn error_here(&self, message: impl Into<String>) {
        self.report.error(self.file, &self.path, message);
    }

    pub fn error_at(&self, key: &str, index: usize, message: impl Into<String>) {
        self.report
            .error(self.file, &self.path.key(key).index(index), message);
    }

    fn mismatch(&self, key: &str, wanted: &str, value: &Value) {
        self.error(key, format!("{wanted} is needed here, not {}", kind(value)));
    }

    /// The member, unless it is missing or `null`.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Text that is not empty; a number counts as its text.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            other => {
                self.mismatch(key, "text", other);
                None
            }
        }
    }

    pub fn text_or(&self, key: &str, default: &str) -> String {
        self.text(key).unwrap_or_else(|| default.to_owned())
    }

    /// Text that must be there.
    pub fn required(&self, key: &str) -> Option<String> {
        let text = self.text(key);
        let is_absent = matches!(self.get(key), None | Some(Value::String(_)));
        if text.is_none() && is_absent {
            self.error(key, format!("`{key}` is missing"));
        }
        text
    }

    /// True, false, or one of them as text.
    pub fn flag(&self, key: &str) -> bool {
        self.flag_or(key, false)
    }

    pub fn flag_or(&self, key: &str, default: bool) -> bool {
        match self.get(key) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => true,
                "false" | "0" | "no" | "off" => false,
                "" => default,
                _ => {
                    self.error(key, "`true` or `false` is needed here");
                    default
                }
            },
            Some(other) => {
                self.mismatch(key, "`true` or `false`", other);
                default
            }
        }
    }

    /// A number that is not negative, or its text.
    pub fn number(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.error(key, "a whole number is needed here");
        }
        number
    }

    pub fn url(&self, key: &str) -> Option<Url> {
        let text = self.text(key)?;
        match Url::parse(&text) {
            Ok(url) => Some(url),
            // Not the text: it may hold a password.
            Err(error) => {
                self.error(key, format!("this is no URL: {error}"));
                None
            }
        }
    }

    /// A list of texts; missing = empty.
    pub fn texts(&self, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for (index, value) in self.elements(key).iter().enumerate() {
            match value {
                Value::String(text) => texts.push(text.clone()),
                other => self.error_at(
                    key,
                    index,
                    format!("text is needed here, not {}", kind(other)),
                ),
            }
        }
        texts
    }

    /// The objects of a list; missing = empty.
    pub fn objects(&self, key: &str) -> Vec<Object<'a>> {
        let path = self.path.key(key);
        self.elements(key)
            .iter()
            .enumerate()
            .filter_map(|(index, value)| Self::of(self.file, path.index(index), value, self.report))
            .collect()
    }

    fn elements(&self, key: &str) -> &'a [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Array(values)) => values,
            Some(other) => {
                self.mismatch(key, "a list", other);
                &[]
            }
        }
    }

    /// A list that must be there, possibly empty.
    pub fn require_list(&self, key: &str) {
        if self.get(key).is_none() {
            self.error(key, format!("the list `{key}` is missing"));
        }
    }

    pub fn object(&self, key: &str) -> Option<Object<'a>> {
        Self::of(self.file, self.path.key(key), self.get(key)?, self.report)
    }

    /// `value` as if it stood in the member.
    pub fn sub<'v>(&self, key: &str, value: &'v Value) -> Option<Object<'v>>
    where
        'a: 'v,
    {
        Object::of(self.file, self.path.key(key), value, self.report)
    }

    /// One of a closed set of words; anything else is an error and counts as absent.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names: Vec<_> = choices
                .iter()
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            self.error(
                key,
                format!("`{text}` is unknown; possible are {}", names.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }
}

/// Whether a text may be the name of a file or folder and a part of a URL path as it is.
pub(crate) fn is_safe_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 128
        && !id.starts_with('.')
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Object;
    use crate::problem::Report;

    #[test]
    fn values_that_came_through_variables_are_understood() {
        let value = json!({"flag": "false", "number": "3600", "empty": ""});
        let report = Report::default();
        let object = Object::root("a.json", &value, &report).unwrap();
        assert!(!object.flag_or("flag", true));
        assert_eq!(object.number("number"), Some(3600));
        assert_eq!((object.number("empty"), object.text("empty")), (None, None));
        assert!(report.into_problems().is_empty());
    }

    #[test]
    fn each_member_that_does_not_fit_is_reported() {
        let value = json!({"id": {}, "flag": 3, "number": "many", "list": [1]});
        let report = Report::default();
        let object = Object::root("a.json", &value, &report).unwrap();
        object.required("id");
        object.required("name");
        object.flag("flag");
        object.number("number");
        object.texts("list");
        assert_eq!(report.into_problems().errors(), 5);
    }
}
