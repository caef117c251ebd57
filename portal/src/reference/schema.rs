//! Schemas as nested rows: from JSON Schema as OpenAPI 2.0 to 3.1 use it.

use serde_json::{Map, Value};
use ui::{Html, Lang, texts};

use super::refs;
use crate::markdown;

/// Rows of one page. What is beyond is in the definition.
const BUDGET: usize = 600;
const MAX_DEPTH: usize = 10;
/// Levels that are open when the page arrives.
const OPEN_DEPTH: usize = 2;
const MAX_VALUES: usize = 60;

/// One row: a property, an element, a variant.
#[derive(Clone, Debug, Default)]
pub struct SchemaRow {
    pub name: String,
    pub kind: String,
    pub required: bool,
    /// Small print after the kind: limits, "read only" and the like.
    pub notes: Vec<String>,
    pub description: Html,
    pub values: Vec<String>,
    pub default: Option<String>,
    pub nested: Option<Nested>,
}

/// What is inside a row.
#[derive(Clone, Debug)]
pub struct Nested {
    pub title: String,
    pub open: bool,
    pub rows: Vec<SchemaRow>,
    /// In place of rows: why there are none.
    pub note: Option<String>,
}

/// Builds rows for one page.
pub struct Builder<'a> {
    root: &'a Value,
    t: texts::Reference,
    left: usize,
    /// Pointers that are being shown further up; meeting one again is a circle.
    above: Vec<&'a str>,
}

impl<'a> Builder<'a> {
    pub fn new(root: &'a Value, lang: Lang) -> Self {
        Self {
            root,
            t: texts::Reference(lang),
            left: BUDGET,
            above: Vec::new(),
        }
    }

    /// A row for a schema under a name.
    pub fn row(&mut self, name: &str, schema: &'a Value, required: bool) -> SchemaRow {
        self.row_at(name, schema, required, 0)
    }

    /// The fields of a body or an answer: the rows of an object, or one row for anything else.
    pub fn top(&mut self, schema: &'a Value) -> Vec<SchemaRow> {
        let row = self.row_at("", schema, false, 0);
        match row.nested {
            Some(nested)
                if row.kind == "object"
                    || nested.rows.iter().all(|row| !row.name.is_empty())
                        && row.description.is_empty() =>
            {
                nested.rows
            }
            nested => vec![SchemaRow { nested, ..row }],
        }
    }

    fn row_at(&mut self, name: &str, schema: &'a Value, required: bool, depth: usize) -> SchemaRow {
        let named = SchemaRow {
            name: name.to_owned(),
            required,
            ..SchemaRow::default()
        };
        let Some((resolved, pointer)) = refs::resolve(self.root, schema) else {
            return SchemaRow {
                kind: self.t.any().to_owned(),
                ..named
            };
        };
        let title = pointer.map(refs::name);
        let flat = Flat::of(self.root, resolved);
        let kind = flat.kind(self.root, self.t, title.as_deref());
        let nested = self.nested(&flat, pointer, title.as_deref(), depth);
        SchemaRow {
            notes: flat.notes(self.t),
            description: flat
                .text("description")
                .map(markdown::render)
                .unwrap_or_default(),
            values: flat.values(),
            default: flat.get("default").map(short),
            kind,
            nested,
            ..named
        }
    }

    fn nested(
        &mut self,
        flat: &Flat<'a>,
        pointer: Option<&'a str>,
        title: Option<&str>,
        depth: usize,
    ) -> Option<Nested> {
        if !flat.has_inside(self.root) {
            return None;
        }
        let note = |note: String| {
            let title = title.unwrap_or("…").to_owned();
            Some(Nested {
                title,
                open: false,
                rows: Vec::new(),
                note: Some(note),
            })
        };
        if let Some(seen) = pointer.filter(|pointer| self.above.contains(pointer)) {
            return note(self.t.recursive(refs::name(seen)));
        }
        if depth >= MAX_DEPTH || self.left == 0 {
            return note(self.t.cut().to_owned());
        }
        if let Some(pointer) = pointer {
            self.above.push(pointer);
        }
        let nested = self.inside(flat, title, depth);
        if pointer.is_some() {
            self.above.pop();
        }
        nested
    }

    fn inside(&mut self, flat: &Flat<'a>, title: Option<&str>, depth: usize) -> Option<Nested> {
        let open = depth < OPEN_DEPTH;
        if let Some(items) = flat.get("items") {
            return self.element(items, depth);
        }
        for (member, label) in [("oneOf", self.t.one_of()), ("anyOf", self.t.any_of())] {
            let Some(variants) = flat.get(member).and_then(Value::as_array) else {
                continue;
            };
            let mut rows = self.properties(flat, depth);
            for (index, variant) in variants.iter().enumerate() {
                if !self.spend() {
                    break;
                }
                let name = self.t.variant(index + 1);
                let row = self.row_at("", variant, false, depth + 1);
                let kind = if row.kind == "object" {
                    format!("{name}, object")
                } else {
                    row.kind.clone()
                };
                rows.push(SchemaRow { kind, ..row });
            }
            return Some(Nested {
                title: label.to_owned(),
                open,
                rows,
                note: None,
            });
        }
        let rows = self.properties(flat, depth);
        let fields = self.t.fields(rows.len());
        let title = title.map_or_else(|| fields.clone(), |title| format!("{title}, {fields}"));
        Some(Nested {
            title,
            open,
            rows,
            note: None,
        })
    }

    /// The inside of an array is the inside of its element.
    fn element(&mut self, items: &'a Value, depth: usize) -> Option<Nested> {
        let row = self.row_at("", items, false, depth);
        if row.nested.is_some() {
            return row.nested;
        }
        let plain = row.description.is_empty() && row.values.is_empty() && row.notes.is_empty();
        (!plain).then(|| Nested {
            title: self.t.items().to_owned(),
            open: depth < OPEN_DEPTH,
            rows: vec![row],
            note: None,
        })
    }

    fn properties(&mut self, flat: &Flat<'a>, depth: usize) -> Vec<SchemaRow> {
        let mut rows = Vec::new();
        for (name, schema) in flat.properties() {
            if !self.spend() {
                break;
            }
            let required = flat.requires(name);
            rows.push(self.row_at(name, schema, required, depth + 1));
        }
        if let Some(others) = flat
            .get("additionalProperties")
            .filter(|value| value.is_object())
            && self.spend()
        {
            let row = self.row_at("*", others, false, depth + 1);
            let mut notes = vec![self.t.values_of().to_owned()];
            notes.extend(row.notes);
            rows.push(SchemaRow { notes, ..row });
        }
        rows
    }

    fn spend(&mut self) -> bool {
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

/// Limits that belong together.
enum Range {
    Both(String, String),
    From(String),
    To(String),
}

/// A schema with its `allOf` parts; the first one that has a member wins, properties add up.
struct Flat<'a> {
    parts: Vec<&'a Map<String, Value>>,
}

impl<'a> Flat<'a> {
    fn of(root: &'a Value, schema: &'a Value) -> Self {
        let mut parts = Vec::new();
        collect(root, schema, &mut parts, 0);
        Self { parts }
    }

    fn get(&self, member: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|part| part.get(member))
    }

    fn text(&self, member: &str) -> Option<&'a str> {
        self.get(member)?
            .as_str()
            .filter(|text| !text.trim().is_empty())
    }

    fn is_set(&self, member: &str) -> bool {
        self.get(member)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    fn properties(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.parts
            .iter()
            .filter_map(|part| part.get("properties")?.as_object())
            .flatten()
    }

    fn requires(&self, name: &str) -> bool {
        self.parts
            .iter()
            .filter_map(|part| part.get("required")?.as_array())
            .flatten()
            .any(|required| required.as_str() == Some(name))
    }

    fn has_inside(&self, root: &'a Value) -> bool {
        let variants = |member: &str| {
            self.get(member)
                .and_then(Value::as_array)
                .is_some_and(|list| !list.is_empty())
        };
        let items = || {
            self.get("items").is_some_and(|items| {
                refs::resolve(root, items)
                    .is_some_and(|(items, _)| items.as_object().is_some_and(|map| !map.is_empty()))
            })
        };
        self.properties().next().is_some()
            || variants("oneOf")
            || variants("anyOf")
            || self
                .get("additionalProperties")
                .is_some_and(Value::is_object)
            || items()
    }

    /// Types without `null`, which becomes a note.
    fn types(&self) -> Vec<&'a str> {
        let types: Vec<&str> = match self.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if self.properties().next().is_some() => vec!["object"],
            _ if self.get("items").is_some() => vec!["array"],
            _ => Vec::new(),
        };
        types.into_iter().filter(|name| *name != "null").collect()
    }

    fn kind(&self, root: &'a Value, t: texts::Reference, title: Option<&str>) -> String {
        let types = self.types();
        if types == ["array"] {
            let items = self.get("items").and_then(|items| {
                let (items, pointer) = refs::resolve(root, items)?;
                let flat = Flat::of(root, items);
                Some(match pointer {
                    Some(pointer) => refs::name(pointer),
                    None => flat
                        .types()
                        .first()
                        .map_or_else(|| t.any().to_owned(), |name| (*name).to_owned()),
                })
            });
            return t.array_of(items.unwrap_or_else(|| t.any().to_owned()));
        }
        let kind = match types.as_slice() {
            [] if self.get("enum").is_some() || self.get("const").is_some() => "enum".to_owned(),
            [] if self.get("oneOf").is_some() || self.get("anyOf").is_some() => {
                title.map_or_else(|| "object".to_owned(), str::to_owned)
            }
            [] => t.any().to_owned(),
            types => types.join(" | "),
        };
        match self.text("format") {
            Some(format) => format!("{kind}, {format}"),
            None => kind,
        }
    }

    fn number(&self, member: &str) -> Option<String> {
        self.get(member)
            .filter(|value| value.is_number())
            .map(Value::to_string)
    }

    fn range(&self, min: &str, max: &str) -> Option<Range> {
        match (self.number(min), self.number(max)) {
            (Some(min), Some(max)) => Some(Range::Both(min, max)),
            (Some(min), None) => Some(Range::From(min)),
            (None, Some(max)) => Some(Range::To(max)),
            (None, None) => None,
        }
    }

    fn notes(&self, t: texts::Reference) -> Vec<String> {
        let mut notes = Vec::new();
        notes.extend(
            self.range("minLength", "maxLength")
                .map(|range| match range {
                    Range::Both(min, max) => t.characters(min, max),
                    Range::From(min) if min == "1" => t.not_empty().to_owned(),
                    Range::From(min) => t.from_characters(min),
                    Range::To(max) => t.up_to_characters(max),
                }),
        );
        notes.extend(self.range("minItems", "maxItems").map(|range| match range {
            Range::Both(min, max) => t.elements(min, max),
            Range::From(min) if min == "1" => t.not_empty().to_owned(),
            Range::From(min) => t.from_items(min),
            Range::To(max) => t.up_to_items(max),
        }));
        notes.extend(self.range("minimum", "maximum").map(|range| match range {
            Range::Both(min, max) => t.values(min, max),
            Range::From(min) => t.from_value(min),
            Range::To(max) => t.to_value(max),
        }));
        notes.extend(
            self.number("exclusiveMinimum")
                .map(|number| t.above(number)),
        );
        notes.extend(
            self.number("exclusiveMaximum")
                .map(|number| t.below(number)),
        );
        if let Some(pattern) = self.text("pattern") {
            notes.push(format!("{} {pattern}", t.pattern()));
        }
        let null_type = self
            .get("type")
            .and_then(Value::as_array)
            .is_some_and(|types| types.iter().any(|name| name == "null"));
        for (holds, word) in [
            (null_type || self.is_set("nullable"), t.nullable()),
            (self.is_set("readOnly"), t.read_only()),
            (self.is_set("writeOnly"), t.write_only()),
            (self.is_set("deprecated"), t.deprecated()),
        ] {
            if holds {
                notes.push(word.to_owned());
            }
        }
        notes
    }

    fn values(&self) -> Vec<String> {
        let constant = self.get("const").map(short);
        let values = self
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        values.map(short).chain(constant).take(MAX_VALUES).collect()
    }
}

fn collect<'a>(
    root: &'a Value,
    schema: &'a Value,
    parts: &mut Vec<&'a Map<String, Value>>,
    depth: usize,
) {
    let Some((Value::Object(map), _)) = refs::resolve(root, schema) else {
        return;
    };
    let circle = parts.iter().any(|known| std::ptr::eq(*known, map));
    if depth >= MAX_DEPTH || parts.len() >= BUDGET || circle {
        return;
    }
    parts.push(map);
    for part in map
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        collect(root, part, parts, depth + 1);
    }
}

/// A value on one line.
fn short(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn properties_of_all_parts_add_up_and_limits_become_notes() {
        let root = json!({"defs": {"Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "maxLength": 64}}}}});
        let schema = json!({"allOf": [{"$ref": "#/defs/Base"}, {"properties": {"kg": {"type": ["number", "null"], "minimum": 0.1}}}]});
        let rows = Builder::new(&root, Lang::EN).top(&schema);
        let names: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.required))
            .collect();
        assert_eq!(names, [("id", true), ("kg", false)]);
        assert_eq!(rows[0].notes, ["up to 64 characters"]);
        assert_eq!(rows[1].notes, ["from 0.1", "may be null"]);
    }

    #[test]
    fn a_tree_that_contains_itself_ends() {
        let root = json!({"defs": {"Node": {"type": "object", "properties": {
            "children": {"type": "array", "items": {"$ref": "#/defs/Node"}},
            "parent": {"$ref": "#/defs/Node"}}}}});
        let schema = json!({"$ref": "#/defs/Node"});
        let rows = Builder::new(&root, Lang::EN).top(&schema);
        assert_eq!(rows[0].kind, "array of Node");
        assert_eq!(
            rows[1].nested.as_ref().unwrap().note.as_deref(),
            Some("As Node above.")
        );
        let all_of = json!({"a": {"allOf": [{"$ref": "#/a"}]}});
        Builder::new(&all_of, Lang::EN).row("a", &json!({"$ref": "#/a"}).clone(), false);
    }

    fn count(rows: &[SchemaRow]) -> usize {
        rows.iter()
            .map(|row| 1 + row.nested.as_ref().map_or(0, |nested| count(&nested.rows)))
            .sum()
    }

    #[test]
    fn a_wide_and_deep_schema_is_cut() {
        let level = |inner: &Value| {
            let properties: Map<String, Value> =
                (0..30).map(|i| (format!("p{i}"), inner.clone())).collect();
            json!({"type": "object", "properties": properties})
        };
        let schema = (0..3).fold(json!({"type": "string"}), |inner, _| level(&inner));
        let root = json!({});
        assert!(count(&Builder::new(&root, Lang::EN).top(&schema)) <= BUDGET);
    }

    #[test]
    fn variants_are_listed() {
        let root = json!({});
        let schema =
            json!({"oneOf": [{"type": "string"}, {"type": "object", "properties": {"a": {}}}]});
        let row = Builder::new(&root, Lang::EN).row("x", &schema, false);
        let nested = row.nested.unwrap();
        assert_eq!(
            nested
                .rows
                .iter()
                .map(|row| row.kind.as_str())
                .collect::<Vec<_>>(),
            ["string", "Variant 2, object"]
        );
    }
}
