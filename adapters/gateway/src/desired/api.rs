//! API → service, plugins, routes (events-and-adapters C3, C4, C16).

use kong::Plugin;
use sdk::types::{Api, ApiConfig, apis::LifecycleState};
use serde_json::json;

use super::{
    context::{self, Context},
    global::plugin,
    plugins, routes, upstream,
};
use crate::entity::{Entity, complete};

/// The entities of an API. Its access plugins are never left out: what has no written `auth` is
/// not published.
pub fn entities(context: &Context, api: &Api) -> Result<Vec<Entity>, String> {
    let config = api
        .config
        .as_ref()
        .ok_or("the API has no gateway configuration")?;
    let auth = api.auth.as_deref().unwrap_or_default();
    plugins::check_access(auth, &config.plugins)?;
    let mut own = configured(context, config);
    own.extend(access(context, api, config, auth)?);
    if context::state(api) == LifecycleState::Retired {
        own.retain(|plugin| plugin.name != "request-termination");
        let gone = json!({ "status_code": 410, "message": "This API has been retired." });
        own.push(plugin("request-termination", gone));
    }
    published(context, &api.id, config, own)
}

/// Service, plugins and routes under one name.
pub fn published(
    context: &Context,
    name: &str,
    config: &ApiConfig,
    plugins: Vec<Plugin>,
) -> Result<Vec<Entity>, String> {
    let ids = &context.settings.ids;
    let tags = ids.api_tags(name);
    let service = upstream::service(context, name, &config.api, tags.clone())?;
    let mut entities = vec![complete(&service)?];
    for plugin in plugins {
        let plugin = Plugin {
            id: ids.plugin(&plugin.name, name, ""),
            service: Some(service.id.into()),
            tags: Some(tags.clone()),
            ..plugin
        };
        let entity =
            complete(&plugin).map_err(|message| format!("plugin `{}`: {message}", plugin.name))?;
        if entities.iter().any(|(key, _)| *key == entity.0) {
            return Err(format!("plugins: `{}` is there twice", plugin.name));
        }
        entities.push(entity);
    }
    for route in routes::all(context, name, &config.api, &tags)? {
        let name = route.name.clone().unwrap_or_default();
        entities.push(complete(&route).map_err(|message| format!("route `{name}`: {message}"))?);
    }
    Ok(entities)
}

/// The plugins that the configuration names.
pub fn configured(context: &Context, config: &ApiConfig) -> Vec<Plugin> {
    let first_path = config
        .api
        .routes
        .iter()
        .flat_map(|route| &route.paths)
        .next();
    let first_path = first_path.map(String::as_str).unwrap_or_default();
    let globals = &context.config.globals;
    config
        .plugins
        .iter()
        .map(|plugin| plugins::rewritten(plugin, globals, first_path))
        .collect()
}

/// The plugins that `auth` brings.
fn access(
    context: &Context,
    api: &Api,
    config: &ApiConfig,
    auth: &str,
) -> Result<Vec<Plugin>, String> {
    // The editor writes the one, the original read the other.
    let written = api
        .extra
        .get("hide_credentials")
        .and_then(serde_json::Value::as_bool);
    let hide = config.api.hide_credentials.or(written).unwrap_or(false);
    let acl = plugin("acl", json!({ "allow": [context::group(api)] }));
    match auth {
        "none" => Ok(Vec::new()),
        "key-auth" => {
            let globals = &context.config.globals.api;
            let in_query = globals
                .extra
                .get("keyInQuery")
                .and_then(serde_json::Value::as_bool);
            let key_auth = json!({
                "key_names": [globals.header_name],
                "key_in_query": in_query.unwrap_or(true),
                "hide_credentials": hide,
                "digest_key": context.settings.digest_key,
            });
            Ok(vec![plugin("key-auth", key_auth), acl])
        }
        "oauth2" => {
            let rules = context.token_rules(api)?;
            let jwt = json!({
                "key_claim_name": "gateway_key",
                "claims_to_verify": ["exp"],
                "header_names": ["authorization"],
                "uri_param_names": [],
            });
            let identity = json!({
                "source": "jwt",
                "required_issuer": rules.issuers,
                "required_audience": [api.id],
                "remove_token": hide,
            });
            Ok(vec![
                plugin("jwt", jwt),
                plugin("wicketgate-identity", identity),
                acl,
            ])
        }
        "" => Err("auth: must be written; an open API says `none`".to_owned()),
        other => Err(format!("auth: `{other}` is not known")),
    }
}
