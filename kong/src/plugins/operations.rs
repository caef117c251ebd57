//! Operations of plugins that answer in a backend's place: method and path of the calls that each is
//! for.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::schema::{Faults, Field, Type, text};

const MAX_SEGMENTS: usize = 20;

/// `/orders/{id}`, below the path of the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    Parameter(String),
}

impl PathTemplate {
    pub fn parse(path: &str) -> Result<Self, String> {
        let Some(rest) = path.strip_prefix('/') else {
            return Err("should start with: /".to_owned());
        };
        let parts = rest.split('/').filter(|_| !rest.is_empty());
        let segments: Vec<Segment> = parts.map(Segment::parse).collect::<Result<_, _>>()?;
        if segments.len() > MAX_SEGMENTS {
            return Err(format!("at most {MAX_SEGMENTS} segments"));
        }
        let template = Self(segments);
        let names: Vec<&str> = template.names().collect();
        for (position, name) in names.iter().enumerate() {
            if names[..position].contains(name) {
                return Err(format!("`{{{name}}}` is there twice"));
            }
        }
        Ok(template)
    }

    /// The names of its parameters, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            Segment::Text(_) => None,
        })
    }

    /// The parameters' segments as they stand in `path`, in the order of [`Self::names`].
    pub fn find<'p>(&self, path: &'p [u8]) -> Option<Vec<&'p [u8]>> {
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let mut found = Vec::new();
        let mut segments = self.0.iter();
        let mut parts = path
            .split(|byte| *byte == b'/')
            .filter(|_| !path.is_empty());
        loop {
            match (segments.next(), parts.next()) {
                (None, None) => return Some(found),
                (Some(Segment::Text(text)), Some(part)) if text.as_bytes() == part => {}
                (Some(Segment::Parameter(_)), Some(part)) if !part.is_empty() => found.push(part),
                _ => return None,
            }
        }
    }

    /// Templates of one shape are for the same paths. In order of shapes, those that say more come
    /// first.
    pub fn shape(&self) -> Vec<Option<&str>> {
        let shape = self.0.iter().map(|segment| match segment {
            Segment::Text(text) => Some(text.as_str()),
            Segment::Parameter(_) => None,
        });
        shape.collect()
    }

    /// Whether this one is to be asked before another one.
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |template: &Self| -> Vec<bool> {
            let segments = template.0.iter();
            segments
                .map(|segment| matches!(segment, Segment::Parameter(_)))
                .collect()
        };
        rank(self).cmp(&rank(other))
    }
}

impl Segment {
    fn parse(part: &str) -> Result<Self, String> {
        if let Some(name) = part.strip_prefix('{') {
            let name = name.strip_suffix('}').ok_or("a `}` is missing")?;
            plain_name(name)?;
            return Ok(Self::Parameter(name.to_owned()));
        }
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        if part.is_empty() || part == "." || part == ".." || !part.bytes().all(is_plain) {
            return Err(format!(
                "`{part}` is no segment; possible are a-z, A-Z, 0-9, -, _, ., ~ and {{name}}"
            ));
        }
        Ok(Self::Text(part.to_owned()))
    }
}

/// Names of steps, parameters and backends.
pub fn plain_name(name: &str) -> Result<(), String> {
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || name.len() > 64 || !is_plain {
        return Err("a name has 1 to 64 of a-z, A-Z, 0-9 and _".to_owned());
    }
    Ok(())
}

fn template(path: &str) -> Result<(), String> {
    PathTemplate::parse(path).map(drop)
}

pub const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// What calls that no operation is for get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Others {
    Deny,
    Pass,
}

/// The fields that say which calls an operation is for.
pub(super) fn fields() -> Vec<Field> {
    vec![
        Field::new("method", Type::one_of(METHODS))
            .required()
            .default("GET"),
        Field::new("path", Type::checked(template)).required(),
        Field::new("summary", Type::checked(text::header_value)),
    ]
}

pub(super) fn others() -> Field {
    Field::new("others", Type::one_of(&["deny", "pass"]))
        .required()
        .default("deny")
}

/// No two operations may be for the same calls, and there are not any number of them.
pub(super) fn check(config: &Map<String, Value>, most: usize, faults: &mut Faults) {
    let operations = list(config, "operations");
    if operations.len() > most {
        faults.field("operations", format!("at most {most}"));
    }
    let mut seen: Vec<(&str, PathTemplate)> = Vec::new();
    for (position, operation) in operations.iter().enumerate() {
        let text = |field: &str| operation.get(field).and_then(Value::as_str);
        let (Some(method), Some(path)) = (text("method"), text("path")) else {
            continue;
        };
        let Ok(path) = PathTemplate::parse(path) else {
            continue;
        };
        let is_known = seen
            .iter()
            .any(|(known, other)| *known == method && other.shape() == path.shape());
        if is_known {
            let field = format!("operations.{}.path", position + 1);
            faults.field(&field, "another operation is for the same calls");
        }
        seen.push((method, path));
    }
}

pub(super) fn list<'a>(config: &'a Map<String, Value>, field: &str) -> &'a [Value] {
    let list = config.get(field).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_find_their_segments() {
        let template = PathTemplate::parse("/pets/{id}/photos/{photo}").unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["id", "photo"]);
        let found = |path: &str| {
            let found = template.find(path.as_bytes())?;
            Some(
                found
                    .iter()
                    .map(|part| String::from_utf8_lossy(part).into_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(found("/pets/1/photos/a%2Fb").unwrap(), ["1", "a%2Fb"]);
        assert_eq!(found("pets/1/photos/2").unwrap(), ["1", "2"]);
        for other in [
            "/pets/1/photos",
            "/pets/1/photos/",
            "/pets//photos/2",
            "/pets/1/photos/2/3",
            "/",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
        assert!(PathTemplate::parse("/").unwrap().find(b"/").is_some());
        assert!(PathTemplate::parse("/").unwrap().find(b"").is_some());
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "", "pets", "/pets/", "/../x", "/{a}/{a}", "/{}", "/{a", "/a?b", "/%41", "/{a b}",
            "/x{a}",
        ] {
            assert!(PathTemplate::parse(path).is_err(), "{path}");
        }
    }
}
