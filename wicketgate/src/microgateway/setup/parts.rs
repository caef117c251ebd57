//! What a project is written from, wherever it comes from.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    mem,
};

use bytes::Bytes;
use sdk::types::snapshot::SnapshotSubscription;
use serde_json::{Map, Value, json};

use crate::microgateway::project::Project;

/// Members of an API that only matter where people look for it or sign up for it.
const OF_THE_PORTAL: [&str; 3] = ["requiredGroup", "ownerGroup", "registrationPool"];

/// Members of `globals.network` that say where clients find the gateway.
const NETWORK: [&str; 3] = ["schema", "apiHost", "portalHost"];

#[derive(Default)]
pub struct Parts {
    pub globals: Map<String, Value>,
    /// Members of `apis.json`.
    pub apis: Vec<Value>,
    /// Their `config.json`.
    pub configs: BTreeMap<String, Value>,
    pub plans: Vec<Value>,
    pub auth_servers: BTreeMap<String, Value>,
    /// `env/<name>.json`
    pub environments: BTreeMap<String, Map<String, Value>>,
    /// Further files, by path.
    pub files: BTreeMap<String, Bytes>,
    /// What a running installation knows beside its configuration.
    pub live: Option<Live>,
    /// What the operator still has to do.
    pub hints: Vec<String>,
}

pub struct Live {
    pub subscriptions: Vec<SnapshotSubscription>,
    pub digest_key: String,
    pub key_sets: BTreeMap<String, Vec<u8>>,
}

impl Parts {
    /// Takes out what belongs to other APIs or to the portal, and makes each backend's address a
    /// variable.
    pub fn reduce(&mut self) {
        let (mut plans, mut servers) = (BTreeSet::new(), BTreeSet::new());
        for api in self.apis.iter_mut().filter_map(Value::as_object_mut) {
            for member in OF_THE_PORTAL {
                api.remove(member);
            }
            plans.extend(texts(api.get("plans")).map(str::to_owned));
            let methods = texts(api.get("authMethods"));
            let names = methods.map(|method| method.split(':').next().unwrap_or(method));
            servers.extend(names.map(str::to_owned));
        }
        for plan in self.plans.iter_mut().filter_map(Value::as_object_mut) {
            plan.remove("requiredGroup");
        }
        let id = |plan: &Value| plan["id"].as_str().unwrap_or_default().to_owned();
        self.plans.retain(|plan| plans.contains(&id(plan)));
        self.auth_servers.retain(|name, _| servers.contains(name));
        for server in self.auth_servers.values_mut() {
            forget_secrets_of_methods(server);
        }
        if let Some(network) = self
            .globals
            .get_mut("network")
            .and_then(Value::as_object_mut)
        {
            network.retain(|name, _| NETWORK.contains(&name.as_str()));
        }
        let kind = json!({ "type": "embedded" });
        self.globals.insert("gateway".to_owned(), kind);
        let default = self.environments.entry("default".to_owned()).or_default();
        for (api, config) in &mut self.configs {
            let url = config.pointer_mut("/api/upstream_url");
            let Some(url) = url.filter(|url| url.as_str().is_some_and(|url| !url.contains('$')))
            else {
                continue;
            };
            let variable = format!("{}_URL", variable_name(api));
            let value = mem::replace(url, format!("${{{variable}}}").into());
            default.insert(variable, json!({ "value": value }));
        }
        self.forget_unused_variables();
    }

    /// A value may name other variables, so this goes on until nothing is added.
    fn forget_unused_variables(&mut self) {
        let mut text = self.to_text();
        let mut used = BTreeSet::new();
        loop {
            let variables = self.environments.values().flatten();
            let named = variables.filter(|(name, _)| names_variable(&text, name));
            let more: BTreeMap<String, String> = named
                .filter(|(name, _)| !used.contains(*name))
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect();
            if more.is_empty() {
                break;
            }
            text.extend(more.values().map(String::as_str));
            used.extend(more.into_keys());
        }
        for environment in self.environments.values_mut() {
            environment.retain(|name, _| used.contains(name));
        }
    }

    fn to_text(&self) -> String {
        let globals = Value::Object(self.globals.clone());
        let all = self.apis.iter().chain(self.configs.values());
        let all = all.chain(&self.plans).chain(self.auth_servers.values());
        let texts: Vec<String> = all.chain([&globals]).map(Value::to_string).collect();
        let files = self
            .files
            .values()
            .map(|bytes| String::from_utf8_lossy(bytes));
        texts.into_iter().map(Cow::from).chain(files).collect()
    }

    pub fn write(&self, project: &Project) -> anyhow::Result<()> {
        for (path, bytes) in &self.files {
            project.write(path, bytes)?;
        }
        project.write_json("globals.json", &self.globals)?;
        project.write_json("apis/apis.json", &json!({ "apis": self.apis }))?;
        for (api, config) in &self.configs {
            project.write_json(&format!("apis/{api}/config.json"), config)?;
        }
        project.write_json("plans/plans.json", &json!({ "plans": self.plans }))?;
        for (name, server) in &self.auth_servers {
            project.write_json(&format!("auth-servers/{name}.json"), server)?;
        }
        for (name, variables) in &self.environments {
            project.write_json(&format!("env/{name}.json"), variables)?;
        }
        Ok(())
    }
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// Who logs in, and how, is nothing that a microgateway has to know.
fn forget_secrets_of_methods(server: &mut Value) {
    let methods = server.get_mut("authMethods").and_then(Value::as_array_mut);
    for method in methods
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        method.insert("type".to_owned(), "local".into());
        method.insert("config".to_owned(), json!({}));
    }
}

fn variable_name(api: &str) -> String {
    let upper = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    api.chars().map(upper).collect()
}

/// `$NAME` or `${NAME}`, wherever it stands.
fn names_variable(text: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let bare = format!("${name}");
    let mut bare = text.match_indices(&bare).map(|(at, bare)| at + bare.len());
    text.contains(&format!("${{{name}}}")) || bare.any(|end| ends(&text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_that_are_named_stay_with_those_that_they_name() {
        let mut parts = Parts::default();
        let config = |url| json!({ "api": { "upstream_url": url } });
        parts.configs.insert("a-b".to_owned(), config("http://x"));
        parts.configs.insert("c".to_owned(), config("$BASE/c"));
        let variables = json!({
            "BASE": { "value": "http://${HOST}" }, "HOST": { "value": "h" },
            "BASE_SECRET": { "value": "s" }
        });
        for name in ["default", "prod"] {
            let variables = variables.as_object().unwrap().clone();
            parts.environments.insert(name.to_owned(), variables);
        }
        parts.reduce();
        let names = |name| parts.environments[name].keys().cloned().collect::<Vec<_>>();
        assert_eq!(names("default"), ["BASE", "HOST", "A_B_URL"]);
        assert_eq!(names("prod"), ["BASE", "HOST"]);
        let url = &parts.configs["a-b"]["api"]["upstream_url"];
        assert_eq!(url, "${A_B_URL}");
    }
}
