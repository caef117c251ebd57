//! A whole configuration: read, resolved and checked once, then only read.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{
    apis::{self, Api, Apis},
    auth_servers::{self, AuthServer, AuthServers},
    builtin, check,
    content::{self, Content},
    crypto::{ConfigKey, legacy},
    environment::{Environment, Variables},
    files,
    git::Commit,
    globals::{self, Globals, Viewer},
    groups::{self, Groups},
    hash,
    path::JsonPath,
    plans::{self, Plan, Plans},
    pools::{Pool, Pools},
    problem::{Problems, Report},
    schema,
    templates::Templates,
    tree::Tree,
    upgrade,
};

/// The configuration in use. Share it behind an `Arc` and replace it as a whole.
#[derive(Debug)]
pub struct Configuration {
    /// Opaque; changes when the configuration does.
    pub hash: String,
    /// Where it was read from.
    pub source: String,
    /// Name of the environment (`NODE_ENV`).
    pub environment: String,
    /// Contents of `last_commit` and `build_date`, written by a clone.
    pub last_commit: Option<String>,
    pub config_date: Option<String>,
    pub globals: Globals,
    pub groups: Groups,
    pub plans: Plans,
    /// Built-in ones last.
    pub apis: Apis,
    /// Other members of `apis.json`, for administrators.
    pub apis_members: Map<String, Value>,
    /// Text above the catalogue, Markdown.
    pub apis_description: Option<Bytes>,
    pub auth_servers: AuthServers,
    pub pools: Pools,
    pub content: Content,
    pub templates: Templates,
    /// `PORTAL_API_AESKEY`: reads credentials that wicked stored (import only).
    pub import_key: Option<ConfigKey>,
    /// What somebody should have a look at; warnings only.
    pub notices: Problems,
}

/// A usable configuration and what somebody should have a look at.
#[derive(Debug)]
pub struct Loaded {
    pub configuration: Arc<Configuration>,
    /// Warnings only.
    pub notices: Problems,
}

impl Configuration {
    /// Reads the folder `source`, which has `globals.json` in it or in `static/`. Blocks: call it
    /// on the blocking pool.
    pub fn load(source: &Path, environment: &Environment) -> Result<Loaded, Problems> {
        let tree = Tree::from_folder(source)?;
        Self::from_tree(&tree, &source.display().to_string(), environment)
    }

    /// The sample that is part of the program.
    pub fn sample(environment: &Environment) -> Result<Loaded, Problems> {
        Self::from_tree(&Tree::sample(), "the built-in sample", environment)
    }

    /// As [`Configuration::load`], out of memory; `folder` is only a name.
    pub fn from_tree(
        tree: &Tree,
        folder: &str,
        environment: &Environment,
    ) -> Result<Loaded, Problems> {
        let report = Report::default();
        let configuration = read(tree, folder, environment, &report);
        report.locate(|file| tree.text(file));
        let refused = report.has_errors();
        let problems = report.into_problems();
        match configuration {
            Some(mut configuration) if !refused => {
                configuration.notices.clone_from(&problems);
                Ok(Loaded {
                    configuration: Arc::new(configuration),
                    notices: problems,
                })
            }
            _ => Err(problems),
        }
    }

    /// Everything that is wrong with a folder (`wicketgate config check`); `Display` of the result
    /// is the text to print, [`Problems::refuse`] decides the exit code.
    pub fn check(source: &Path, environment: &Environment) -> Problems {
        match Self::load(source, environment) {
            Ok(loaded) => loaded.notices,
            Err(problems) => problems,
        }
    }

    /// The API with this id, built-in ones included.
    pub fn api(&self, id: &str) -> Option<&Arc<Api>> {
        self.apis.get(id)
    }

    /// The plan with this id, built-in ones included.
    pub fn plan(&self, id: &str) -> Option<&Arc<Plan>> {
        self.plans.all.get(id)
    }

    /// A plan of an API; `None` if the API does not offer it.
    pub fn plan_of(&self, api: &Api, plan: &str) -> Option<&Arc<Plan>> {
        api.plans
            .iter()
            .any(|id| id == plan)
            .then(|| self.plan(plan))?
    }

    /// The registration pool with this id.
    pub fn pool(&self, id: &str) -> Option<&Arc<Pool>> {
        self.pools.all.get(id)
    }

    /// The auth server with this name.
    pub fn auth_server(&self, id: &str) -> Option<&Arc<AuthServer>> {
        self.auth_servers.get(id)
    }

    /// The commit that is served, if the configuration came out of git.
    pub fn commit(&self) -> Option<Commit> {
        self.last_commit.as_deref().and_then(Commit::from_log_entry)
    }

    /// Answer of `GET /globals` for `viewer`.
    pub fn globals_view(&self, viewer: Viewer) -> Value {
        let mut shown = self.globals.view(viewer);
        shown["environment"] = self.environment.as_str().into();
        shown["configDate"] = self
            .config_date
            .as_deref()
            .unwrap_or("(no config date found)")
            .into();
        shown["lastCommit"] = self
            .last_commit
            .as_deref()
            .unwrap_or("(no last commit found)")
            .into();
        shown
    }
}

/// `None` if too much is missing to go on; then an error was reported.
fn read(
    tree: &Tree,
    folder: &str,
    environment: &Environment,
    report: &Report,
) -> Option<Configuration> {
    let mut documents = files::parse_all(tree, report);
    files::require(&documents, tree, report);
    upgrade::upgrade(&mut documents, report);
    let unresolved = documents.clone();
    let key = files::config_key(tree, environment.config_key());
    check_key(&documents, key.as_ref(), report);
    let variables = Variables::resolve(&documents, environment, key.as_ref(), folder, report);
    for (file, document) in &mut documents {
        if files::is_substituted(file, document) {
            variables.substitute_all(file, document, report);
        }
    }
    variables.report_unused(&documents, report);

    let globals = Globals::read(documents.get(globals::FILE)?.clone(), environment, report);
    let groups = Groups::read(documents.get(groups::FILE)?, report);
    let plans = Plans::read(documents.get(plans::FILE)?, report);
    let pools = Pools::read(&documents, report);
    let auth_servers = auth_servers::read(&documents, globals.gateway_type, environment, report);
    let api_context = apis::Context {
        tree,
        documents: &documents,
        globals: &globals,
        auth_servers: &auth_servers,
        report,
    };
    let echo_url = variables.value("PORTAL_ECHO_URL").unwrap_or_default();
    let apis = apis::read(&api_context, builtin::apis(&api_context, &echo_url));
    let mut content = Content::read(tree, &documents, &globals.network, report);
    content.toc = content::build_toc(&content, &apis);
    let templates = Templates::read(tree, documents.get("templates/chatbot.json"), report);
    let configuration = Configuration {
        hash: hash::hash(tree, environment, &variables.used_values()),
        source: folder.to_owned(),
        environment: environment.name().to_owned(),
        last_commit: tree.text("last_commit").map(|text| text.trim().to_owned()),
        config_date: tree.text("build_date").map(|text| text.trim().to_owned()),
        import_key: variables
            .value("PORTAL_API_AESKEY")
            .and_then(ConfigKey::new),
        apis_description: tree.get("apis/desc.md").cloned(),
        apis_members: other_members(documents.get(apis::FILE), "apis"),
        notices: Problems::default(),
        globals,
        groups,
        plans,
        apis,
        auth_servers,
        pools,
        content,
        templates,
    };
    check::check(&configuration, report);
    check::login(&configuration, &unresolved, report);
    check::notices(tree, &unresolved, report);
    schema::check(&unresolved, report);
    Some(configuration)
}

/// The members of a file beside its list.
fn other_members(document: Option<&Value>, list: &str) -> Map<String, Value> {
    let members = document.and_then(Value::as_object).into_iter().flatten();
    members
        .filter(|(key, _)| *key != list)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// `configKeyCheck` tells a wrong key before it turns passwords into garbage.
fn check_key(documents: &BTreeMap<String, Value>, key: Option<&ConfigKey>, report: &Report) {
    let check = documents
        .get(globals::FILE)
        .and_then(|globals| globals.get("configKeyCheck"));
    let (Some(Value::String(check)), Some(key)) = (check, key) else {
        return;
    };
    let is_right = key
        .decrypt(check)
        .is_ok_and(|clear| legacy::is_key_check(&clear));
    if !check.is_empty() && !is_right {
        let message =
            "the key (PORTAL_CONFIG_KEY or *envkey file) does not belong to this configuration";
        report.error(
            globals::FILE,
            &JsonPath::default().key("configKeyCheck"),
            message,
        );
    }
}
