//! Declarative documents (gateway 3): a whole configuration as one text.

mod ids;
mod load;
mod report;
mod write;
mod yaml;

use kong::Kind;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use load::load;
pub use report::Faulty;
pub use write::write;

use crate::plugins::password;

/// An entity of a document, apart from its children.
pub struct Entry {
    pub kind: Kind,
    pub id: Uuid,
    pub fields: Map<String, Value>,
    /// Where it stands: lists and positions, from the outside in.
    pub place: Vec<(&'static str, usize)>,
    /// A fault that was found before its fields were looked at.
    pub fault: Option<(String, String)>,
}

/// A document taken apart.
#[derive(Default)]
pub struct Document {
    pub entries: Vec<Entry>,
    /// Faults that belong to no entity.
    pub faults: Map<String, Value>,
}

const FORMATS: [&str; 3] = ["1.1", "2.1", "3.0"];

/// JSON, or YAML, which most JSON is, too.
pub fn parse(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    yaml::parse(text)
}

impl Document {
    /// Takes the document apart: children are lifted out of their parents, and everything has an id.
    pub fn new(root: Value) -> Self {
        let mut document = Self::default();
        let Value::Object(mut root) = root else {
            document.fault("@entity", "expected an object");
            return document;
        };
        let format = root.remove("_format_version");
        let format = match format.as_ref().map(Value::as_str) {
            Some(Some(format)) if FORMATS.contains(&format) => format.to_owned(),
            Some(_) => {
                document.fault(
                    "_format_version",
                    "expected one of: \"1.1\", \"2.1\", \"3.0\"",
                );
                "3.0".to_owned()
            }
            None => {
                document.fault("_format_version", "required field missing");
                "3.0".to_owned()
            }
        };
        let transforms = match root.remove("_transform") {
            None => true,
            Some(Value::Bool(transforms)) => transforms,
            Some(_) => {
                document.fault("_transform", "expected a boolean");
                true
            }
        };
        root.remove("_comment");
        root.remove("_ignore");
        for (name, value) in root {
            let kind: Option<Kind> = name.parse().ok().filter(|kind| Kind::ALL.contains(kind));
            match (kind, value) {
                (_, Value::Null) if kind.is_some() => {}
                (Some(kind), Value::Array(list)) => document.take(kind, list, &[], None),
                (Some(_), _) => document.fault(&name, "expected an array"),
                (None, _) => document.fault(&name, "unknown field"),
            }
        }
        document.convert(&format, transforms);
        ids::resolve(&mut document.entries);
        document
    }

    fn fault(&mut self, field: &str, message: &str) {
        self.faults.insert(field.to_owned(), message.into());
    }

    fn take(
        &mut self,
        kind: Kind,
        list: Vec<Value>,
        outer: &[(&'static str, usize)],
        parent: Option<(Kind, Uuid)>,
    ) {
        for (position, value) in list.into_iter().enumerate() {
            let mut place = outer.to_vec();
            place.push((kind.name(), position));
            let (mut fields, mut fault) = if let Value::Object(fields) = value {
                (fields, None)
            } else {
                let fault = ("@entity".to_owned(), "expected an object".to_owned());
                (Map::new(), Some(fault))
            };
            fields.remove("_comment");
            fields.remove("_ignore");
            let mut children = Vec::new();
            for child in Kind::ALL {
                let is_child = child.parents().iter().any(|(_, of)| *of == kind);
                if is_child
                    && (child, kind) != (Kind::Service, Kind::Certificate)
                    && let Some(Value::Array(list)) = nested(&mut fields, kind, child)
                {
                    children.push((child, list));
                }
            }
            if let Some((of, id)) = parent {
                let field = kind.parents().iter().find(|(_, parent)| *parent == of);
                if let Some((field, _)) = field {
                    if fields.contains_key(*field) {
                        let message = "already given by the place in the document".to_owned();
                        fault = Some(((*field).to_owned(), message));
                    }
                    let reference = serde_json::json!({ "id": id.to_string() });
                    fields.insert((*field).to_owned(), reference);
                }
            }
            let id = ids::of(kind, &fields, parent);
            self.entries.push(Entry {
                kind,
                id,
                fields,
                place: place.clone(),
                fault,
            });
            for (child, list) in children {
                self.take(child, list, &place, Some((kind, id)));
            }
        }
    }

    /// What older formats and clear passwords become.
    fn convert(&mut self, format: &str, transforms: bool) {
        for entry in &mut self.entries {
            if entry.kind == Kind::Route
                && format != "3.0"
                && let Some(Value::Array(paths)) = entry.fields.get_mut("paths")
            {
                for path in paths {
                    if let Value::String(text) = path {
                        *text = kong::path::convert(text);
                    }
                }
            }
            if entry.kind == Kind::BasicAuth
                && let Some(Value::String(text)) = entry.fields.get_mut("password")
                && !password::is_hash(text)
            {
                let taken_over = if transforms {
                    None
                } else {
                    password::taken_over(text)
                };
                *text = taken_over.unwrap_or_else(|| password::hash(text));
            }
        }
    }
}

/// The list of children of this kind. SNIs of a certificate may be plain names, too, which are a
/// field of its own.
fn nested(fields: &mut Map<String, Value>, parent: Kind, child: Kind) -> Option<Value> {
    let list = fields.get(child.name())?.as_array()?;
    let are_names = list.iter().all(Value::is_string);
    if (parent, child) == (Kind::Certificate, Kind::Sni) && are_names {
        return None;
    }
    fields.remove(child.name())
}

#[cfg(test)]
mod tests;
