//! Reads APIs and reports what is wrong with each of them alone. What concerns several files is
//! checked in `check`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Api, Apis, Auth, FILE, Lifecycle, OAuth2Settings,
    gateway::{self, GatewayApi},
    view,
};
use crate::{
    auth_servers::{AuthMethodRef, AuthServers},
    catalog::{Catalog, Entry},
    content,
    globals::Globals,
    native,
    openapi::Definition,
    path::JsonPath,
    problem::Report,
    read::{Object, is_safe_id},
    render::Rendered,
    tree::Tree,
};

const AUTH: &[(&str, Auth)] = &[
    ("key-auth", Auth::KeyAuth),
    ("oauth2", Auth::OAuth2),
    ("none", Auth::None),
];

/// What is read before APIs and needed for them.
pub(crate) struct Context<'a> {
    pub tree: &'a Tree,
    pub documents: &'a BTreeMap<String, Value>,
    pub globals: &'a Globals,
    pub auth_servers: &'a AuthServers,
    pub report: &'a Report,
}

/// The APIs of `apis.json` and the built-in ones behind them.
pub(crate) fn read(context: &Context, built_in: Vec<Api>) -> Apis {
    let mut apis = Vec::new();
    if let Some(root) = context
        .documents
        .get(FILE)
        .and_then(|document| Object::root(FILE, document, context.report))
    {
        root.require_list("apis");
        apis.extend(
            root.objects("apis")
                .iter()
                .filter_map(|entry| read_api(entry, context)),
        );
    }
    let (catalog, duplicates) = Catalog::new(apis.into_iter().chain(built_in));
    for api in duplicates.iter().filter(|api| !api.internal) {
        let message = format!("API `{}` is there twice", api.id());
        context
            .report
            .error(FILE, &JsonPath::default().key("apis"), message);
    }
    catalog
}

fn read_api(entry: &Object, context: &Context) -> Option<Api> {
    let id = entry.required("id")?;
    check_id(&id, entry, context.auth_servers);
    if !is_safe_id(&id) {
        return None;
    }
    if entry.get("auth").is_none() {
        let message = format!(
            "`auth` is missing: `key-auth`, `oauth2`, or `none` for an API without protection (API `{id}`)"
        );
        entry.error("auth", message);
    }
    entry.require_list("plans");
    let file = format!("apis/{id}/config.json");
    let Some(config) = context.documents.get(&file) else {
        if !context.tree.iter().any(|(path, _)| path == file) {
            context.report.error(
                &file,
                &JsonPath::default(),
                format!("API `{id}` has no config.json"),
            );
        }
        return None;
    };
    let swagger = context.documents.get(&format!("apis/{id}/swagger.json"));
    build(entry, &file, config, swagger, context)
}

/// A built-in API: no files, so `config` and definition are handed in.
pub(crate) fn read_built_in(
    entry: &Value,
    config: &Value,
    swagger: Option<&Value>,
    context: &Context,
) -> Option<Api> {
    let entry = Object::root("built-in API", entry, context.report)?;
    build(&entry, "built-in API", config, swagger, context)
}

fn build(
    entry: &Object,
    config_file: &str,
    config: &Value,
    swagger: Option<&Value>,
    context: &Context,
) -> Option<Api> {
    let id = entry.required("id")?;
    let auth = entry.choice("auth", AUTH);
    let config_object = Object::root(config_file, config, context.report)?;
    let gateway = GatewayApi::read(&config_object)?;
    if auth != Some(Auth::None) {
        gateway.check_own_plugins(&config_object);
    }
    native::check(&config_object, context.globals.gateway_type, context.report);
    let oauth2 = read_oauth2(entry, auth);
    let lifecycle = Lifecycle::read(entry);
    let full = view::full(entry.map, &lifecycle);
    let folder = format!("apis/{id}/");
    let mut api = Api {
        name: entry.text_or("name", &id),
        desc: entry.text_or("desc", ""),
        // Reported above where it is missing or unknown; then the configuration is refused.
        auth: auth.unwrap_or(Auth::KeyAuth),
        tags: entry.texts("tags"),
        plans: entry.texts("plans"),
        required_group: entry.text("requiredGroup"),
        partner: entry.flag("partner"),
        lifecycle,
        bundle: entry.text("bundle"),
        auth_methods: AuthMethodRef::list(entry, "authMethods"),
        registration_pool: entry.text("registrationPool"),
        oauth2,
        scope_lookup_url: entry.url("scopeLookupUrl"),
        passthrough_users: entry.flag("passthroughUsers"),
        passthrough_scope_url: entry.url("passthroughScopeUrl"),
        internal: entry.flag("internal"),
        family: entry.text_or("family", &id),
        version: entry.text("version"),
        owner_group: entry.text("ownerGroup"),
        public: Rendered::json(&view::public(&full)),
        full: Rendered::json(&full),
        config_full: Rendered::json(&gateway::full(config, &gateway)),
        config_public: Rendered::json(&gateway::public(config, &gateway)),
        description: context.tree.get(&format!("{folder}desc.md")).cloned(),
        definition: Definition::Missing,
        docs: content::docs(context.tree, context.documents, &folder, context.report),
        place: entry.path.clone(),
        gateway,
        id,
    };
    if api.passthrough_users && api.registration_pool.is_some() {
        let message = "users that are passed through are not stored, so they cannot be registered";
        entry.error("registrationPool", message);
    }
    api.definition = Definition::new(swagger, config, &api, context.globals, context.auth_servers);
    if let Definition::Broken(reason) = &api.definition {
        let file = format!("{folder}swagger.json");
        context
            .report
            .error(&file, &JsonPath::default(), reason.clone());
    }
    Some(api)
}

fn read_oauth2(entry: &Object, auth: Option<Auth>) -> OAuth2Settings {
    let settings = entry.object("settings");
    if auth == Some(Auth::OAuth2) {
        match &settings {
            None => entry.error(
                "settings",
                "an `oauth2` API needs `settings` with its flows",
            ),
            Some(settings) if settings.get("token_expiration").is_none() => {
                settings.warn(
                    "token_expiration",
                    "no lifetime is given; 3600 seconds are used",
                );
            }
            Some(_) => {}
        }
        if entry.get("authMethods").is_none() {
            entry.error(
                "authMethods",
                "an `oauth2` API needs at least one log-in method",
            );
        }
    }
    settings
        .map(|settings| OAuth2Settings::read(&settings))
        .unwrap_or_default()
}

/// Names that the gateway or the URL space of portal-api uses itself.
fn check_id(id: &str, entry: &Object, auth_servers: &AuthServers) {
    const RESERVED: [&str; 5] = [
        "portal-api",
        "echo",
        "ping-portal",
        "swagger-ui-portal",
        "desc",
    ];
    let is_auth_server = id
        .strip_suffix("-auth")
        .is_some_and(|server| auth_servers.contains(server));
    if RESERVED.contains(&id) || is_auth_server {
        entry.error("id", format!("id `{id}` is reserved"));
    } else if !is_safe_id(id) {
        entry.error("id", "an id may contain letters, digits, `_` and `-` only");
    } else if id
        .bytes()
        .any(|byte| byte.is_ascii_uppercase() || byte == b'.')
    {
        entry.warn("id", "an id should contain a-z, 0-9, `_` and `-` only");
    }
}
