//! Auth servers (`auth-servers/<name>.json`) and their log-in methods.

mod endpoints;
mod method;
mod view;

use std::{collections::BTreeMap, fmt};

use serde_json::{Map, Value};

pub use endpoints::EndpointTemplates;
pub use method::AuthMethod;

use crate::{
    apis::gateway::GatewayApi,
    catalog::{Catalog, Entry},
    environment::Environment,
    globals::GatewayType,
    path::JsonPath,
    problem::Report,
    read::{Object, is_safe_id},
    render::Rendered,
};

/// How access tokens are made and checked (auth-server, Part 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMode {
    Jwt,
    Opaque,
    KongOauth2,
}

impl TokenMode {
    const CHOICES: &[(&str, Self)] = &[
        ("jwt", Self::Jwt),
        ("opaque", Self::Opaque),
        ("kong-oauth2", Self::KongOauth2),
    ];

    /// As it stands in `tokens.mode`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
            Self::KongOauth2 => "kong-oauth2",
        }
    }
}

/// `<server>:<method>`, as APIs and the portal name a log-in method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthMethodRef {
    pub server: String,
    pub method: String,
}

impl AuthMethodRef {
    fn parse(text: &str) -> Option<Self> {
        let (server, method) = text.split_once(':')?;
        let is_named = !server.is_empty() && !method.is_empty();
        is_named.then(|| Self {
            server: server.to_owned(),
            method: method.to_owned(),
        })
    }

    pub(crate) fn list(object: &Object, key: &str) -> Vec<Self> {
        let mut list = Vec::new();
        for (index, text) in object.texts(key).iter().enumerate() {
            match Self::parse(text) {
                Some(method) => list.push(method),
                None => {
                    object.error_at(key, index, "a log-in method is written `<server>:<method>`");
                }
            }
        }
        list
    }
}

impl fmt::Display for AuthMethodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.server, self.method)
    }
}

/// One auth server: its ways to log in, and how the gateway publishes it.
#[derive(Debug)]
pub struct AuthServer {
    /// Name of the file without `.json`.
    pub id: String,
    pub name: String,
    pub methods: Vec<AuthMethod>,
    pub token_mode: TokenMode,
    pub gateway: GatewayApi,
    /// The definition as configured with `id`, `name`, endpoint templates and the token mode in
    /// force. **Holds secrets.**
    pub full: Rendered,
    /// What administrators see: as `full`, but without the methods' secrets.
    pub admin: Rendered,
    /// What everybody sees.
    pub public: Rendered,
}

impl Entry for AuthServer {
    fn id(&self) -> &str {
        &self.id
    }
}

impl AuthServer {
    /// First path of the first route, for example `/auth`.
    pub fn base_path(&self) -> &str {
        self.gateway.paths().next().unwrap_or_default()
    }

    /// The method with this name, switched on or not.
    pub fn method(&self, name: &str) -> Option<&AuthMethod> {
        self.methods.iter().find(|method| method.name == name)
    }
}

/// All auth servers, by name.
pub type AuthServers = Catalog<AuthServer>;

pub(crate) fn read(
    documents: &BTreeMap<String, Value>,
    gateway_type: GatewayType,
    environment: &Environment,
    report: &Report,
) -> AuthServers {
    let servers = documents.iter().filter_map(|(file, document)| {
        let id = file.strip_prefix("auth-servers/")?.strip_suffix(".json")?;
        read_server(id, file, document, gateway_type, environment, report)
    });
    let servers = Catalog::new(servers).0;
    if !servers.contains("default") {
        let message = "the auth server of the portal is missing";
        report.error("auth-servers/default.json", &JsonPath::default(), message);
    }
    servers
}

fn read_server(
    id: &str,
    file: &str,
    document: &Value,
    gateway_type: GatewayType,
    environment: &Environment,
    report: &Report,
) -> Option<AuthServer> {
    if !is_safe_id(id) {
        let message = "the file name of an auth server may contain letters, digits, `_`, `-` only";
        report.error(file, &JsonPath::default(), message);
        return None;
    }
    let mut document = document.clone();
    if let Some(url) = &environment.overrides.auth_server_url {
        set_upstream(&mut document, url);
    }
    let token_mode;
    {
        let root = Object::root(file, &document, report)?;
        token_mode = read_token_mode(&root, gateway_type, environment);
        if let Some(tokens) = root.object("tokens") {
            tokens.choice("algorithm", &[("ES256", ()), ("RS256", ())]);
        }
        if root
            .object("config")
            .and_then(|config| config.object("api"))
            .is_none()
        {
            root.error(
                "config",
                "`config.api` with `upstream_url` and `routes` is missing",
            );
        }
    }
    complete(&mut document, id, token_mode);
    let root = Object::root(file, &document, report)?;
    root.require_list("authMethods");
    let methods: Vec<_> = root
        .objects("authMethods")
        .iter()
        .filter_map(method::read)
        .collect();
    if let Some((first, second)) = duplicate(&methods) {
        root.error_at(
            "authMethods",
            second,
            format!("method `{first}` is there twice"),
        );
    }
    let gateway = GatewayApi::read(&root.object("config")?)?;
    if gateway.paths().next().is_none() {
        root.error(
            "config",
            "a route with a path is needed, for example `/auth`",
        );
    }
    let (name, map) = (root.text_or("name", id), root.map.clone());
    drop(root);
    Some(AuthServer {
        id: id.to_owned(),
        name,
        methods,
        token_mode,
        gateway,
        full: Rendered::json(&map),
        admin: Rendered::json(&view::admin(&map)),
        public: Rendered::json(&view::public(&map)),
    })
}

fn duplicate(methods: &[AuthMethod]) -> Option<(&str, usize)> {
    methods.iter().enumerate().find_map(|(index, method)| {
        let earlier = methods[..index]
            .iter()
            .any(|other| other.name == method.name);
        earlier.then_some((method.name.as_str(), index))
    })
}

fn read_token_mode(root: &Object, gateway: GatewayType, environment: &Environment) -> TokenMode {
    if let Some(name) = environment.var("WICKETGATE_TOKEN_MODE") {
        if let Some((_, mode)) = TokenMode::CHOICES
            .iter()
            .find(|(choice, _)| *choice == name)
        {
            return *mode;
        }
        root.error_here("WICKETGATE_TOKEN_MODE has to be `jwt`, `opaque` or `kong-oauth2`");
    }
    let written = root
        .object("tokens")
        .and_then(|tokens| tokens.choice("mode", TokenMode::CHOICES));
    written.unwrap_or(match gateway {
        GatewayType::Kong => TokenMode::KongOauth2,
        GatewayType::Embedded => TokenMode::Jwt,
    })
}

/// Fills in what the served definition always has.
fn complete(document: &mut Value, id: &str, token_mode: TokenMode) {
    let Some(map) = document.as_object_mut() else {
        return;
    };
    for key in ["id", "name"] {
        if map.get(key).is_none_or(Value::is_null) {
            map.insert(key.to_owned(), id.into());
        }
    }
    let tokens = map.entry("tokens").or_insert_with(|| Map::new().into());
    if let Some(tokens) = tokens.as_object_mut() {
        tokens.insert("mode".to_owned(), token_mode.as_str().into());
    }
    for method in map
        .get_mut("authMethods")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(method) = method.as_object_mut() {
            endpoints::complete(method);
        }
    }
}

fn set_upstream(document: &mut Value, url: &str) {
    if let Some(api) = document
        .pointer_mut("/config/api")
        .and_then(Value::as_object_mut)
    {
        api.insert("upstream_url".to_owned(), url.into());
    }
}
