//! An OpenAPI 3.x or Swagger 2.0 file and the list of its operations.

use std::collections::HashSet;

use serde_json::Value;

use super::refs;

const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];
/// A definition with more is cut; nobody reads a list of that length.
const MAX_OPERATIONS: usize = 20_000;

/// A parsed definition. Shared by all requests until it is read again.
#[derive(Debug)]
pub struct Definition {
    root: Value,
    operations: Vec<Operation>,
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
    pub fn new(root: Value) -> Self {
        let operations = operations(&root);
        Self { root, operations }
    }

    pub fn root(&self) -> &Value {
        &self.root
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

    /// The path item and the operation itself.
    pub fn source(&self, operation: &Operation) -> Option<(&Value, &Value)> {
        let item = self.root.get("paths")?.get(&operation.path)?;
        let (item, _) = refs::resolve(&self.root, item)?;
        Some((item, item.get(operation.method)?))
    }

    /// Operations by their first tag, in the order in which the tags appear; those without at the end.
    pub fn groups(&self) -> Vec<(Option<&str>, Vec<&Operation>)> {
        let mut groups: Vec<(Option<&str>, Vec<&Operation>)> = Vec::new();
        for operation in &self.operations {
            let tag = operation.tag.as_deref();
            match groups.iter_mut().find(|(known, _)| *known == tag) {
                Some((_, members)) => members.push(operation),
                None => groups.push((tag, vec![operation])),
            }
        }
        groups.sort_by_key(|(tag, _)| tag.is_none());
        groups
    }
}

fn operations(root: &Value) -> Vec<Operation> {
    let mut slugs = HashSet::new();
    let paths = root.get("paths").and_then(Value::as_object);
    paths
        .into_iter()
        .flatten()
        .filter_map(|(path, item)| Some((path, refs::resolve(root, item)?.0)))
        .flat_map(|(path, item)| METHODS.into_iter().map(move |method| (path, method, item)))
        .filter_map(|(path, method, item)| Some((path, method, item.get(method)?.as_object()?)))
        .take(MAX_OPERATIONS)
        .map(|(path, method, source)| {
            let text = |name: &str| {
                source
                    .get(name)
                    .and_then(Value::as_str)
                    .filter(|text| !text.trim().is_empty())
            };
            let id = text("operationId");
            Operation {
                slug: unique(&slug(id, method, path), &mut slugs),
                method,
                path: path.clone(),
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
        })
        .collect()
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
            json!({"openapi": "3.1.0", "servers": [{"url": "http://x/y/"}], "paths": {
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
            assert!(Definition::new(value).operations().is_empty());
        }
    }
}
