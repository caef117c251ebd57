//! An OpenAPI 3.x or Swagger 2.0 file and the list of its operations.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::{
    packed::{Packed, Packer},
    refs,
};

const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];
/// A definition with more is cut; nobody reads a list of that length.
const MAX_OPERATIONS: usize = 20_000;

/// How many bytes a byte of JSON becomes, roughly, when it is parsed.
const PARSED: usize = 6;

/// A definition that was read. Shared by all requests until it is read again.
#[derive(Debug)]
pub struct Definition {
    /// Everything but the paths; everything, if references lead into paths.
    root: Value,
    /// Path items: most of a large file, and few of them are looked at.
    paths: HashMap<String, Packed>,
    operations: Vec<Operation>,
    /// In bytes, roughly.
    size: usize,
}

/// A path item, for one of its operations.
pub struct Source<'a> {
    item: Cow<'a, Value>,
    method: &'static str,
}

impl Source<'_> {
    pub fn item(&self) -> &Value {
        &self.item
    }

    pub fn operation(&self) -> &Value {
        self.item.get(self.method).unwrap_or(&Value::Null)
    }
}

/// One entry of the list.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Part of the page's address.
    pub slug: String,
    /// Lower case.
    pub method: &'static str,
    pub path: String,
    pub title: String,
    pub tag: Option<String>,
}

impl Operation {
    fn size(&self) -> usize {
        let tag = self.tag.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.slug.len() + self.path.len() + self.title.len() + tag
    }

    /// Upper case, shortened so that it fits a narrow column.
    pub fn short_method(&self) -> String {
        match self.method {
            "delete" => "DEL".to_owned(),
            "options" => "OPT".to_owned(),
            other => other.to_uppercase(),
        }
    }
}

impl Definition {
    /// Reads a definition; what is no definition has no operations.
    pub fn parse(text: &str) -> Self {
        let members: Members = serde_json::from_str(text).unwrap_or_default();
        let is_whole = text.contains("\"#/paths/");
        let mut definition = Self {
            root: Value::Null,
            paths: HashMap::new(),
            operations: Vec::new(),
            size: 0,
        };
        let mut root = Map::new();
        let mut paths = Vec::new();
        let mut packer = Packer::default();
        for (name, written) in members.0 {
            let written = written.get();
            if name == "paths" {
                let items: Members = serde_json::from_str(written).unwrap_or_default();
                for (path, item) in items.0 {
                    paths.push((path.clone(), item));
                    if !is_whole && let Some(item) = packer.pack(item.get()) {
                        definition.size += size_of::<(String, Packed)>() + path.len() + item.size();
                        definition.paths.insert(path, item);
                    }
                }
            }
            if name == "paths" && !is_whole {
                continue;
            }
            if let Ok(value) = serde_json::from_str(written) {
                definition.size += written.len() * PARSED;
                root.insert(name, value);
            }
        }
        definition.root = Value::Object(root);
        definition.operations = operations(&definition, &paths);
        definition.size += definition
            .operations
            .iter()
            .map(Operation::size)
            .sum::<usize>();
        definition
    }

    #[cfg(test)]
    pub fn new(root: &Value) -> Self {
        Self::parse(&root.to_string())
    }

    /// Everything that references can lead to.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// How many bytes it takes, roughly.
    pub fn size(&self) -> usize {
        self.size
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub fn find(&self, slug: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.slug == slug)
    }

    /// The operation that is easiest to try: the first that reads, else the first.
    pub fn first_call(&self) -> Option<&Operation> {
        let mut operations = self.operations.iter();
        let reading = operations.find(|operation| operation.method == "get");
        reading.or_else(|| self.operations.first())
    }

    /// Version 2.0, which puts bodies and types elsewhere.
    pub fn is_swagger_2(&self) -> bool {
        self.root.get("swagger").is_some()
    }

    /// "OpenAPI 3.1", "Swagger 2.0".
    pub fn format(&self) -> String {
        let version = |name: &str| self.root.get(name).and_then(Value::as_str);
        match (version("openapi"), version("swagger")) {
            (Some(version), _) => {
                let short: Vec<&str> = version.split('.').take(2).collect();
                format!("OpenAPI {}", short.join("."))
            }
            (None, Some(version)) => format!("Swagger {version}"),
            (None, None) => "OpenAPI".to_owned(),
        }
    }

    /// Base URL without a slash at the end.
    pub fn base_url(&self) -> Option<String> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let url = if self.is_swagger_2() {
            let host = text(self.root.get("host"))?;
            let scheme =
                text(self.root.pointer("/schemes/0")).unwrap_or_else(|| "https".to_owned());
            let path = text(self.root.get("basePath")).unwrap_or_default();
            format!("{scheme}://{host}{path}")
        } else {
            text(self.root.pointer("/servers/0/url"))?
        };
        Some(url.trim_end_matches('/').to_owned())
    }

    /// Where an operation is written.
    pub fn source(&self, operation: &Operation) -> Option<Source<'_>> {
        Some(Source {
            item: self.item(&operation.path)?,
            method: operation.method,
        })
    }

    /// The item of a path, or what it refers to.
    fn item(&self, path: &str) -> Option<Cow<'_, Value>> {
        self.referred(match self.paths.get(path) {
            Some(packed) => Cow::Owned(packed.read()?),
            None => Cow::Borrowed(self.root.get("paths")?.get(path)?),
        })
    }

    /// The item itself, or what it refers to.
    fn referred<'a>(&'a self, item: Cow<'a, Value>) -> Option<Cow<'a, Value>> {
        let Some(reference) = item.get("$ref").and_then(Value::as_str) else {
            return Some(item);
        };
        let (item, _) = refs::resolve(&self.root, refs::at(&self.root, reference)?)?;
        Some(Cow::Borrowed(item))
    }

    /// Operations by their first tag, in the order in which the tags appear; those without at the end.
    pub fn groups(&self) -> Vec<(Option<&str>, Vec<&Operation>)> {
        let mut groups: Vec<(Option<&str>, Vec<&Operation>)> = Vec::new();
        let mut places = HashMap::new();
        for operation in &self.operations {
            let tag = operation.tag.as_deref();
            let place = *places.entry(tag).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, members)) => members.push(operation),
                None => groups.push((tag, vec![operation])),
            }
        }
        groups.sort_by_key(|(tag, _)| tag.is_none());
        groups
    }
}

/// Members of an object in their order, unread.
#[derive(Default)]
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(member) = map.next_entry()? {
                    members.0.push(member);
                }
                Ok(members)
            }
        }
        from.deserialize_map(Each)
    }
}

/// The operations of these paths.
fn operations(definition: &Definition, paths: &[(String, &RawValue)]) -> Vec<Operation> {
    let mut slugs = HashSet::new();
    // Of a path that is written twice the last one counts, in the place of the first.
    let items = paths.iter().map(|(path, item)| (path.as_str(), *item));
    let mut items: HashMap<&str, &RawValue> = items.collect();
    let mut found = Vec::new();
    for (path, _) in paths {
        let Some(written) = items.remove(path.as_str()) else {
            continue;
        };
        // What is not kept as a whole has not been read.
        let item = match definition.root.get("paths") {
            Some(items) => items.get(path).map(Cow::Borrowed),
            None => serde_json::from_str(written.get()).ok().map(Cow::Owned),
        };
        let Some(item) = item.and_then(|item| definition.referred(item)) else {
            continue;
        };
        for method in METHODS {
            let Some(source) = item.get(method).and_then(Value::as_object) else {
                continue;
            };
            if found.len() == MAX_OPERATIONS {
                return found;
            }
            found.push(operation(path, method, source, &mut slugs));
        }
    }
    found
}

fn operation(
    path: &str,
    method: &'static str,
    source: &Map<String, Value>,
    slugs: &mut HashSet<String>,
) -> Operation {
    let text = |name: &str| {
        source
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
    };
    let id = text("operationId");
    Operation {
        slug: unique(&slug(id, method, path), slugs),
        method,
        path: path.to_owned(),
        title: text("summary").or(id).map_or_else(
            || format!("{} {path}", method.to_uppercase()),
            str::to_owned,
        ),
        tag: source
            .get("tags")
            .and_then(|tags| tags.get(0))
            .and_then(Value::as_str)
            .map(str::to_owned),
    }
}

/// The operation id where it can stand in an address, else method and path.
fn slug(id: Option<&str>, method: &str, path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(id) =
        id.filter(|id| id.len() <= 100 && id.chars().all(plain) && !id.starts_with('.'))
    {
        return id.to_owned();
    }
    let words: Vec<&str> = path
        .split(|c: char| !plain(c))
        .filter(|word| !word.is_empty())
        .collect();
    let slug = format!("{method}-{}", words.join("-"));
    slug.trim_end_matches('-').to_owned()
}

fn unique(slug: &str, taken: &mut HashSet<String>) -> String {
    let mut candidate = slug.to_owned();
    let mut number = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{slug}-{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_operation_has_an_address_of_its_own() {
        let definition = Definition::new(
            &json!({"openapi": "3.1.0", "servers": [{"url": "http://x/y/"}], "paths": {
                "/pets/{id}": {"get": {"operationId": "read"}, "delete": {"operationId": "bad id/.."}},
                "/pets": {"get": {"operationId": "read", "tags": ["b"]}, "summary": "x"},
            }}),
        );
        let slugs: Vec<_> = definition
            .operations()
            .iter()
            .map(|o| o.slug.as_str())
            .collect();
        assert_eq!(slugs, ["read", "delete-pets-id", "read-2"]);
        assert_eq!(definition.groups()[0].0, Some("b"));
        assert_eq!(definition.base_url().as_deref(), Some("http://x/y"));
        assert_eq!(definition.format(), "OpenAPI 3.1");
    }

    #[test]
    fn nonsense_has_no_operations() {
        for value in [
            json!(null),
            json!([]),
            json!({"paths": 3}),
            json!({"paths": {"/": {"get": 1}}}),
        ] {
            assert!(Definition::new(&value).operations().is_empty());
        }
        for text in ["", "{", "{\"paths\": {\"/a\": {\"get\": {}}", "[[[["] {
            assert!(Definition::parse(text).operations().is_empty());
        }
        let deep = format!("{{\"paths\": {{\"/a\": {}}}}}", "[".repeat(100_000));
        assert!(Definition::parse(&deep).operations().is_empty());
    }

    #[test]
    fn paths_stay_as_they_are_written_unless_references_lead_there() {
        let item = |reference: &str| json!({"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": reference}}}}}});
        let kept = Definition::new(&json!({"openapi": "3.1.0",
            "components": {"schemas": {"A": {"type": "string"}}, "pathItems": {"p": {"get": {"summary": "Shared"}}}},
            "paths": {"/a": item("#/components/schemas/A"), "/b": {"$ref": "#/components/pathItems/p"},
                "/c": {"$ref": "#/nowhere"}}}));
        assert!(kept.root().get("paths").is_none());
        let titles: Vec<_> = kept.operations().iter().map(|one| &one.title).collect();
        assert_eq!(titles, ["POST /a", "Shared"]);
        let source = kept.source(&kept.operations()[1]).unwrap();
        assert_eq!(source.operation()["summary"], "Shared");
        assert!(source.item().get("get").is_some());

        let reference = "#/paths/~1a/post/requestBody/content/application~1json/schema";
        let whole = Definition::new(&json!({"paths": {"/a": item("#/x"), "/b": item(reference)}}));
        let source = whole.source(&whole.operations()[1]).unwrap();
        let schema = &source.operation()["requestBody"]["content"]["application/json"]["schema"];
        assert!(refs::at(whole.root(), schema["$ref"].as_str().unwrap()).is_some());
        assert!(whole.size() > kept.size());
    }
}
