//! The named values in the body of a request: a form, a multipart form, or the members of a JSON
//! object.

use bytes::Bytes;
use http::HeaderMap;
use memchr::memmem;
use serde_json::{Map, Value};

use super::transformer::Change;

pub enum RequestFields {
    Form(Vec<(String, String)>),
    Multipart(Multipart),
    Json(Map<String, Value>),
}

/// The parts between boundaries; those without a name stay as they are.
pub struct Multipart {
    boundary: String,
    parts: Vec<Part>,
}

struct Part {
    name: Option<String>,
    /// Headers with the empty line behind them.
    head: Vec<u8>,
    content: Vec<u8>,
}

/// More parts than this are not looked into.
const MAX_PARTS: usize = 1000;

impl RequestFields {
    /// Nothing for other types, and for what is not of the type that it says.
    pub fn parse(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let content_type = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
        let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        match kind.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Some(Self::Form(
                url::form_urlencoded::parse(body).into_owned().collect(),
            )),
            "multipart/form-data" => Multipart::parse(parameters, body).map(Self::Multipart),
            "application/json" if body.trim_ascii().is_empty() => Some(Self::Json(Map::new())),
            "application/json" => match serde_json::from_slice(body) {
                Ok(Value::Object(members)) => Some(Self::Json(members)),
                _ => None,
            },
            _ => None,
        }
    }

    /// All texts under this name.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self {
            Self::Form(pairs) => {
                let named = pairs.iter().filter(|(known, _)| known == name);
                named.map(|(_, value)| value.clone()).collect()
            }
            Self::Multipart(form) => {
                let named = form.parts.iter().filter(|part| part.is(name));
                named
                    .map(|part| String::from_utf8_lossy(&part.content).into_owned())
                    .collect()
            }
            Self::Json(members) => {
                let text = members.get(name).and_then(Value::as_str);
                text.map(str::to_owned).into_iter().collect()
            }
        }
    }

    pub fn is_there(&self, name: &str) -> bool {
        match self {
            Self::Form(pairs) => pairs.iter().any(|(known, _)| known == name),
            Self::Multipart(form) => form.parts.iter().any(|part| part.is(name)),
            Self::Json(members) => members.contains_key(name),
        }
    }

    /// `value` is the new name where something is renamed.
    pub fn change(&mut self, change: Change, name: &str, value: &str) {
        let is_there = self.is_there(name);
        match change {
            Change::Remove => self.remove(name),
            Change::Rename if is_there => {
                self.remove(value);
                self.rename(name, value);
            }
            Change::Replace if is_there => {
                self.remove(name);
                self.push(name, value);
            }
            Change::Add if !is_there => self.push(name, value),
            Change::Append => self.push(name, value),
            Change::Rename | Change::Replace | Change::Add => {}
        }
    }

    fn remove(&mut self, name: &str) {
        match self {
            Self::Form(pairs) => pairs.retain(|(known, _)| known != name),
            Self::Multipart(form) => form.parts.retain(|part| !part.is(name)),
            Self::Json(members) => {
                members.shift_remove(name);
            }
        }
    }

    fn rename(&mut self, name: &str, new: &str) {
        match self {
            Self::Form(pairs) => {
                for (known, _) in pairs.iter_mut().filter(|(known, _)| known == name) {
                    new.clone_into(known);
                }
            }
            Self::Multipart(form) => {
                let parts = form.parts.iter_mut().filter(|part| part.is(name));
                for part in parts {
                    *part = Part::new(new, std::mem::take(&mut part.content));
                }
            }
            Self::Json(members) => {
                if let Some(value) = members.shift_remove(name) {
                    members.insert(new.to_owned(), value);
                }
            }
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        match self {
            Self::Form(pairs) => pairs.push((name.to_owned(), value.to_owned())),
            Self::Multipart(form) => form.parts.push(Part::new(name, value.into())),
            Self::Json(members) => match members.get_mut(name) {
                Some(Value::Array(list)) => list.push(value.into()),
                Some(one) => *one = Value::Array(vec![one.take(), value.into()]),
                None => {
                    members.insert(name.to_owned(), value.into());
                }
            },
        }
    }

    pub fn write(&self) -> Bytes {
        match self {
            Self::Form(pairs) => url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
                .into(),
            Self::Multipart(form) => form.write().into(),
            Self::Json(members) => serde_json::to_vec(members).unwrap_or_default().into(),
        }
    }

    /// All names with their texts.
    pub fn named(self) -> Vec<(String, String)> {
        match self {
            Self::Form(pairs) => pairs,
            Self::Multipart(form) => form
                .parts
                .into_iter()
                .filter_map(|part| {
                    Some((
                        part.name?,
                        String::from_utf8_lossy(&part.content).into_owned(),
                    ))
                })
                .collect(),
            Self::Json(_) => Vec::new(),
        }
    }

    /// The pairs of a form.
    pub fn into_pairs(self) -> Option<Vec<(String, String)>> {
        match self {
            Self::Form(pairs) => Some(pairs),
            _ => None,
        }
    }
}

impl Multipart {
    fn parse(parameters: &str, body: &[u8]) -> Option<Self> {
        let boundary = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.trim().split_once('=')?;
            let value = value.trim().trim_matches('"');
            (name.eq_ignore_ascii_case("boundary") && !value.is_empty() && value.len() <= 70)
                .then(|| value.to_owned())
        })?;
        let delimiter = format!("--{boundary}");
        let mut rest = body.strip_prefix(delimiter.as_bytes())?;
        let next = format!("\r\n{delimiter}");
        let mut parts = Vec::new();
        while let Some(after) = rest.strip_prefix(b"\r\n") {
            let end = memmem::find(after, next.as_bytes())?;
            let part = &after[..end];
            let head = memmem::find(part, b"\r\n\r\n")? + 4;
            parts.push(Part {
                name: name_of(&part[..head]),
                head: part[..head].to_vec(),
                content: part[head..].to_vec(),
            });
            if parts.len() > MAX_PARTS {
                return None;
            }
            rest = &after[end + next.len()..];
        }
        rest.starts_with(b"--").then_some(Self { boundary, parts })
    }

    fn write(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for part in &self.parts {
            body.extend_from_slice(format!("--{}\r\n", self.boundary).as_bytes());
            body.extend_from_slice(&part.head);
            body.extend_from_slice(&part.content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        body
    }
}

/// `name` in `Content-Disposition`.
fn name_of(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let line = head.lines().find(|line| {
        line.get(..20)
            .is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
    })?;
    line.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("name")
            .then(|| value.trim_matches('"').to_owned())
    })
}

impl Part {
    fn new(name: &str, content: Vec<u8>) -> Self {
        // A name that could end the line would begin another header.
        let name = name.replace(['\r', '\n', '"'], "");
        Self {
            head: format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n").into_bytes(),
            name: Some(name),
            content,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: &str, body: &str) -> Option<RequestFields> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        RequestFields::parse(&headers, body.as_bytes())
    }

    fn changed(kind: &str, body: &str) -> String {
        let mut fields = parse(kind, body).unwrap();
        for (change, name, value) in [
            (Change::Remove, "a", ""),
            (Change::Rename, "b", "c"),
            (Change::Replace, "c", "2"),
            (Change::Replace, "none", "2"),
            (Change::Add, "d", "3"),
            (Change::Add, "c", "4"),
            (Change::Append, "c", "5"),
        ] {
            fields.change(change, name, value);
        }
        String::from_utf8(fields.write().to_vec()).unwrap()
    }

    #[test]
    fn each_kind_of_body_changes_in_its_own_form() {
        assert_eq!(
            changed("application/x-www-form-urlencoded", "a=1&b=x&a=2"),
            "c=2&d=3&c=5"
        );
        assert_eq!(
            changed("application/json; charset=utf-8", r#"{"a":1,"b":[2]}"#),
            r#"{"c":["2","5"],"d":"3"}"#
        );
        assert_eq!(
            changed("application/json", ""),
            r#"{"d":"3","c":["4","5"]}"#
        );
        let part = |name: &str, value: &str| {
            format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = format!("{}{}--X--\r\n", part("a", "1"), part("b", "x"));
        assert_eq!(
            changed("multipart/form-data; boundary=X", &body),
            format!(
                "{}{}{}--X--\r\n",
                part("c", "2"),
                part("d", "3"),
                part("c", "5")
            )
        );
    }

    #[test]
    fn what_is_not_of_its_type_is_left_alone() {
        for (kind, body) in [
            ("application/json", "{"),
            ("application/json", "[1]"),
            ("text/plain", "a=1"),
            ("multipart/form-data", "--X--"),
            ("multipart/form-data; boundary=X", "--X\r\nno end"),
        ] {
            assert!(parse(kind, body).is_none(), "{kind} {body}");
        }
    }
}
