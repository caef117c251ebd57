//! The variables of one configuration, resolved from process, files and defaults.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::{
    Environment,
    defaults::DEFAULTS,
    is_variable_name,
    substitute::{Substituted, substitute},
};
use crate::{crypto::ConfigKey, path::JsonPath, problem::Report, read::Object};

/// Name → value, and which of them were used.
pub struct Variables {
    values: BTreeMap<String, String>,
    used: RefCell<BTreeSet<String>>,
}

impl Variables {
    /// `documents` are all parsed files by path; `folder` is where they came from.
    pub fn resolve(
        documents: &BTreeMap<String, Value>,
        environment: &Environment,
        key: Option<&ConfigKey>,
        folder: &str,
        report: &Report,
    ) -> Self {
        let mut values: BTreeMap<String, String> = DEFAULTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let locals = environment.local_variables();
        values.extend(
            locals
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        // The folder in use, whatever the files say: they describe the container of wicked.
        let default_file = file_values(documents, "default", key, report);
        let own_file = match environment.name() {
            "default" => BTreeMap::new(),
            name => file_values(documents, name, key, report),
        };
        for file in [default_file, own_file] {
            for (name, value) in file {
                // An empty value is defined but does not hide one of lower precedence.
                if !value.is_empty() || !values.contains_key(&name) {
                    values.insert(name, value);
                }
            }
        }
        values.extend(environment.process.clone());
        values.insert("PORTAL_API_STATIC_CONFIG".to_owned(), folder.to_owned());
        Self {
            values,
            used: RefCell::default(),
        }
    }

    fn lookup(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?;
        self.used.borrow_mut().insert(name.to_owned());
        Some(value)
    }

    fn substitute(&self, text: &str) -> Substituted {
        substitute(text, |name| self.lookup(name))
    }

    /// Replaces the references in all texts of a document, at any depth; never in keys.
    pub fn substitute_all(&self, file: &str, document: &mut Value, report: &Report) {
        self.visit(file, &JsonPath::default(), document, report);
    }

    fn visit(&self, file: &str, path: &JsonPath, value: &mut Value, report: &Report) {
        match value {
            // No variable can be called `$…`, so such a text never meant one.
            Value::String(text) if text.starts_with("$$") => drop(text.remove(0)),
            Value::String(text) if text.contains('$') => {
                let result = self.substitute(text);
                self.report(file, path, &result, report);
                *text = result.text;
            }
            Value::Array(elements) => {
                for (index, element) in elements.iter_mut().enumerate() {
                    self.visit(file, &path.index(index), element, report);
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    self.visit(file, &path.key(key), member, report);
                }
            }
            _ => {}
        }
    }

    fn report(&self, file: &str, path: &JsonPath, result: &Substituted, report: &Report) {
        if result.exhausted {
            report.error(
                file,
                path,
                "more than 10 replacements: a variable contains itself",
            );
        }
        let Some(name) = &result.missing else { return };
        if self.values.contains_key(name) {
            // Defined but empty: the reference stays as it is, which is allowed.
        } else if is_variable_name(name) {
            let message = format!(
                "variable `{name}` is not defined, neither in env/*.json nor in the environment"
            );
            report.error(file, path, message);
        } else {
            report.warn(
                file,
                path,
                "this looks like a reference to a variable and is kept as text; begin it with `$$` \
                 if it is none",
            );
        }
    }

    /// A value for code, resolved like one in a file.
    pub fn value(&self, name: &str) -> Option<String> {
        let value = self.lookup(name)?;
        Some(self.substitute(value).text)
    }

    /// Warns about variables that nothing refers to; they are usually misspelt.
    pub fn report_unused(&self, documents: &BTreeMap<String, Value>, report: &Report) {
        let used = self.used.borrow();
        for (file, document) in documents
            .iter()
            .filter(|(file, _)| file.starts_with("env/"))
        {
            let Value::Object(variables) = document else {
                continue;
            };
            for name in variables.keys() {
                let exempt = !name.starts_with("PORTAL_")
                    || name == "PORTAL_API_AESKEY"
                    || DEFAULTS.iter().any(|(known, _)| known == name)
                    || name == "PORTAL_API_STATIC_CONFIG";
                if !exempt && !used.contains(name) {
                    let path = JsonPath::default().key(name);
                    report.warn(file, &path, format!("nothing uses variable `{name}`"));
                }
            }
        }
    }

    /// The values in use, for the hash.
    pub fn used_values(&self) -> Vec<(String, String)> {
        let used = self.used.borrow();
        used.iter()
            .filter_map(|name| Some((name.clone(), self.values.get(name)?.clone())))
            .collect()
    }
}

/// The variables of `env/<name>.json`, decrypted.
fn file_values(
    documents: &BTreeMap<String, Value>,
    name: &str,
    key: Option<&ConfigKey>,
    report: &Report,
) -> BTreeMap<String, String> {
    let file = format!("env/{name}.json");
    let Some(document) = documents.get(&file) else {
        report.error(
            &file,
            &JsonPath::default(),
            format!("environment `{name}` has no file"),
        );
        return BTreeMap::new();
    };
    let Some(variables) = Object::root(&file, document, report) else {
        return BTreeMap::new();
    };
    let mut values = BTreeMap::new();
    for name in variables.map.keys() {
        let Some(entry) = variables.object(name) else {
            continue;
        };
        let value = match entry.get("value") {
            Some(Value::Bool(flag)) => flag.to_string(),
            _ => entry.text_or("value", ""),
        };
        if !entry.flag("encrypted") || value.is_empty() {
            values.insert(name.clone(), value);
            continue;
        }
        let clear = match key {
            Some(key) => key.decrypt(&value).map_err(|error| error.to_string()),
            None => Err(
                "the value is encrypted, but there is no key: set PORTAL_CONFIG_KEY, or \
                         put the key file (*envkey) beside globals.json"
                    .to_owned(),
            ),
        };
        match clear {
            Ok(clear) => drop(values.insert(name.clone(), clear)),
            Err(message) => entry.error("value", message),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::Variables;
    use crate::{crypto::ConfigKey, environment::Environment, problem::Report};

    fn documents() -> BTreeMap<String, Value> {
        let key = ConfigKey::new("key").unwrap();
        BTreeMap::from([
            (
                "env/default.json".to_owned(),
                json!({
                    "A": {"value": "default"}, "B": {"value": "default"}, "C": {"value": "default"},
                    "SECRET": {"value": key.encrypt("hidden"), "encrypted": true},
                    "PORTAL_SPARE": {"value": "x"}
                }),
            ),
            (
                "env/k8s.json".to_owned(),
                json!({"A": {"value": "k8s"}, "B": {"value": "k8s"}, "C": {"value": ""}}),
            ),
        ])
    }

    fn resolve(process: &[(&str, &str)]) -> (Variables, Report) {
        let process = process
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let report = Report::default();
        let key = ConfigKey::new("key");
        let environment = Environment::new(process);
        let variables =
            Variables::resolve(&documents(), &environment, key.as_ref(), "/here", &report);
        (variables, report)
    }

    #[test]
    fn the_process_wins_over_the_named_environment_and_that_over_default() {
        let (variables, report) = resolve(&[("NODE_ENV", "k8s"), ("A", "process"), ("B", "")]);
        let values = ["A", "B", "C", "SECRET"].map(|name| variables.value(name).unwrap());
        assert_eq!(values, ["process", "k8s", "default", "hidden"]);
        assert!(report.into_problems().is_empty());
    }

    #[test]
    fn an_environment_without_file_is_an_error() {
        let (_, report) = resolve(&[("NODE_ENV", "nowhere")]);
        let problems = report.into_problems();
        assert_eq!(problems.iter().next().unwrap().file, "env/nowhere.json");
    }

    #[test]
    fn undefined_variables_are_errors_and_plain_dollars_are_not() {
        let (variables, report) = resolve(&[]);
        let mut document = json!({
            "a": ["${MISSING}/x"], "b": "$5 off", "c": "${A}", "d": "$$A and ${MISSING}",
        });
        variables.substitute_all("globals.json", &mut document, &report);
        assert_eq!(document["c"], "default");
        assert_eq!(document["b"], "$5 off");
        assert_eq!(document["d"], "$A and ${MISSING}");
        let problems = report.into_problems();
        assert_eq!((problems.len(), problems.errors()), (2, 1));
        assert_eq!(problems.iter().next().unwrap().path.to_string(), "a[0]");
    }

    #[test]
    fn a_portal_variable_that_nothing_uses_is_a_warning() {
        let (variables, report) = resolve(&[]);
        variables.report_unused(&documents(), &report);
        let problems = report.into_problems();
        assert_eq!((problems.len(), problems.errors()), (1, 0));
    }
}
