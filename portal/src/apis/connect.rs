//! How to reach an API: base URLs, credentials, OAuth endpoints.

use sdk::types::{Api, ApiConfig, AuthServer};
use ui::{Lang, texts};

use crate::{
    catalogue::{Auth, auth},
    installation::Installation,
    login::methods,
    reference::{self, Credential, SampleView},
    visitor::Visitor,
};

/// The box "Connect".
pub struct Connect {
    /// Every public URL, complete.
    pub urls: Vec<String>,
    /// Header that carries the key, for APIs with keys.
    pub key_header: Option<String>,
    pub oauth: Option<OAuthAccess>,
}

/// Where tokens come from.
pub struct OAuthAccess {
    /// One for each way to log in.
    pub ways: Vec<Way>,
    /// There are ways that only administrators see.
    pub has_hidden: bool,
    /// No flow has a browser in it.
    pub machines_only: bool,
    /// Name and help topic of each.
    pub flows: Vec<(&'static str, &'static str)>,
    pub scopes: Vec<(String, String)>,
}

/// A way to log in, and its endpoints.
pub struct Way {
    pub label: String,
    pub is_protected: bool,
    /// Label, id on the page and address of each.
    pub endpoints: Vec<(&'static str, String, String)>,
}

impl Connect {
    pub fn new(visitor: &Visitor, api: &Api, config: &ApiConfig) -> Self {
        let installation = &visitor.installation;
        Self {
            urls: urls(&installation.gateway, config),
            key_header: (auth(api) == Auth::Key).then(|| installation.key_header.clone()),
            oauth: api.is_oauth2().then(|| OAuthAccess::new(visitor, api)),
        }
    }

    /// URLs with an id on the page for each.
    pub fn numbered(&self) -> Vec<(String, &str)> {
        let numbers = 1..;
        numbers
            .map(|number| format!("url-{number}"))
            .zip(self.urls.iter().map(String::as_str))
            .collect()
    }
}

impl OAuthAccess {
    fn new(visitor: &Visitor, api: &Api) -> Self {
        let t = texts::Apis(visitor.lang());
        let settings = api.settings.clone().unwrap_or_default();
        let flows = [
            (
                settings.enable_authorization_code,
                (t.flow_code(), "oauth2_authorization_code"),
                true,
            ),
            (
                settings.enable_client_credentials,
                (t.flow_client(), "oauth2_client_credentials"),
                false,
            ),
            (
                settings.enable_password_grant,
                (t.flow_password(), "oauth2_password_grant"),
                false,
            ),
            (
                settings.enable_implicit_grant,
                (t.flow_implicit(), "oauth2_implicit_grant"),
                true,
            ),
        ];
        let enabled = || flows.iter().filter(|(enabled, ..)| *enabled == Some(true));
        // Client credentials alone need neither a log-in nor a person.
        let only_clients =
            enabled().count() == 1 && settings.enable_client_credentials == Some(true);
        let (ways, has_hidden) = ways(visitor, api, only_clients, t);
        Self {
            ways,
            has_hidden,
            machines_only: enabled().all(|(_, _, browser)| !*browser),
            flows: enabled().map(|(_, flow, _)| *flow).collect(),
            scopes: settings
                .scopes()
                .map(|(id, text)| (id.to_owned(), text.to_owned()))
                .collect(),
        }
    }
}

/// The ways to log in that the API names, and whether some are kept from this visitor.
fn ways(visitor: &Visitor, api: &Api, only_clients: bool, t: texts::Apis) -> (Vec<Way>, bool) {
    let installation = &visitor.installation;
    let is_admin = visitor.user().is_some_and(|user| user.admin);
    let known = api.auth_methods.iter().filter_map(|reference| {
        let (server, name) = reference.split_once(':')?;
        let mut servers = installation.auth_servers.iter();
        let server = servers.find(|known| known.id == server)?;
        let method = server.method(name).filter(|method| method.is_enabled())?;
        Some((server, method))
    });
    let known: Vec<_> = known.collect();
    let has_hidden = !is_admin && known.iter().any(|(_, method)| method.is_protected());
    let shown = known
        .iter()
        .filter(|(_, method)| is_admin || !method.is_protected());
    let ways = shown.enumerate().map(|(number, (server, method))| {
        let base = base_of(installation, server);
        let kinds = [
            (t.authorize_url(), "authorize", !only_clients),
            (t.token_url(), "token", true),
            (t.profile_url(), "profile", !only_clients),
        ];
        let endpoints = kinds.into_iter().filter(|(.., shown)| *shown);
        Way {
            label: methods::label(method),
            is_protected: method.is_protected(),
            endpoints: endpoints
                .map(|(label, kind, _)| {
                    let usual = match kind {
                        "profile" => "/profile".to_owned(),
                        kind => format!("/{{{{name}}}}/api/{{{{api}}}}/{kind}"),
                    };
                    let member = format!("{kind}Endpoint");
                    let path = methods::endpoint(method, &api.id, &member, &usual);
                    (label, format!("{kind}-{number}"), format!("{base}{path}"))
                })
                .collect(),
        }
    });
    (ways.collect(), has_hidden)
}

/// How a program gets a token for this API, where the API wants programs.
pub fn token_call(visitor: &Visitor, api: &Api) -> Option<SampleView> {
    let settings = api.settings.as_ref()?;
    if settings.enable_client_credentials != Some(true) {
        return None;
    }
    let (ways, _) = ways(visitor, api, true, texts::Apis(visitor.lang()));
    // Programs need no other endpoint.
    let (_, _, url) = ways.first()?.endpoints.first()?;
    let scopes: Vec<&str> = settings.scopes().map(|(id, _)| id).collect();
    Some(reference::token_call(url, &scopes))
}

/// The address of an auth server, without a slash at the end.
fn base_of(installation: &Installation, server: &AuthServer) -> String {
    if server.id == methods::SERVER {
        return installation
            .issuer
            .as_str()
            .trim_end_matches('/')
            .to_owned();
    }
    let path = server.base_path().unwrap_or_default();
    format!("{}{path}", installation.gateway)
}

/// `<scheme>://<host><path>` of each path of each route; websockets have schemes of their own.
pub fn urls(gateway: &str, config: &ApiConfig) -> Vec<String> {
    let api = &config.api;
    let (scheme, host) = gateway.split_once("://").unwrap_or(("https", gateway));
    let upstream = api
        .protocol
        .as_deref()
        .or(api.upstream_url.as_deref())
        .unwrap_or_default();
    let scheme = match (upstream.starts_with("ws"), scheme) {
        (true, "https") => "wss",
        (true, _) => "ws",
        (false, scheme) => scheme,
    };
    let host = api
        .host
        .as_deref()
        .filter(|host| !host.is_empty())
        .unwrap_or(host);
    let paths = api.routes.iter().flat_map(|route| &route.paths);
    paths
        .map(|path| format!("{scheme}://{host}{path}"))
        .collect()
}

/// What samples have to carry.
pub fn credential(visitor: &Visitor, api: &Api) -> Credential {
    match auth(api) {
        Auth::Key => Credential::Key(visitor.installation.key_header.clone()),
        Auth::Token => Credential::Token,
        Auth::None => Credential::None,
    }
}

/// What the reader has to put in place of the placeholder.
pub fn credential_note(credential: &Credential, lang: Lang) -> Option<String> {
    let t = texts::Reference(lang);
    match credential {
        Credential::Key(header) => Some(t.key_note(header)),
        Credential::Token => Some(t.token_note().to_owned()),
        Credential::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_becomes_a_complete_address() {
        let config: ApiConfig = serde_json::from_str(
            r#"{"api": {"protocol": "wss:", "routes": [{"paths": ["/a", "/b"]}, {"paths": ["/c"]}]}}"#,
        )
        .unwrap();
        assert_eq!(
            urls("https://api.example.org", &config),
            [
                "wss://api.example.org/a",
                "wss://api.example.org/b",
                "wss://api.example.org/c"
            ]
        );
    }
}
