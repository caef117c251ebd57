//! How to reach an API: base URLs, credentials, OAuth endpoints.

use sdk::types::{Api, ApiConfig};
use ui::{Lang, texts};

use crate::{
    catalogue::{Auth, auth},
    reference::Credential,
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
    /// Absent where no flow has a browser in it.
    pub authorize_url: Option<String>,
    pub token_url: String,
    /// Name and help topic of each.
    pub flows: Vec<(&'static str, &'static str)>,
    pub scopes: Vec<(String, String)>,
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
        let issuer = visitor.installation.issuer.as_str();
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
        Self {
            authorize_url: enabled()
                .any(|(_, _, browser)| *browser)
                .then(|| format!("{issuer}oauth2/authorize")),
            token_url: format!("{issuer}oauth2/token"),
            flows: enabled().map(|(_, flow, _)| *flow).collect(),
            scopes: settings
                .scopes()
                .map(|(id, text)| (id.to_owned(), text.to_owned()))
                .collect(),
        }
    }
}

/// `<scheme>://<host><path>` of each path of each route; websockets have schemes of their own.
fn urls(gateway: &str, config: &ApiConfig) -> Vec<String> {
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
