use anyhow::{Context, anyhow, bail};
use config::{Configuration, Environment, Origin, Tree};
use serde_json::{Map, Value};
use service::settings;

use super::parts::Parts;

/// Members of `globals.json` that a gateway depends on, or that every configuration has.
const GLOBALS: [&str; 4] = ["version", "title", "network", "api"];

/// The chosen APIs of a configuration, as its files say it.
pub fn read(origin: &Origin, apis: &[String]) -> anyhow::Result<Parts> {
    let environment = Environment::new(settings::all());
    // A faulty one is said here, where its owner still looks at it.
    let tree = &origin.files()?;
    let checked = Configuration::from_tree(tree, &origin.name(), &environment);
    checked.map_err(|problems| anyhow!("the configuration was refused:\n{problems}"))?;
    let Value::Object(mut globals) = json(tree, "globals.json")? else {
        bail!("globals.json is not an object");
    };
    globals.retain(|name, _| GLOBALS.contains(&name.as_str()));
    let mut parts = Parts {
        globals,
        plans: list(tree, "plans/plans.json", "plans")?,
        ..Parts::default()
    };
    let all = list(tree, "apis/apis.json", "apis")?;
    for id in apis {
        let api = all.iter().find(|api| api["id"] == **id);
        let api = api.with_context(|| format!("--api: there is no API `{id}`"))?;
        parts.apis.push(api.clone());
        let folder = format!("apis/{id}/");
        let config = json(tree, &format!("{folder}config.json"))?;
        parts.configs.insert(id.clone(), config);
        for (name, bytes) in tree.below(&folder) {
            if name != "config.json" {
                parts.files.insert(format!("{folder}{name}"), bytes.clone());
            }
        }
    }
    for (name, server) in documents(tree, "auth-servers/")? {
        parts.auth_servers.insert(name, Value::Object(server));
    }
    parts.environments.extend(documents(tree, "env/")?);
    parts.reduce();
    parts.hints.push(
        "Nobody may call it yet: `wicketgate gateway subscribe` makes API keys, and \
         keys/<auth server>.json takes the public keys of whoever issues tokens."
            .to_owned(),
    );
    Ok(parts)
}

fn json(tree: &Tree, path: &str) -> anyhow::Result<Value> {
    let bytes = tree.get(path);
    let bytes = bytes.with_context(|| format!("there is no {path}"))?;
    serde_json::from_slice(bytes).with_context(|| path.to_owned())
}

fn list(tree: &Tree, path: &str, member: &str) -> anyhow::Result<Vec<Value>> {
    let document = json(tree, path)?;
    let list = document.get(member).and_then(Value::as_array);
    Ok(list.cloned().unwrap_or_default())
}

/// The JSON objects of a folder by their names.
fn documents(tree: &Tree, folder: &str) -> anyhow::Result<Vec<(String, Map<String, Value>)>> {
    let mut found = Vec::new();
    for (name, _) in tree.below(folder) {
        let Some(id) = name.strip_suffix(".json") else {
            continue;
        };
        if let Value::Object(fields) = json(tree, &format!("{folder}{name}"))? {
            found.push((id.to_owned(), fields));
        }
    }
    Ok(found)
}
