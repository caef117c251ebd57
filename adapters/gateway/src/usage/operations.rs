//! Path of a call → operation of the API's definition, `GET /pets/{id}`.
//!
//! A call's path begins with one of the API's route paths, and what follows is compared with the
//! definition's templates: by segments, along a tree that is built once per definition. A written
//! segment beats a parameter (OpenAPI: concrete paths are matched before templated ones).

use std::{collections::HashMap, fmt, sync::Arc};

use regex::{Regex, RegexBuilder};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// Of one API; what a definition has beyond is not told apart.
pub const MAX_OPERATIONS: usize = 10_000;
/// Route paths of one API that are tried.
const MAX_PREFIXES: usize = 64;
/// Segments of a template; deeper ones are left out.
const MAX_DEPTH: usize = 32;
/// Places of the tree that are looked at for one call.
const MAX_STEPS: usize = 1_000;
/// Bytes that a route's regular expression may take.
const MAX_REGEX: usize = 1 << 20;
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The part of a Swagger 2.0 or OpenAPI 3 document that matters here.
#[derive(Deserialize)]
pub struct Definition {
    #[serde(default)]
    paths: HashMap<String, PathItem>,
}

/// The methods of a path, without all that is said about them.
struct PathItem(Vec<&'static str>);

impl<'de> Deserialize<'de> for PathItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Methods)
    }
}

/// Whatever is no object (an extension `x-…` may be anything) has no methods.
struct Methods;

impl<'de> Visitor<'de> for Methods {
    type Value = PathItem;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the operations of a path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<PathItem, A::Error> {
        let mut methods = Vec::new();
        while let Some((name, _)) = members.next_entry::<String, IgnoredAny>()? {
            methods.extend(METHODS.into_iter().find(|method| *method == name));
        }
        Ok(PathItem(methods))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<PathItem, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(PathItem(Vec::new()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<PathItem, E> {
        Ok(PathItem(Vec::new()))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<PathItem, E> {
        self.visit_unit()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<PathItem, E> {
        self.visit_unit()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<PathItem, E> {
        self.visit_unit()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<PathItem, E> {
        self.visit_unit()
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<PathItem, E> {
        self.visit_unit()
    }
}

/// The operations of one API.
#[derive(Default)]
pub struct Operations {
    prefixes: Vec<Prefix>,
    nodes: Vec<Node>,
    len: usize,
}

/// What stands before the part that the definition describes.
enum Prefix {
    Text(Box<str>),
    Pattern(Regex),
}

/// A place in the tree of templates.
#[derive(Default)]
struct Node {
    written: HashMap<Box<str>, usize>,
    /// Segments such as `{id}.json`.
    mixed: Vec<(Mixed, usize)>,
    parameter: Option<usize>,
    operations: Vec<(&'static str, Arc<str>)>,
}

/// A segment with text and parameters: texts in their order, with something between them.
#[derive(Debug, PartialEq, Eq)]
struct Mixed(Vec<Box<str>>);

impl Operations {
    /// `routes` are the paths of the API's routes, as the configuration writes them for the gateway.
    pub fn new<'a>(routes: impl IntoIterator<Item = &'a str>, definition: &Definition) -> Self {
        let mut operations = Self {
            prefixes: prefixes(routes),
            nodes: vec![Node::default()],
            len: 0,
        };
        let mut templates: Vec<&String> = definition.paths.keys().collect();
        templates.sort();
        for template in templates {
            for method in &definition.paths[template].0 {
                if operations.len < MAX_OPERATIONS {
                    operations.add(template, method);
                }
            }
        }
        operations
    }

    /// How many operations can be told apart.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// The operation of a call by the path that the client sent, without its query.
    pub fn find(&self, method: &str, path: &str) -> Option<Arc<str>> {
        let path = normalised(path);
        self.prefixes
            .iter()
            .filter_map(|prefix| prefix.rest(&path))
            .find_map(|rest| self.of_rest(method, rest))
    }

    fn of_rest(&self, method: &str, rest: &str) -> Option<Arc<str>> {
        let segments: Vec<&str> = segments(rest).collect();
        if segments.len() > MAX_DEPTH {
            return None;
        }
        let mut steps = MAX_STEPS;
        self.walk(0, &segments, method, &mut steps)
    }

    /// The best template from here on that has the method.
    fn walk(
        &self,
        node: usize,
        segments: &[&str],
        method: &str,
        steps: &mut usize,
    ) -> Option<Arc<str>> {
        *steps = steps.checked_sub(1)?;
        let node = &self.nodes[node];
        let Some((first, rest)) = segments.split_first() else {
            let found = node
                .operations
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(method));
            return found.map(|(_, name)| name.clone());
        };
        let written = node.written.get(*first).copied();
        let mixed = node.mixed.iter().filter(|(mixed, _)| mixed.fits(first));
        let parameter = node.parameter.filter(|_| !first.is_empty());
        written
            .into_iter()
            .chain(mixed.map(|(_, next)| *next))
            .chain(parameter)
            .find_map(|next| self.walk(next, rest, method, steps))
    }

    fn add(&mut self, template: &str, method: &'static str) {
        let path = normalised_template(template);
        if segments(&path).count() > MAX_DEPTH {
            return;
        }
        let mut place = 0;
        for segment in segments(&path) {
            place = self.below(place, segment);
        }
        let operations = &mut self.nodes[place].operations;
        if operations.iter().all(|(known, _)| *known != method) {
            let name = format!("{} {template}", method.to_ascii_uppercase());
            operations.push((method, name.into()));
            self.len += 1;
        }
    }

    /// The place behind a segment of a template.
    fn below(&mut self, place: usize, segment: &str) -> usize {
        let next = self.nodes.len();
        let node = &mut self.nodes[place];
        let found = match Mixed::parse(segment) {
            None => *node.written.entry(segment.into()).or_insert(next),
            Some(Mixed(texts)) if texts.iter().all(|text| text.is_empty()) => {
                *node.parameter.get_or_insert(next)
            }
            Some(mixed) => {
                let known = node.mixed.iter().find(|(known, _)| *known == mixed);
                let found = known.map_or(next, |(_, found)| *found);
                if found == next {
                    node.mixed.push((mixed, next));
                }
                found
            }
        };
        if found == next {
            self.nodes.push(Node::default());
        }
        found
    }
}

/// The longest first; an API without a usable path has none.
fn prefixes<'a>(routes: impl IntoIterator<Item = &'a str>) -> Vec<Prefix> {
    let mut routes: Vec<&str> = routes.into_iter().take(MAX_PREFIXES).collect();
    routes.sort_by_key(|path| std::cmp::Reverse(path.len()));
    routes.into_iter().filter_map(Prefix::new).collect()
}

impl Prefix {
    fn new(route: &str) -> Option<Self> {
        let Some(pattern) = route.strip_prefix('~') else {
            let path = normalised(route);
            return Some(Self::Text(path.trim_end_matches('/').into()));
        };
        let pattern = format!("^(?:{})", pattern.trim_start_matches('^'));
        let regex = RegexBuilder::new(&pattern).size_limit(MAX_REGEX).build();
        regex.ok().map(Self::Pattern)
    }

    /// What follows it.
    fn rest<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = match self {
            Self::Text(prefix) => path.strip_prefix(&**prefix)?,
            Self::Pattern(pattern) => &path[pattern.find(path)?.end()..],
        };
        let is_boundary = rest.is_empty() || rest.starts_with('/');
        match self {
            // `/pets` is also the beginning of `/petshop`, which is another thing.
            Self::Text(_) => is_boundary.then_some(rest),
            // A pattern may take the slash along.
            Self::Pattern(_) => Some(rest),
        }
    }
}

impl Mixed {
    /// The texts around the parameters of a segment; nothing if it has none.
    fn parse(segment: &str) -> Option<Self> {
        let mut texts = Vec::new();
        let mut rest = segment;
        while let Some((before, (_, after))) = rest
            .split_once('{')
            .and_then(|(before, behind)| Some((before, behind.split_once('}')?)))
        {
            texts.push(before.into());
            rest = after;
        }
        if texts.is_empty() {
            return None;
        }
        texts.push(rest.into());
        Some(Self(texts))
    }

    /// Whether the texts stand in the segment in this order, with something in each gap.
    fn fits(&self, segment: &str) -> bool {
        let [first, between @ .., last] = self.0.as_slice() else {
            return false;
        };
        let Some(mut rest) = segment.strip_prefix(&**first) else {
            return false;
        };
        for text in between {
            let mut characters = rest.chars();
            if characters.next().is_none() {
                return false;
            }
            match characters.as_str().split_once(&**text) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.strip_suffix(&**last)
            .is_some_and(|gap| !gap.is_empty())
    }
}

/// Parts between slashes. A slash at the end makes no difference.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.trim_start_matches('/').trim_end_matches('/');
    path.split('/').filter(move |_| !path.is_empty())
}

/// In the form in which the gateway compares paths.
fn normalised(path: &str) -> String {
    String::from_utf8_lossy(&kong::path::normalise(path.as_bytes())).into_owned()
}

/// A template in the same form; what stands in braces is a name and says nothing.
fn normalised_template(template: &str) -> String {
    normalised(template.split(['?', '#']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn operations(routes: &[&str], paths: &Value) -> Operations {
        let definition = serde_json::from_value(json!({"paths": paths})).unwrap();
        Operations::new(routes.iter().copied(), &definition)
    }

    fn shop() -> Operations {
        let read = || json!({"get": {}});
        operations(
            &["/shop/v1", "/shop", "/with%20space"],
            &json!({
                "/": read(),
                "/pets": {"get": {"responses": {}}, "post": {}, "parameters": [], "x-other": 1},
                "/pets/{id}": {"get": {}, "delete": {}},
                "/pets/mine": read(),
                "/pets/{id}/photos/{photo}.{format}": read(),
                "/pets/{id}/photos/latest.png": read(),
                "/pets/{id}/tags/{tag}": {"put": {}},
                "/pets/special/tags/all": read(),
                "/reports/{from}-{to}": read(),
                "/a b/c": read(),
                "/ümlaut": read(),
                "/slash/": read(),
            }),
        )
    }

    #[test]
    fn paths_are_mapped_to_the_template_they_were_made_for() {
        let shop = shop();
        let cases = [
            ("GET", "/shop/v1", Some("GET /")),
            ("GET", "/shop/v1/", Some("GET /")),
            ("GET", "/shop/v1/pets", Some("GET /pets")),
            ("GET", "/shop/v1/pets/", Some("GET /pets")),
            ("GET", "/shop/v1//pets/./7", Some("GET /pets/{id}")),
            ("POST", "/shop/v1/pets", Some("POST /pets")),
            ("PUT", "/shop/v1/pets", None),
            ("PARAMETERS", "/shop/v1/pets", None),
            ("X-OTHER", "/shop/v1/pets", None),
            ("GET", "/shop/pets/7", Some("GET /pets/{id}")),
            ("DELETE", "/shop/pets/7", Some("DELETE /pets/{id}")),
            ("GET", "/shop/pets/a%2Fb", Some("GET /pets/{id}")),
            ("GET", "/shop/pets/mine", Some("GET /pets/mine")),
            // Only the parameter has this method.
            ("DELETE", "/shop/pets/mine", Some("DELETE /pets/{id}")),
            (
                "GET",
                "/shop/pets/7/photos/1.jpg",
                Some("GET /pets/{id}/photos/{photo}.{format}"),
            ),
            (
                "GET",
                "/shop/pets/7/photos/latest.png",
                Some("GET /pets/{id}/photos/latest.png"),
            ),
            ("GET", "/shop/pets/7/photos/.jpg", None),
            ("GET", "/shop/pets/7/photos/1.", None),
            (
                "GET",
                "/shop/pets/special/tags/all",
                Some("GET /pets/special/tags/all"),
            ),
            // Back from a written segment that leads nowhere.
            (
                "PUT",
                "/shop/pets/special/tags/x",
                Some("PUT /pets/{id}/tags/{tag}"),
            ),
            ("GET", "/shop/reports/1-2", Some("GET /reports/{from}-{to}")),
            ("GET", "/shop/reports/1-", None),
            ("GET", "/shop/reports/12", None),
            ("GET", "/shop/a%20b/c", Some("GET /a b/c")),
            ("GET", "/shop/%C3%BCmlaut", Some("GET /ümlaut")),
            ("GET", "/shop/slash", Some("GET /slash/")),
            ("GET", "/with space/pets", Some("GET /pets")),
            ("GET", "/shop/pets/1/2/3", None),
            ("GET", "/shop/v1pets", None),
            ("GET", "/shopping/pets", None),
            ("GET", "/else", None),
            ("GET", "", None),
        ];
        for (method, path, expected) in cases {
            let found = shop.find(method, path);
            assert_eq!(found.as_deref(), expected, "{method} {path}");
        }
        assert_eq!(shop.len(), 14);
    }

    #[test]
    fn routes_may_be_patterns_and_the_whole_host() {
        let paths = || json!({"/pets/{id}": {"get": {}}});
        let cases = [
            (&["~/(a|b)/v\\d+"][..], "/b/v12/pets/1", true),
            (&["~/(a|b)/v\\d+/"][..], "/a/v1/pets/1", true),
            (&["~/(a|b)/v\\d+"][..], "/c/v1/pets/1", false),
            (&["~/x/(?<broken"][..], "/x/pets/1", false),
            (&["/"][..], "/pets/1", true),
            (&[][..], "/pets/1", false),
        ];
        for (routes, path, is_found) in cases {
            let found = operations(routes, &paths()).find("GET", path);
            assert_eq!(found.is_some(), is_found, "{routes:?} {path}");
        }
    }

    #[test]
    fn definitions_and_paths_of_any_size_take_bounded_work() {
        let many: serde_json::Map<String, Value> = (0..MAX_OPERATIONS + 5)
            .map(|number| (format!("/p{number}"), json!({"get": {}})))
            .collect();
        assert_eq!(
            operations(&["/x"], &Value::Object(many)).len(),
            MAX_OPERATIONS
        );
        // Every segment fits in two ways, and the last one in none.
        let twice: serde_json::Map<String, Value> = (0..1u32 << 12)
            .map(|bits| {
                let segment = |at: u32| if bits >> at & 1 == 0 { "/a" } else { "/{x}" };
                let path: String = (0..12).map(segment).collect();
                (path, json!({"get": {}}))
            })
            .collect();
        let twice = operations(&["/x"], &Value::Object(twice));
        let path = format!("/x{}/none", "/a".repeat(12));
        assert_eq!(twice.find("GET", &path), None);
        let deep = format!("/x{}", "/a".repeat(100_000));
        assert_eq!(twice.find("GET", &deep), None);
        assert!(
            twice
                .find("GET", &format!("/x{}", "/a".repeat(12)))
                .is_some()
        );
    }

    #[test]
    fn documents_of_both_generations_are_read_and_others_refused() {
        let read = |text: &str| serde_json::from_str::<Definition>(text).is_ok();
        assert!(read(
            r#"{"swagger": "2.0", "basePath": "/x", "paths": {"/a": {"get": {}}}}"#
        ));
        assert!(read(r#"{"openapi": "3.1.0", "webhooks": {"x": {}}}"#));
        assert!(read(
            r#"{"paths": {"x-a": "b", "x-c": [1, {}], "x-d": null, "x-e": 1.5, "x-f": true, "x-g": -1}}"#
        ));
        assert!(!read(r#"{"paths": []}"#));
    }
}
