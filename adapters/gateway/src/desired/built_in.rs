//! What is published without standing in the configuration: the portal's health, by which the
//! whole way through the gateway is tested, and its API console. (`portal-api` and `echo` come
//! with the snapshot, as APIs like all others.)

use kong::Plugin;
use sdk::types::{
    ApiConfig,
    apis::{GatewayApi, GatewayRoute},
};
use serde_json::json;

use super::{
    api,
    context::Context,
    global::{correlation_id, plugin},
};
use crate::entity::Entity;

type Built = (&'static str, Result<Vec<Entity>, String>);

/// Nothing while the configuration does not say where the portal is.
pub fn all(context: &Context) -> Vec<Built> {
    let Some(portal) = context.config.globals.network.portal_url.as_deref() else {
        return Vec::new();
    };
    let portal = portal.trim_end_matches('/');
    let limit = plugin(
        "rate-limiting",
        json!({ "minute": 10, "fault_tolerant": true }),
    );
    let ping = config(&format!("{portal}/ping"), "/ping-portal", false);
    let console = config(&format!("{portal}/swagger-ui"), "/swagger-ui", true);
    vec![
        published(context, "ping-portal", &ping, vec![correlation_id(), limit]),
        published(
            context,
            "swagger-ui-portal",
            &console,
            vec![correlation_id()],
        ),
    ]
}

fn published(
    context: &Context,
    name: &'static str,
    config: &ApiConfig,
    plugins: Vec<Plugin>,
) -> Built {
    (name, api::published(context, name, config, plugins))
}

fn config(upstream_url: &str, path: &str, preserve_host: bool) -> ApiConfig {
    let route = GatewayRoute {
        paths: vec![path.to_owned()],
        strip_path: Some(true),
        preserve_host: Some(preserve_host),
        ..GatewayRoute::default()
    };
    ApiConfig {
        api: GatewayApi {
            upstream_url: Some(upstream_url.to_owned()),
            routes: vec![route],
            ..GatewayApi::default()
        },
        ..ApiConfig::default()
    }
}
