//! Routes, and the rule that two APIs cannot have the same one.

use std::collections::BTreeMap;

use kong::{Kind, Route};
use sdk::types::apis::{GatewayApi, GatewayRoute};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::Context;
use crate::{
    entity::{Entity, Fields, text},
    target::Version,
};

/// The routes of the service `name`.
pub fn all(
    context: &Context,
    name: &str,
    api: &GatewayApi,
    tags: &[String],
) -> Result<Vec<Route>, String> {
    if api.routes.is_empty() {
        return Err("routes: at least one is needed".to_owned());
    }
    let mut routes = Vec::new();
    for (position, route) in api.routes.iter().enumerate() {
        routes.push(Route {
            id: context.settings.ids.route(name, position),
            name: Some(format!("{name}.{position}")),
            service: Some(context.settings.ids.service(name).into()),
            tags: Some(tags.to_vec()),
            ..from_config(context, route)?
        });
    }
    Ok(routes)
}

fn from_config(context: &Context, route: &GatewayRoute) -> Result<Route, String> {
    let marks_regex = context.target.version >= Version(3, 0);
    let defaults = Route::default();
    let mut protocols: Vec<String> = route
        .protocols
        .iter()
        .map(|text| text.to_lowercase())
        .collect();
    protocols.retain(|protocol| matches!(protocol.as_str(), "http" | "https"));
    if protocols.is_empty() {
        protocols.clone_from(&defaults.protocols);
    }
    let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    let extra = |name: &str| route.extra.get(name).filter(|value| !value.is_null());
    Ok(Route {
        protocols,
        paths: some(
            route
                .paths
                .iter()
                .map(|configured| path(configured, marks_regex))
                .collect(),
        ),
        hosts: some(route.hosts.clone()),
        methods: some(
            route
                .methods
                .iter()
                .map(|method| method.to_uppercase())
                .collect(),
        ),
        strip_path: route.strip_path.unwrap_or(defaults.strip_path),
        preserve_host: route.preserve_host.unwrap_or(defaults.preserve_host),
        headers: member("headers", extra("headers"))?,
        snis: member("snis", extra("snis"))?,
        https_redirect_status_code: member(
            "https_redirect_status_code",
            extra("https_redirect_status_code"),
        )?
        .unwrap_or(defaults.https_redirect_status_code),
        ..defaults
    })
}

/// A member of a route that the gateway knows under the same name.
fn member<T: DeserializeOwned>(name: &str, value: Option<&Value>) -> Result<Option<T>, String> {
    let parse = |value: &Value| serde_json::from_value(value.clone());
    value
        .map(parse)
        .transpose()
        .map_err(|error| format!("routes: {name}: {error}"))
}

/// A path prefix in the gateway's one form. By the old rule every path with other characters than
/// these was a regular expression; the gateway wants those marked with `~`, but for old versions,
/// which go by that rule themselves.
fn path(configured: &str, marks_regex: bool) -> String {
    if !marks_regex {
        return configured.trim_start_matches('~').to_owned();
    }
    if configured.starts_with('~') {
        return configured.to_owned();
    }
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b".-_~/%".contains(&byte) || !byte.is_ascii();
    if !configured.bytes().all(is_plain) {
        return format!("~{configured}");
    }
    let rooted = if configured.starts_with('/') {
        configured.to_owned()
    } else {
        format!("/{configured}")
    };
    kong::path::encode(&kong::path::normalise(rooted.as_bytes())).into_owned()
}

/// Which API has which route: host, path and method, each absent for "any".
#[derive(Default)]
pub struct Taken(BTreeMap<[String; 3], String>);

impl Taken {
    /// Takes the routes for `api`, unless one of them belongs to an earlier one.
    pub fn claim(&mut self, api: &str, entities: &[Entity]) -> Result<(), String> {
        let routes = entities.iter().filter(|(key, _)| key.kind == Kind::Route);
        let claims: Vec<[String; 3]> = routes
            .flat_map(|(_, fields)| combinations(fields))
            .collect();
        for claim in &claims {
            if let Some(owner) = self.0.get(claim).filter(|owner| *owner != api) {
                let [host, path, method] = claim;
                let parts = [method, host, path].map(String::as_str);
                let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                return Err(format!(
                    "routes: `{}` belongs to the API `{owner}`",
                    parts.join(" ")
                ));
            }
        }
        self.0
            .extend(claims.into_iter().map(|claim| (claim, api.to_owned())));
        Ok(())
    }
}

fn combinations(route: &Fields) -> Vec<[String; 3]> {
    debug_assert!(text(route, "name").is_some());
    let list = |name: &str| match route.get(name) {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => vec![String::new()],
    };
    let (hosts, paths, methods) = (list("hosts"), list("paths"), list("methods"));
    let mut all = Vec::with_capacity(hosts.len() * paths.len() * methods.len());
    for host in &hosts {
        for path in &paths {
            for method in &methods {
                all.push([host.clone(), path.clone(), method.clone()]);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{fixture, target::Target};

    #[test]
    fn paths_take_the_gateways_form() {
        let cases = [
            ("/petstore/v1", "/petstore/v1"),
            ("petstore", "/petstore"),
            ("/a//b/./c", "/a/b/c"),
            ("/a/(b|c)", "~/a/(b|c)"),
            ("~/a/\\d+", "~/a/\\d+"),
        ];
        for (configured, expected) in cases {
            assert_eq!(path(configured, true), expected);
        }
    }

    #[test]
    fn protocols_and_methods_are_cleaned() {
        let (settings, keys) = (fixture::settings(), fixture::keys());
        let snapshot = fixture::snapshot(json!([]), json!([]));
        let target = Target::embedded();
        let context = Context::new(&settings, &snapshot, &keys, &target);
        let given = GatewayRoute {
            protocols: vec!["HTTPS".to_owned(), "ftp".to_owned()],
            methods: vec!["get".to_owned()],
            ..GatewayRoute::default()
        };
        let route = from_config(&context, &given).unwrap();
        assert_eq!(route.protocols, ["https"]);
        assert_eq!(route.methods.unwrap(), ["GET"]);
        assert_eq!(route.paths, None);
        assert!(route.strip_path);
    }
}
