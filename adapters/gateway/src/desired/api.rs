//! API → service, plugins, routes (events-and-adapters C3, C4, C16).

use kong::Plugin;
use sdk::types::{Api, ApiConfig, apis::LifecycleState};
use serde_json::json;

use super::{
    access,
    context::{self, Context},
    global::plugin,
    lifecycle, plugins, routes, upstream,
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
    own.extend(access::plugins(context, api, config, auth)?);
    match context::state(api) {
        LifecycleState::Retired => {
            own.retain(|plugin| plugin.name != "request-termination");
            let gone = json!({ "status_code": 410, "message": "This API has been retired." });
            own.push(plugin("request-termination", gone));
        }
        LifecycleState::Deprecated => lifecycle::announce(context, api, &mut own),
        LifecycleState::Created | LifecycleState::Published => {}
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
    let id = service.id;
    let mut entities = vec![context.target.service(service)?];
    for plugin in plugins {
        let plugin = Plugin {
            id: ids.plugin(&plugin.name, name, ""),
            service: Some(id.into()),
            tags: Some(tags.clone()),
            ..plugin
        };
        let entity = context
            .target
            .plugin(&plugin)
            .map_err(|message| format!("plugin `{}`: {message}", plugin.name))?;
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
    config
        .plugins
        .iter()
        .map(|plugin| plugins::rewritten(context, plugin, first_path))
        .collect()
}
