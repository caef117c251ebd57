//! JSON Schemas of all files, for editors and for `config check`.
//!
//! The typed readers decide what is an error. What they do not read (texts of the frame, for
//! instance) is compared with the schemas, and so are the names of all members: a misspelt one
//! would silently have no effect.

mod near;
mod walk;

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

use crate::problem::Report;

/// The schema of one kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Name by which `wicketgate config schema` knows it.
    pub name: &'static str,
    /// The schema itself, JSON Schema 2020-12.
    pub text: &'static str,
}

macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        &[$(Schema {
            name: $name,
            text: include_str!(concat!("../../docs/schemas/", $name, ".schema.json")),
        }),*]
    };
}

/// All of them.
pub const ALL: &[Schema] = schemas![
    "globals",
    "env",
    "groups",
    "plans",
    "apis",
    "api-config",
    "auth-server",
    "pool",
    "page",
    "chatbot",
    "kickstarter",
];

static PARSED: LazyLock<BTreeMap<&str, Value>> = LazyLock::new(|| {
    let parse = |text| serde_json::from_str(text).expect("the schemas are valid JSON");
    ALL.iter()
        .map(|schema| (schema.name, parse(schema.text)))
        .collect()
});

/// The schema that a file follows.
pub fn of_file(path: &str) -> Option<&'static Schema> {
    let name = name_of(path)?;
    ALL.iter().find(|schema| schema.name == name)
}

fn name_of(path: &str) -> Option<&'static str> {
    let stem = path.strip_suffix(".json")?;
    let folder = stem.split_once('/').map(|(folder, _)| folder);
    match (stem, folder) {
        ("globals", _) => Some("globals"),
        ("kickstarter", _) => Some("kickstarter"),
        ("groups/groups", _) => Some("groups"),
        ("plans/plans", _) => Some("plans"),
        ("apis/apis", _) => Some("apis"),
        ("templates/chatbot", _) => Some("chatbot"),
        (stem, None) if stem == "index" || stem.starts_with("index.") => Some("page"),
        (_, Some("content")) => Some("page"),
        (_, Some("env")) => Some("env"),
        (_, Some("auth-servers")) => Some("auth-server"),
        (_, Some("pools")) => Some("pool"),
        (_, Some("apis")) if stem.ends_with("/config") => Some("api-config"),
        (_, Some("apis")) if stem.contains("/docs/") => Some("page"),
        _ => None,
    }
}

/// What does not fit the schema of a file, as pairs of place and sentence.
pub fn faults(path: &str, document: &Value) -> Vec<(crate::JsonPath, String)> {
    let Some(schema) = name_of(path).and_then(|name| PARSED.get(name)) else {
        return Vec::new();
    };
    walk::faults(schema, document)
}

/// Reports what does not fit, unless something was reported about the same place already.
pub(crate) fn check(documents: &BTreeMap<String, Value>, report: &Report) {
    for (file, document) in documents {
        for (path, message) in faults(file, document) {
            if !report.knows(file, &path) {
                report.warn(file, &path, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ALL, faults, of_file};
    use crate::Tree;

    #[test]
    fn each_file_of_the_sample_has_a_schema_and_follows_it() {
        for (path, bytes) in Tree::sample().iter() {
            let Ok(document) = serde_json::from_slice(bytes) else {
                continue;
            };
            if path.ends_with("/swagger.json") {
                continue;
            }
            assert!(of_file(path).is_some(), "{path} has no schema");
            assert_eq!(faults(path, &document), [], "{path}");
        }
    }

    #[test]
    fn every_schema_refuses_something() {
        for (file, bad, place) in [
            (
                "globals.json",
                json!({"network": [], "portal": {"authMethods": []}}),
                "network",
            ),
            ("env/default.json", json!({"A": {"value": []}}), "A.value"),
            (
                "groups/groups.json",
                json!({"groups": [{"name": "x"}]}),
                "groups[0].id",
            ),
            ("plans/plans.json", json!({"plans": {}}), "plans"),
            (
                "apis/apis.json",
                json!({"apis": [{"id": "x", "plans": [], "auth": "basic"}]}),
                "apis[0].auth",
            ),
            (
                "apis/x/config.json",
                json!({"api": {"upstream_url": "http://x", "routes": []}}),
                "api.routes",
            ),
            (
                "auth-servers/default.json",
                json!({"config": {"api": {"upstream_url": "x"}}}),
                "authMethods",
            ),
            (
                "pools/wicked.json",
                json!({"name": "x", "properties": [{"id": 1}]}),
                "properties[0].id",
            ),
            ("content/a/b.json", json!({"tags": "x"}), "tags"),
            (
                "templates/chatbot.json",
                json!({"userLoggedIn": 1}),
                "userLoggedIn",
            ),
            ("kickstarter.json", json!({"envs": "default"}), "envs"),
        ] {
            let found = faults(file, &bad);
            assert!(
                found.iter().any(|(path, _)| path.to_string() == place),
                "{file}: {found:?}"
            );
        }
        assert_eq!(ALL.len(), 11);
    }

    #[test]
    fn a_misspelt_member_is_named_with_the_right_one() {
        for (file, document, wrong, right) in [
            (
                "content/a.json",
                json!({"showtitle": true}),
                "showtitle",
                "showTitle",
            ),
            (
                "plans/plans.json",
                json!({"plans": [{"id": "x", "needApproval": true}]}),
                "plans[0].needApproval",
                "needsApproval",
            ),
            (
                "globals.json",
                json!({"network": {"apihost": "x", "schema": "", "portalHost": "", "apiHost": ""}, "portal": {"authMethods": []}}),
                "",
                "",
            ),
            (
                "globals.json",
                json!({"netwrok": {}, "network": {"schema": "", "portalHost": "", "api_host": ""}, "portal": {"authMethods": []}}),
                "network.api_host",
                "apiHost",
            ),
        ] {
            let found = faults(file, &document);
            if wrong.is_empty() {
                assert!(
                    found.iter().all(|(_, message)| !message.contains("meant")),
                    "{found:?}"
                );
                continue;
            }
            assert!(
                found.iter().any(|(path, message)| path.to_string() == wrong
                    && message.contains(&format!("`{right}`"))),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_variable_stands_for_any_simple_value() {
        let document =
            json!({"plans": [{"id": "$A", "needsApproval": "${B}", "config": {"plugins": []}}]});
        assert_eq!(faults("plans/plans.json", &document), []);
        let document = json!({"apis": [{"id": "x", "auth": "${AUTH}", "plans": []}]});
        assert_eq!(faults("apis/apis.json", &document), []);
    }
}
