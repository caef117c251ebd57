//! What is written into a definition, computed from the configuration once.

use serde_json::{Map, Value, json};

use super::clear::{self, OperationScopes};
use crate::{
    apis::{Api, Auth, Flow},
    auth_servers::AuthServers,
    globals::Globals,
};

/// Where an API is reached and how it is protected.
#[derive(Clone, Debug)]
pub struct Rewriting {
    pub schema: String,
    /// External `host[:port]`.
    pub host: String,
    pub paths: Vec<String>,
    pub security: Security,
}

/// What the definition says about proofs that callers bring.
#[derive(Clone, Debug)]
pub enum Security {
    /// The author's definitions stay.
    Untouched,
    /// A key in this header.
    Key(String),
    OAuth2 {
        schemes: Vec<OAuthScheme>,
        scopes: Vec<(String, String)>,
    },
}

/// One log-in method with one flow.
#[derive(Clone, Debug)]
pub struct OAuthScheme {
    pub label: String,
    pub flow: Flow,
    pub authorize_url: String,
    pub token_url: String,
}

impl Rewriting {
    /// What has to be written into the definition of `api`.
    pub fn new(api: &Api, globals: &Globals, auth_servers: &AuthServers) -> Self {
        let host = api
            .gateway
            .host
            .as_ref()
            .unwrap_or(&globals.network.api_host);
        let security = match api.auth {
            Auth::None => Security::Untouched,
            Auth::KeyAuth => Security::Key(globals.api_key_header.clone()),
            Auth::OAuth2 => Security::OAuth2 {
                schemes: schemes(api, globals, auth_servers),
                scopes: api.oauth2.scopes.clone(),
            },
        };
        Self {
            schema: globals.network.schema.clone(),
            host: host.clone(),
            paths: api.gateway.paths().map(str::to_owned).collect(),
            security,
        }
    }

    pub(super) fn apply_to_swagger_2(&self, document: &mut Value) {
        self.clear_security(document);
        let Some(members) = document.as_object_mut() else {
            return;
        };
        members.insert("host".to_owned(), self.host.as_str().into());
        let path = self.paths.first().map_or("/", String::as_str);
        members.insert("basePath".to_owned(), path.into());
        members.insert("schemes".to_owned(), json!([self.schema]));
        let scheme = |scheme: &OAuthScheme, scopes: &Value| {
            let mut value = scheme.urls();
            value.insert("type".to_owned(), "oauth2".into());
            value.insert("flow".to_owned(), name_2(scheme.flow).into());
            value.insert("scopes".to_owned(), scopes.clone());
            (
                format!("{}, {}", scheme.label, name_2(scheme.flow)),
                value.into(),
            )
        };
        if let Some((schemes, security)) = self.schemes(scheme) {
            members.insert("securityDefinitions".to_owned(), schemes);
            members.insert("security".to_owned(), security);
        }
    }

    pub(super) fn apply_to_openapi_3(&self, document: &mut Value) {
        self.clear_security(document);
        clear::servers(document);
        let Some(members) = document.as_object_mut() else {
            return;
        };
        let server = |path: &str| json!({"url": format!("{}://{}{path}", self.schema, self.host)});
        let servers: Vec<_> = if self.paths.is_empty() {
            vec![server("")]
        } else {
            self.paths.iter().map(|path| server(path)).collect()
        };
        members.insert("servers".to_owned(), servers.into());
        let scheme = |scheme: &OAuthScheme, scopes: &Value| {
            let name = name_3(scheme.flow);
            let mut flow = scheme.urls();
            flow.insert("scopes".to_owned(), scopes.clone());
            (
                format!("{}, {name}", scheme.label),
                json!({"type": "oauth2", "flows": {name: flow}}),
            )
        };
        if let Some((schemes, security)) = self.schemes(scheme) {
            let components = members.entry("components").or_insert_with(|| json!({}));
            if let Some(components) = components.as_object_mut() {
                components.insert("securitySchemes".to_owned(), schemes);
            }
            members.insert("security".to_owned(), security);
        }
    }

    fn clear_security(&self, document: &mut Value) {
        match &self.security {
            Security::Untouched => {}
            Security::Key(_) => clear::security(document, None),
            Security::OAuth2 { schemes, scopes } => {
                let is_2 = document.get("swagger").is_some();
                let name = if is_2 { name_2 } else { name_3 };
                let labels: Vec<_> = schemes
                    .iter()
                    .map(|scheme| format!("{}, {}", scheme.label, name(scheme.flow)))
                    .collect();
                let kept = OperationScopes {
                    schemes: labels.iter().map(String::as_str).collect(),
                    known: scopes.iter().map(|(id, _)| id.as_str()).collect(),
                };
                clear::security(document, Some(&kept));
            }
        }
    }

    /// All schemes and the requirement that lists each of them; `None` = nothing to write.
    fn schemes(
        &self,
        build: impl Fn(&OAuthScheme, &Value) -> (String, Value),
    ) -> Option<(Value, Value)> {
        let schemes: Map<String, Value> = match &self.security {
            Security::Untouched => return None,
            Security::Key(header) => {
                let scheme = json!({"type": "apiKey", "in": "header", "name": header});
                [("key".to_owned(), scheme)].into_iter().collect()
            }
            Security::OAuth2 { schemes, scopes } => {
                let described = scopes
                    .iter()
                    .map(|(id, text)| (id.clone(), text.as_str().into()));
                let scopes = Value::Object(described.collect());
                schemes
                    .iter()
                    .map(|scheme| build(scheme, &scopes))
                    .collect()
            }
        };
        let security: Vec<_> = schemes.keys().map(|name| json!({name: []})).collect();
        Some((schemes.into(), security.into()))
    }
}

impl OAuthScheme {
    /// The URLs that the flow uses.
    fn urls(&self) -> Map<String, Value> {
        let mut urls = Map::new();
        if matches!(self.flow, Flow::AuthorizationCode | Flow::Implicit) {
            urls.insert(
                "authorizationUrl".to_owned(),
                self.authorize_url.as_str().into(),
            );
        }
        if self.flow != Flow::Implicit {
            urls.insert("tokenUrl".to_owned(), self.token_url.as_str().into());
        }
        urls
    }
}

/// One scheme per usable log-in method and enabled flow.
fn schemes(api: &Api, globals: &Globals, auth_servers: &AuthServers) -> Vec<OAuthScheme> {
    const ORDER: [Flow; 4] = [
        Flow::AuthorizationCode,
        Flow::Implicit,
        Flow::Password,
        Flow::ClientCredentials,
    ];
    let mut schemes = Vec::new();
    for reference in &api.auth_methods {
        let Some(server) = auth_servers.get(&reference.server) else {
            continue;
        };
        let Some(method) = server
            .method(&reference.method)
            .filter(|method| method.is_usable())
        else {
            continue;
        };
        let base = format!(
            "{}{}",
            globals.network.external_api_url(),
            server.base_path()
        );
        for flow in ORDER.into_iter().filter(|flow| api.oauth2.allows(*flow)) {
            schemes.push(OAuthScheme {
                label: method.friendly_short.clone(),
                flow,
                authorize_url: format!("{base}{}", method.authorize_path(&api.id)),
                token_url: format!("{base}{}", method.token_path(&api.id)),
            });
        }
    }
    schemes
}

/// Names of the flows in Swagger 2.0.
fn name_2(flow: Flow) -> &'static str {
    match flow {
        Flow::AuthorizationCode => "accessCode",
        Flow::Implicit => "implicit",
        Flow::Password => "password",
        Flow::ClientCredentials => "application",
    }
}

/// Names of the flows in OpenAPI 3.
fn name_3(flow: Flow) -> &'static str {
    match flow {
        Flow::AuthorizationCode => "authorizationCode",
        Flow::Implicit => "implicit",
        Flow::Password => "password",
        Flow::ClientCredentials => "clientCredentials",
    }
}
