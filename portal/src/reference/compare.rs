//! What differs between two definitions, and whether a client has to be changed for it. No I/O.
//!
//! Everything that a client sends or gets becomes a row: a parameter, a body, a member of it, an answer.
//! Rows are compared one by one; what clients send may only get wider, what they get only narrower.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Definition, Operation, refs};

/// More differences are counted, not told.
const MAX_CHANGES: usize = 300;
/// Rows of one operation.
const MAX_ROWS: usize = 2000;
const MAX_DEPTH: usize = 12;
/// Schemas that are looked at for one body: parts of parts may be many without being rows.
const MAX_STEPS: usize = 20_000;

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An operation as a whole.
    Operation,
    Parameter,
    Body,
    Answer,
}

impl Place {
    /// In answers for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Parameter => "parameter",
            Self::Body => "body",
            Self::Answer => "answer",
        }
    }
}

/// What happened to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Added,
    AddedRequired,
    Removed,
    NowRequired,
    NowOptional,
    Deprecated,
    /// Types or media types.
    Type(String, String),
    /// Values that are possible; nothing stands for any.
    Values(String, String),
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Upper case, and the path.
    pub operation: (String, String),
    pub place: Place,
    /// Empty for the operation or body itself.
    pub name: String,
    pub what: What,
    pub is_breaking: bool,
}

/// All differences between two definitions.
#[derive(Debug, Default)]
pub struct Difference {
    /// The first ones, by operation.
    pub changes: Vec<Change>,
    pub count: usize,
    pub breaking: usize,
    /// `info.version` before and after, if it differs.
    pub version: Option<(String, String)>,
}

/// One thing that is sent or got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    types: BTreeSet<String>,
    /// Nothing stands for all.
    values: Option<BTreeSet<String>>,
    is_required: bool,
    /// Types are media types, of which each side takes one.
    is_media: bool,
    /// It holds itself, so its members are those of one around it.
    is_circle: bool,
}

type Rows = BTreeMap<String, Row>;

/// Compares two states of a definition.
pub fn compare(before: &Definition, after: &Definition) -> Difference {
    let (old, new) = (by_address(before), by_address(after));
    let mut difference = Difference {
        version: changed_version(before, after),
        ..Difference::default()
    };
    for (address, operation) in &old {
        if !new.contains_key(address) {
            difference.note(operation, Place::Operation, "", What::Removed, true);
        }
    }
    for (address, operation) in &new {
        let Some(known) = old.get(address) else {
            difference.note(operation, Place::Operation, "", What::Added, false);
            continue;
        };
        let (Some(was), Some(is)) = (before.source(known), after.source(operation)) else {
            continue;
        };
        let is_deprecated = |source: &Value| source.get("deprecated") == Some(&Value::Bool(true));
        if is_deprecated(is.operation()) && !is_deprecated(was.operation()) {
            difference.note(operation, Place::Operation, "", What::Deprecated, false);
        }
        let was = Sides::of(before, was.item(), was.operation());
        let is = Sides::of(after, is.item(), is.operation());
        difference.rows(operation, Place::Parameter, &was.parameters, &is.parameters);
        difference.rows(operation, Place::Body, &was.body, &is.body);
        difference.rows(operation, Place::Answer, &was.answers, &is.answers);
    }
    difference
}

impl Difference {
    fn note(
        &mut self,
        operation: &Operation,
        place: Place,
        name: &str,
        what: What,
        is_breaking: bool,
    ) {
        self.count += 1;
        self.breaking += usize::from(is_breaking);
        if self.changes.len() < MAX_CHANGES {
            self.changes.push(Change {
                operation: (operation.method.to_uppercase(), operation.path.clone()),
                place,
                name: name.to_owned(),
                what,
                is_breaking,
            });
        }
    }

    fn rows(&mut self, operation: &Operation, place: Place, before: &Rows, after: &Rows) {
        let is_sent = place != Place::Answer;
        for (name, was) in before {
            let Some(is) = after.get(name) else {
                if !is_within(name, before, after) {
                    let is_error = name.starts_with(['4', '5', 'd']) && !name.contains(' ');
                    let is_breaking = is_sent || !is_error;
                    self.note(operation, place, name, What::Removed, is_breaking);
                }
                continue;
            };
            if was.types != is.types {
                let is_breaking = match (was.is_media, is_sent) {
                    (true, _) | (_, true) => !covers(&is.types, &was.types),
                    (false, false) => !covers(&was.types, &is.types),
                };
                let what = What::Type(listed(&was.types), listed(&is.types));
                self.note(operation, place, name, what, is_breaking);
            }
            if was.values != is.values {
                let (wide, narrow) = if is_sent { (is, was) } else { (was, is) };
                let is_breaking = !allows(wide.values.as_ref(), narrow.values.as_ref());
                let text = |values: &Option<BTreeSet<String>>| values.as_ref().map(listed);
                let (was, is) = (text(&was.values), text(&is.values));
                let what = What::Values(was.unwrap_or_default(), is.unwrap_or_default());
                self.note(operation, place, name, what, is_breaking);
            }
            match (was.is_required, is.is_required) {
                (false, true) => self.note(operation, place, name, What::NowRequired, is_sent),
                (true, false) => self.note(operation, place, name, What::NowOptional, !is_sent),
                _ => {}
            }
        }
        for (name, is) in after {
            if !before.contains_key(name) && !is_within(name, after, before) {
                let demands = is_sent && is.is_required;
                let what = if demands {
                    What::AddedRequired
                } else {
                    What::Added
                };
                self.note(operation, place, name, what, demands);
            }
        }
    }
}

/// Whether a row of `some` that `others` have not lies in one that they have not either, or that they
/// have no members of: the outer one is told.
fn is_within(name: &str, some: &Rows, others: &Rows) -> bool {
    let ends = name
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | '[' | ' '));
    let parents = ends.map(|(end, _)| &name[..end]);
    // The body itself has no name.
    let body = (!name.is_empty()).then_some("");
    parents.chain(body).any(|parent| match others.get(parent) {
        Some(other) => other.is_circle,
        None => some.contains_key(parent),
    })
}

/// Whether all types of `narrow` are among `wide`; no type is any.
fn covers(wide: &BTreeSet<String>, narrow: &BTreeSet<String>) -> bool {
    let is_in = |one: &String| wide.contains(one) || (one == "integer" && wide.contains("number"));
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(is_in))
}

fn allows(wide: Option<&BTreeSet<String>>, narrow: Option<&BTreeSet<String>>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.is_subset(wide),
    }
}

fn listed(texts: &BTreeSet<String>) -> String {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.join(", ")
}

fn changed_version(before: &Definition, after: &Definition) -> Option<(String, String)> {
    let of = |definition: &Definition| {
        let version = definition.root().pointer("/info/version");
        version
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (before, after) = (of(before), of(after));
    (before != after).then_some((before, after))
}

/// Operations by method and path, in which the names of parameters do not count.
fn by_address(definition: &Definition) -> BTreeMap<(String, &'static str), &Operation> {
    let operations = definition.operations().iter();
    operations
        .map(|operation| ((unnamed(&operation.path), operation.method), operation))
        .collect()
}

fn unnamed(path: &str) -> String {
    let mut parts = path.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str("{}");
        text.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    text
}

/// The rows of an operation.
#[derive(Default)]
struct Sides {
    parameters: Rows,
    body: Rows,
    answers: Rows,
}

impl Sides {
    fn of(definition: &Definition, item: &Value, operation: &Value) -> Self {
        let root = definition.root();
        let mut sides = Self::default();
        for list in [item, operation] {
            let list = list.get("parameters").and_then(Value::as_array);
            for parameter in list.into_iter().flatten() {
                if let Some((parameter, _)) = refs::resolve(root, parameter) {
                    sides.parameter(root, parameter);
                }
            }
        }
        if let Some((body, _)) = operation
            .get("requestBody")
            .and_then(|body| refs::resolve(root, body))
        {
            let is_required = flag(body, "required");
            content(root, body, "", is_required, &mut sides.body);
        }
        let answers = operation.get("responses").and_then(Value::as_object);
        for (status, answer) in answers.into_iter().flatten() {
            if let Some((answer, _)) = refs::resolve(root, answer)
                && !status.starts_with("x-")
            {
                content(root, answer, status, true, &mut sides.answers);
            }
        }
        sides
    }

    fn parameter(&mut self, root: &Value, parameter: &Value) {
        let text = |name: &str| {
            parameter
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let is_required = flag(parameter, "required");
        match text("in") {
            "body" => content(root, parameter, "", is_required, &mut self.body),
            // Its place in the path is its name.
            "path" => {}
            place => {
                let schema = parameter.get("schema").unwrap_or(parameter);
                let name = format!("{} ({place})", text("name"));
                let mut reader = Reader::new(root, &mut self.parameters);
                // The operation's own comes later, and wins.
                reader.rows.remove(&name);
                reader.schema(schema, &name, is_required);
            }
        }
    }
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// The rows of a body or answer: itself, and the members of its first media type that has a schema.
fn content(root: &Value, of: &Value, name: &str, is_required: bool, rows: &mut Rows) {
    let medias = of.get("content").and_then(Value::as_object);
    let row = Row {
        types: medias.into_iter().flat_map(Map::keys).cloned().collect(),
        is_required,
        is_media: true,
        ..Row::default()
    };
    rows.insert(name.to_owned(), row);
    let mut medias = medias.into_iter().flat_map(Map::values);
    let schema = medias.find_map(|media| media.get("schema"));
    if let Some(schema) = schema.or_else(|| of.get("schema")) {
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("{name} ")
        };
        Reader::new(root, rows).members(schema, &name);
    }
}

/// Reads schemas into rows.
struct Reader<'a, 'r> {
    root: &'a Value,
    rows: &'r mut Rows,
    /// References that are being read: a schema may hold itself.
    open: Vec<&'a str>,
    depth: usize,
    steps: usize,
}

impl<'a, 'r> Reader<'a, 'r> {
    fn new(root: &'a Value, rows: &'r mut Rows) -> Self {
        Self {
            root,
            rows,
            open: Vec::new(),
            depth: 0,
            steps: 0,
        }
    }

    /// A schema as a row with those of its members.
    fn schema(&mut self, schema: &'a Value, name: &str, is_required: bool) {
        if self.rows.len() >= MAX_ROWS || self.depth > MAX_DEPTH {
            return;
        }
        let row = self.rows.entry(name.to_owned()).or_default();
        row.is_required |= is_required;
        if let Some((schema, _)) = refs::resolve(self.root, schema) {
            row.types.extend(types(schema));
            if let Some(values) = schema.get("enum").and_then(Value::as_array) {
                let values = values.iter().take(100).map(|value| match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                row.values.get_or_insert_default().extend(values);
            }
        }
        let is_circle = self.members(schema, name);
        if let Some(row) = self.rows.get_mut(name) {
            row.is_circle |= is_circle;
        }
    }

    /// What lies in a schema. Says whether that is a schema that is being read already.
    fn members(&mut self, schema: &'a Value, name: &str) -> bool {
        let Some((schema, pointer)) = refs::resolve(self.root, schema) else {
            return false;
        };
        let is_open = pointer.is_some_and(|pointer| self.open.contains(&pointer));
        self.steps += 1;
        if is_open || self.depth > MAX_DEPTH || self.steps > MAX_STEPS {
            return is_open;
        }
        self.open.extend(pointer);
        self.depth += 1;
        for (kind, all) in [("allOf", true), ("oneOf", false), ("anyOf", false)] {
            let parts = schema.get(kind).and_then(Value::as_array);
            for part in parts.into_iter().flatten() {
                if all || name.is_empty() || name.ends_with(' ') {
                    self.members(part, name);
                } else {
                    self.schema(part, name, false);
                }
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        let properties = schema.get("properties").and_then(Value::as_object);
        for (property, member) in properties.into_iter().flatten() {
            let is_required = required.is_some_and(|names| names.iter().any(|one| one == property));
            let is_first = name.is_empty() || name.ends_with(' ');
            let dot = if is_first { "" } else { "." };
            self.schema(member, &format!("{name}{dot}{property}"), is_required);
        }
        if let Some(items) = schema.get("items") {
            self.schema(items, &format!("{name}[]"), false);
        }
        self.depth -= 1;
        self.open
            .truncate(self.open.len() - usize::from(pointer.is_some()));
        false
    }
}

fn types(schema: &Value) -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    match schema.get("type") {
        Some(Value::String(one)) => drop(types.insert(one.clone())),
        Some(Value::Array(all)) => {
            types.extend(all.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        _ if schema.get("properties").is_some() => drop(types.insert("object".to_owned())),
        _ => {}
    }
    if flag(schema, "nullable") {
        types.insert("null".to_owned());
    }
    types
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value) -> Vec<String> {
        let of = |paths: &Value| {
            Definition::new(
                &json!({"openapi": "3.1.0", "paths": paths, "components": {"schemas": {
                    "Tree": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Tree"}}},
                }}}),
            )
        };
        let difference = compare(&of(before), &of(after));
        let changes = difference.changes.iter().map(|change| {
            let mark = if change.is_breaking { "!" } else { "" };
            let (method, path) = &change.operation;
            let (place, name) = (change.place.as_str(), &change.name);
            format!("{mark}{method} {path} {place} {name}: {:?}", change.what)
        });
        changes.collect()
    }

    #[test]
    fn operations_come_and_go() {
        let before = json!({"/a/{id}": {"get": {}, "put": {}}, "/old": {"get": {}}});
        let after =
            json!({"/a/{other}": {"get": {"deprecated": true}, "put": {}}, "/new": {"post": {}}});
        assert_eq!(
            told(&before, &after),
            [
                "!GET /old operation : Removed",
                "GET /a/{other} operation : Deprecated",
                "POST /new operation : Added",
            ]
        );
        assert!(told(&after, &after).is_empty());
    }

    #[test]
    fn parameters_may_only_get_wider() {
        let of = |parameters: Value| json!({"/a": {"get": {"parameters": parameters}}});
        let one = |name: &str, required: bool, schema: Value| json!({"name": name, "in": "query", "required": required, "schema": schema});
        let before = of(json!([
            one("gone", false, json!({})),
            one("kind", false, json!({"type": "integer"})),
            one("sort", false, json!({"enum": ["up", "down"]})),
            one("page", true, json!({"type": "integer"})),
        ]));
        let after = of(json!([
            one("kind", false, json!({"type": "number"})),
            one("must", true, json!({})),
            one("may", false, json!({})),
            one("page", false, json!({"type": "string"})),
            one("sort", true, json!({"enum": ["up"]})),
        ]));
        assert_eq!(
            told(&before, &after),
            [
                "!GET /a parameter gone (query): Removed",
                "GET /a parameter kind (query): Type(\"integer\", \"number\")",
                "!GET /a parameter page (query): Type(\"integer\", \"string\")",
                "GET /a parameter page (query): NowOptional",
                "!GET /a parameter sort (query): Values(\"down, up\", \"up\")",
                "!GET /a parameter sort (query): NowRequired",
                "GET /a parameter may (query): Added",
                "!GET /a parameter must (query): AddedRequired",
            ]
        );
    }

    #[test]
    fn bodies_get_wider_and_answers_narrower() {
        let of = |body: Value, answer: Value| {
            let content =
                |schema: Value| json!({"content": {"application/json": {"schema": schema}}});
            json!({"/a": {"post": {"requestBody": content(body), "responses": {"200": content(answer)}}}})
        };
        let tree = || json!({"$ref": "#/components/schemas/Tree"});
        let before = of(
            json!({"allOf": [{"properties": {"a": {"type": "string"}, "deep": {"properties": {"x": {}}}}}, tree()]}),
            json!({"type": "array", "items": {"required": ["id"], "properties": {"id": {"type": "number"}, "gone": {"properties": {"in": {}}}}}}),
        );
        let after = of(
            json!({"required": ["b"], "properties": {"a": {"type": ["string", "null"]}, "b": {}, "next": tree()}}),
            json!({"type": "array", "items": {"properties": {"id": {"type": "integer"}, "more": {}}}}),
        );
        assert_eq!(
            told(&before, &after),
            [
                "POST /a body a: Type(\"string\", \"null, string\")",
                "!POST /a body deep: Removed",
                "!POST /a body b: AddedRequired",
                "!POST /a answer 200 [].gone: Removed",
                "POST /a answer 200 [].id: Type(\"number\", \"integer\")",
                "!POST /a answer 200 [].id: NowOptional",
                "POST /a answer 200 [].more: Added",
            ]
        );
    }

    #[test]
    fn answers_and_media_types_count_as_a_whole() {
        let of = |answers: Value| json!({"/a": {"get": {"responses": answers}}});
        let media = |kind: &str| json!({"content": {kind: {"schema": {"properties": {"x": {}}}}}});
        let before = of(json!({"200": media("text/csv"), "201": media("text/csv"), "404": {}}));
        let after = of(json!({"200": media("text/plain"), "500": {}}));
        assert_eq!(
            told(&before, &after),
            [
                "!GET /a answer 200: Type(\"text/csv\", \"text/plain\")",
                "!GET /a answer 201: Removed",
                "GET /a answer 404: Removed",
                "GET /a answer 500: Added",
            ]
        );
    }

    #[test]
    fn hostile_definitions_end_in_bounded_time() {
        let mut schema = json!({});
        for _ in 0..40 {
            schema = json!({"properties": {"a": schema}, "anyOf": [{"properties": {"b": {"type": "string"}}}]});
        }
        let circle = json!({"$ref": "#/paths/~1a/post/requestBody/content/x/schema"});
        let wide: Map<String, Value> = (0..5000)
            .map(|n| (format!("p{n}"), circle.clone()))
            .collect();
        let of = |schema: Value| json!({"/a": {"post": {"requestBody": {"content": {"x": {"schema": schema}}}}}});
        let changes = told(&of(schema.clone()), &of(json!({"properties": wide})));
        assert!(changes.len() <= MAX_CHANGES);
        let mut parts = json!({"properties": {"x": {}}});
        for _ in 0..6 {
            parts = json!({"allOf": vec![parts; 6]});
        }
        assert!(told(&of(schema), &of(parts)).len() <= MAX_CHANGES);
    }
}
