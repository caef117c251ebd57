//! How an API or auth server is published on the gateway (`config.json`).

use serde_json::{Map, Value, json};
use url::Url;

use crate::{plans::check_plugins, read::Object};

/// Plugins that are added by the adapter and must not stand in a protected API.
const OWN_PLUGINS: &[&str] = &["acl", "key-auth", "oauth2"];

/// Which requests belong to an API. Empty lists restrict nothing.
#[derive(Clone, Debug, Default)]
pub struct Route {
    pub paths: Vec<String>,
    pub hosts: Vec<String>,
    pub methods: Vec<String>,
    pub strip_path: bool,
    pub preserve_host: bool,
}

/// The `api` part and the names of the plugins.
#[derive(Clone, Debug)]
pub struct GatewayApi {
    pub routes: Vec<Route>,
    /// The backend as seen from the gateway.
    pub upstream_url: Option<Url>,
    /// External host shown to developers, if it is not the gateway's.
    pub host: Option<String>,
    pub plugins: Vec<String>,
}

impl GatewayApi {
    /// All paths of all routes, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.routes
            .iter()
            .flat_map(|route| &route.paths)
            .map(String::as_str)
    }

    /// Reads `{"api": …, "plugins": […]}`.
    pub(crate) fn read(config: &Object) -> Option<Self> {
        let Some(api) = config.object("api") else {
            if config.get("api").is_none() {
                config.error("api", "`api` with `upstream_url` and `routes` is missing");
            }
            return None;
        };
        api.required("upstream_url");
        let routes: Vec<_> = api.objects("routes").iter().map(read_route).collect();
        if routes.is_empty() {
            api.error("routes", "at least one route is needed");
        }
        for key in [
            "retries",
            "connect_timeout",
            "write_timeout",
            "read_timeout",
        ] {
            api.number(key);
        }
        api.flag("hide_credentials");
        let upstream_url = api.url("upstream_url");
        if upstream_url
            .as_ref()
            .is_some_and(|url| url.path().contains("//"))
        {
            api.warn(
                "upstream_url",
                "gateways refuse a path with `//`; perhaps a variable that stands here ends with `/`",
            );
        }
        Some(Self {
            routes,
            upstream_url,
            host: api.text("host"),
            plugins: check_plugins(config),
        })
    }

    /// Refuses plugins that would work against the protection of the API.
    pub(super) fn check_own_plugins(&self, config: &Object) {
        for (index, name) in self.plugins.iter().enumerate() {
            if OWN_PLUGINS.contains(&name.as_str()) {
                let message = format!("plugin `{name}` is added by the adapter; remove it here");
                config.error_at("plugins", index, message);
            }
        }
    }
}

fn read_route(object: &Object) -> Route {
    let route = Route {
        paths: object.texts("paths"),
        hosts: object.texts("hosts"),
        methods: object.texts("methods"),
        strip_path: object.flag_or("strip_path", true),
        preserve_host: object.flag("preserve_host"),
    };
    if route.paths.is_empty() && route.hosts.is_empty() && route.methods.is_empty() {
        object.error_here("a route needs `paths`, `hosts` or `methods`");
    }
    for (index, path) in route.paths.iter().enumerate() {
        if !path.starts_with('/') {
            object.error_at("paths", index, "a path begins with `/`");
        }
    }
    for (index, method) in route.methods.iter().enumerate() {
        if method.bytes().any(|byte| !byte.is_ascii_uppercase()) {
            object.error_at("methods", index, "methods are written in capitals");
        }
    }
    for (index, protocol) in object.texts("protocols").iter().enumerate() {
        if protocol != "http" && protocol != "https" {
            object.error_at("protocols", index, "possible are `http` and `https`");
        }
    }
    route
}

/// `config.json` for administrators: the upstream URL in its normal form.
pub(super) fn full(config: &Value, api: &GatewayApi) -> Value {
    let mut shown = config.clone();
    if let (Some(url), Some(Value::Object(map))) = (&api.upstream_url, shown.get_mut("api")) {
        map.insert("upstream_url".to_owned(), url.as_str().into());
    }
    shown
}

/// `config.json` for developers: where the API is reached, nothing about the backend but its
/// protocol.
pub(super) fn public(config: &Value, api: &GatewayApi) -> Value {
    let mut shown = Map::new();
    for key in ["routes", "host"] {
        if let Some(value) = config.pointer(&format!("/api/{key}")) {
            shown.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(url) = &api.upstream_url {
        shown.insert("protocol".to_owned(), format!("{}:", url.scheme()).into());
    }
    json!({"api": shown})
}
