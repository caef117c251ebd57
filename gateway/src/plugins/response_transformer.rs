use bytes::Bytes;
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
};
use kong::plugins::transformation::json_value;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::transformer::{Change, HeaderChange, split};

#[derive(Deserialize)]
pub struct Config {
    remove: Entries,
    rename: Entries,
    replace: Entries,
    add: Entries,
    append: Entries,
}

#[derive(Deserialize)]
struct Entries {
    headers: Vec<String>,
    json: Vec<String>,
    #[serde(default)]
    json_types: Vec<String>,
}

/// Changes headers and the members of JSON bodies on the way to the client.
pub struct ResponseTransformer {
    headers: Vec<HeaderChange>,
    json: Vec<(Change, String, Value)>,
}

impl ResponseTransformer {
    pub fn new(config: &Config) -> Result<Self, String> {
        let groups = [
            (Change::Remove, &config.remove),
            (Change::Rename, &config.rename),
            (Change::Replace, &config.replace),
            (Change::Add, &config.add),
            (Change::Append, &config.append),
        ];
        let (mut headers, mut json) = (Vec::new(), Vec::new());
        for (change, entries) in groups {
            for entry in &entries.headers {
                headers.push(HeaderChange::new(change, entry)?);
            }
            for (position, entry) in entries.json.iter().enumerate() {
                let (name, value) = split(change, entry);
                let kind = entries.json_types.get(position).map(String::as_str);
                let value = json_value(value, kind)
                    .ok_or_else(|| format!("`{entry}` does not have the type that it should"))?;
                json.push((change, name.to_owned(), value));
            }
        }
        Ok(Self { headers, json })
    }

    /// Changes the headers. Answers whether the body has to be changed, too; its length is
    /// unknown then.
    pub fn change_headers(&self, headers: &mut HeaderMap) -> bool {
        let changes_body = !self.json.is_empty() && is_plain_json(headers);
        for change in &self.headers {
            change.apply(headers);
        }
        if changes_body {
            headers.remove(CONTENT_LENGTH);
        }
        changes_body
    }

    /// The body as it goes to the client. What is no JSON object stays as it is.
    pub fn change_body(&self, body: Bytes) -> Bytes {
        let Ok(Value::Object(mut object)) = serde_json::from_slice(&body) else {
            return body;
        };
        for (change, name, value) in &self.json {
            change_member(&mut object, *change, name, value);
        }
        Value::Object(object).to_string().into()
    }
}

fn is_plain_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
        && headers
            .get(CONTENT_ENCODING)
            .is_none_or(|encoding| encoding == "identity")
}

fn change_member(object: &mut Map<String, Value>, change: Change, name: &str, value: &Value) {
    match change {
        Change::Remove => {
            object.shift_remove(name);
        }
        Change::Rename => {
            if let (Some(new), Some(moved)) = (value.as_str(), object.shift_remove(name)) {
                object.insert(new.to_owned(), moved);
            }
        }
        Change::Replace if !object.contains_key(name) => {}
        Change::Add if object.contains_key(name) => {}
        Change::Replace | Change::Add => {
            object.insert(name.to_owned(), value.clone());
        }
        Change::Append => match object.get_mut(name) {
            Some(Value::Array(list)) => list.push(value.clone()),
            Some(one) => *one = Value::Array(vec![one.take(), value.clone()]),
            None => {
                object.insert(name.to_owned(), Value::Array(vec![value.clone()]));
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_change_in_the_order_of_the_groups() {
        let config = json!({
            "remove": {"headers": [], "json": ["a"]},
            "rename": {"headers": [], "json": ["b:c", "none:d"]},
            "replace": {"headers": [], "json": ["c:2", "e:x"], "json_types": ["number"]},
            "add": {"headers": [], "json": ["a:yes", "f:true"], "json_types": ["string", "boolean"]},
            "append": {"headers": [], "json": ["f:1", "g:h", "l:3"], "json_types": ["string", "string", "number"]},
        });
        let plugin = ResponseTransformer::new(&serde_json::from_value(config).unwrap()).unwrap();
        let change = |text: &str| {
            let changed = plugin.change_body(Bytes::from(text.to_owned()));
            String::from_utf8(changed.to_vec()).unwrap()
        };
        let expected = json!({"l": [1, 3], "c": 2, "a": "yes", "f": [true, "1"], "g": ["h"]});
        let changed: Value = change(r#"{"a": 1, "b": 1, "l": [1]}"#).parse().unwrap();
        assert_eq!(changed, expected);
        for other in ["[1]", "{", "", "7"] {
            assert_eq!(change(other), other);
        }
    }

    #[test]
    fn only_plain_json_is_looked_into() {
        let config = json!({
            "remove": {"headers": [], "json": ["a"]},
            "rename": {"headers": [], "json": []},
            "replace": {"headers": [], "json": []},
            "add": {"headers": [], "json": []},
            "append": {"headers": [], "json": []},
        });
        let plugin = ResponseTransformer::new(&serde_json::from_value(config).unwrap()).unwrap();
        for (kind, encoding, changes) in [
            ("application/json", "identity", true),
            ("Application/JSON; charset=utf-8", "identity", true),
            ("application/json", "gzip", false),
            ("application/problem+json", "identity", false),
            ("text/plain", "identity", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
            headers.insert(CONTENT_LENGTH, 7.into());
            assert_eq!(plugin.change_headers(&mut headers), changes, "{kind}");
            assert_eq!(headers.contains_key(CONTENT_LENGTH), !changes, "{kind}");
        }
    }
}
