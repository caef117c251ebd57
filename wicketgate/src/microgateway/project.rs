//! The folder that `setup` makes and people edit.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use config::{Configuration, Environment, Tree};
use sdk::types::snapshot::SnapshotSubscription;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use service::settings;

const DESCRIPTION: &str = "microgateway.json";
const SUBSCRIPTIONS: &str = "subscriptions.json";
const DIGEST_KEY: &str = "digest-key";
const KEYS: &str = "keys";

/// `microgateway.json`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What the microgateway calls itself in its artefact.
    pub name: String,
    /// The APIs that it serves.
    pub apis: Vec<String>,
    /// `WICKETGATE_INSTANCE` of the installation that its subscriptions are of.
    #[serde(default = "main_instance")]
    pub instance: String,
}

pub fn main_instance() -> String {
    "main".to_owned()
}

/// A project folder.
pub struct Project(PathBuf);

impl Project {
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    pub fn is_there(&self) -> bool {
        self.0.join(DESCRIPTION).exists()
    }

    pub fn description(&self) -> anyhow::Result<Description> {
        self.json(DESCRIPTION).with_context(|| {
            format!(
                "`{}` is no microgateway project; `wicketgate gateway setup` makes one",
                self.0.display()
            )
        })
    }

    /// Who may call: approved subscriptions with the digests of their credentials.
    pub fn subscriptions(&self) -> anyhow::Result<Vec<SnapshotSubscription>> {
        self.json(SUBSCRIPTIONS)
    }

    /// By it an API key becomes its digest.
    pub fn digest_key(&self) -> anyhow::Result<String> {
        let path = self.0.join(DIGEST_KEY);
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok(text.trim().to_owned())
    }

    /// Key sets by auth server.
    pub fn key_sets(&self) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        let folder = self.0.join(KEYS);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            entries => entries.with_context(|| format!("cannot read `{}`", folder.display()))?,
        };
        let mut found = BTreeMap::new();
        for entry in entries {
            let path = entry?.path();
            let is_json = path
                .extension()
                .is_some_and(|extension| extension == "json");
            if let (true, Some(name)) = (is_json, path.file_stem().and_then(|name| name.to_str())) {
                let text = fs::read(&path);
                let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
                found.insert(name.to_owned(), text);
            }
        }
        Ok(found)
    }

    pub fn write_description(&self, description: &Description) -> anyhow::Result<()> {
        self.write_json(DESCRIPTION, description)
    }

    pub fn write_subscriptions(&self, list: &[SnapshotSubscription]) -> anyhow::Result<()> {
        self.write_json(SUBSCRIPTIONS, &list)
    }

    pub fn write_digest_key(&self, key: &str) -> anyhow::Result<()> {
        self.write(DIGEST_KEY, format!("{key}\n").as_bytes())
    }

    pub fn write_key_set(&self, server: &str, text: &[u8]) -> anyhow::Result<()> {
        self.write(&format!("{KEYS}/{server}.json"), text)
    }

    pub fn write_json(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        self.write(
            name,
            format!("{:#}\n", serde_json::to_value(value)?).as_bytes(),
        )
    }

    /// Nobody but the owner reads it: plugins may hold secrets.
    pub fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        write(&self.0.join(name), bytes)
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<T> {
        let path = self.0.join(name);
        let text = fs::read(&path);
        let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("`{}`", path.display()))
    }
}

/// Writes a file that nobody else reads, with the folders above it.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| service::files::replace(path, bytes))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

/// The configuration of a folder, with the variables of one of its environments.
pub fn configuration(
    folder: &Path,
    environment: Option<String>,
) -> anyhow::Result<Arc<Configuration>> {
    let name = environment.map(|name| ("NODE_ENV".to_owned(), name));
    let environment = Environment::new(settings::all().into_iter().chain(name));
    let source = folder.display().to_string();
    let loaded = Tree::from_folder(folder).and_then(|mut tree| {
        if Project::new(folder).is_there() {
            add_portal(&mut tree);
        }
        Configuration::from_tree(&tree, &source, &environment)
    });
    Ok(loaded
        .map_err(|problems| anyhow!("{problems}"))?
        .configuration)
}

/// What every configuration has and a project does without: people who log in somewhere.
fn add_portal(tree: &mut Tree) {
    for (path, text) in PORTAL {
        if tree.get(path).is_none() {
            tree.insert(path, text);
        }
    }
    let server = object(tree, "auth-servers/default.json").unwrap_or_default();
    let method = server
        .get("authMethods")
        .and_then(|list| list[0]["name"].as_str());
    if let Some(mut globals) = object(tree, "globals.json") {
        let method = format!("default:{}", method.unwrap_or_default());
        for (name, value) in [
            ("portal", json!({ "authMethods": [method] })),
            ("mailer", json!({ "useMailer": false })),
            ("chatbot", json!({ "useChatbot": false })),
        ] {
            globals.insert(name.to_owned(), value);
        }
        tree.insert("globals.json", Value::Object(globals).to_string());
    }
}

/// Nothing if it is none; whoever reads the configuration says so.
fn object(tree: &Tree, path: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(tree.get(path)?).ok()
}

const PORTAL: [(&str, &str); 4] = [
    ("index.md", ""),
    (
        "groups/groups.json",
        r#"{ "groups": [{ "id": "admin", "name": "Nobody", "adminGroup": true }] }"#,
    ),
    (
        "pools/wicked.json",
        r#"{
            "id": "wicked", "name": "Nobody", "requiresNamespace": false,
            "properties": [{ "id": "name", "description": "Name", "type": "string" }]
        }"#,
    ),
    (
        "auth-servers/default.json",
        r#"{
            "id": "default", "name": "default",
            "authMethods": [{ "name": "local", "type": "local", "enabled": true, "config": {} }],
            "config": {
                "api": {
                    "name": "default-auth", "upstream_url": "http://127.0.0.1:3010",
                    "routes": [{ "paths": ["/auth"], "strip_path": false }]
                },
                "plugins": []
            }
        }"#,
    ),
];
