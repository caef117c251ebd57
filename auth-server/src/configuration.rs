//! What the static configuration says about this server: its names, methods and token mode.
//! Read at start and again every few seconds, swapped as a whole.

mod ldap;
mod method;
mod read;
mod redirect;
mod saml;

use std::sync::Arc;

use sdk::types::{AuthServer, Globals, globals::Network};
use ui::{Languages, PasswordRule};
use url::Url;

use crate::{
    Settings,
    captcha::{Captcha, CaptchaError},
    cookies::CookiePolicy,
    keys::{SigningAlgorithm, UnsupportedAlgorithm},
    pages::OwnPages,
    tokens::{TokenMode, UnsupportedMode},
};

pub use ldap::{LdapSettings, USERNAME};
pub use method::{ExternalSettings, Method, MethodKind};
pub use redirect::{ErrorLink, OnFailure, ProfileSource, Provider, RedirectSettings, SignedBy};
pub use saml::SamlSettings;

/// The operator's style sheet, among the content of the portal.
pub const STYLE: &str = "wicked.css";
/// The operator's mark: for these pages, else that of the portal.
pub const LOGOS: [&str; 2] = ["images/wicked-auth-page-120.png", "images/wicked-40.png"];

/// What there is of [`STYLE`], [`LOGOS`] and own pages.
#[derive(Debug, Default)]
pub struct Appearance {
    pub has_style: bool,
    pub logo: Option<&'static str>,
    pub pages: OwnPages,
    pub languages: Languages,
}

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// `<schema>://<apiHost>{B}`, without a slash at the end.
    pub issuer: String,
    /// Title of the installation.
    pub title: String,
    /// External URL of the portal, with a slash at the end.
    pub portal_url: String,
    pub cookies: CookiePolicy,
    /// What the frame of every page shows.
    pub site: Arc<ui::Site>,
    pub own_pages: Arc<OwnPages>,
    /// What pages can be read in.
    pub languages: Languages,
    pub methods: Vec<Method>,
    pub password_rule: PasswordRule,
    /// What new people have to solve, if the operator wants it.
    pub captcha: Option<Captcha>,
    /// How tokens are made, unless an API says otherwise.
    pub mode: TokenMode,
    /// What the next signing key is of.
    pub algorithm: SigningAlgorithm,
    pub kong: KongAddresses,
}

/// Where Kong is, for token mode `kong-oauth2`.
#[derive(Clone, Debug)]
pub struct KongAddresses {
    /// Admin API.
    pub admin: Url,
    /// Where the APIs are.
    pub proxy: Url,
}

/// Why a configuration cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error(
        "auth-servers/{server}.json: the first path of the first route is `{found}`, but this server serves `{expected}`"
    )]
    BasePath {
        server: String,
        found: String,
        expected: String,
    },
    #[error("globals.json: network.schema and network.{0} do not make an external URL")]
    Network(&'static str),
    #[error("auth-servers/{server}.json: method `{method}`: {what}")]
    Method {
        server: String,
        method: String,
        what: String,
    },
    #[error("globals.json: network.{0} is no URL")]
    Kong(&'static str),
    #[error(transparent)]
    Captcha(#[from] CaptchaError),
    #[error(transparent)]
    TokenMode(#[from] UnsupportedMode),
    #[error("auth-servers/{server}.json: {source}")]
    Algorithm {
        server: String,
        source: UnsupportedAlgorithm,
    },
}

impl KongAddresses {
    /// `admin` goes before the globals (`kongAdminUrl`, `kongProxyUrl`). Where no address of the proxy
    /// is written it is the Admin API's host with port 8000.
    fn new(admin: Option<&Url>, network: &Network) -> Result<Self, ConfigurationError> {
        let written = |text: &Option<String>, name| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => Url::parse(text)
                .map(Some)
                .map_err(|_| ConfigurationError::Kong(name)),
        };
        let admin = match admin {
            Some(admin) => admin.clone(),
            None => written(&network.kong_admin_url, "kongAdminUrl")?
                .unwrap_or_else(|| Url::parse("http://kong:8001/").expect("a valid default")),
        };
        let proxy = if let Some(proxy) = written(&network.kong_proxy_url, "kongProxyUrl")? {
            proxy
        } else {
            let mut proxy = admin.clone();
            proxy.set_path("/");
            proxy
                .set_port(Some(8000))
                .map_err(|()| ConfigurationError::Kong("kongProxyUrl"))?;
            proxy
        };
        Ok(Self { admin, proxy })
    }
}

impl Configuration {
    /// Reads the definition of this server and the globals.
    pub fn new(
        settings: &Settings,
        definition: &AuthServer,
        globals: &Globals,
        appearance: Appearance,
    ) -> Result<Self, ConfigurationError> {
        let found = definition.base_path().unwrap_or_default();
        if found != settings.base_path {
            return Err(ConfigurationError::BasePath {
                server: settings.server_name.clone(),
                found: found.to_owned(),
                expected: settings.base_path.clone(),
            });
        }
        let network = &globals.network;
        let external = match &settings.external_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => network
                .gateway()
                .ok_or(ConfigurationError::Network("apiHost"))?,
        };
        let portal = network
            .portal()
            .ok_or(ConfigurationError::Network("portalHost"))?;
        let tokens = definition.tokens.as_ref();
        let mode = tokens.and_then(|tokens| tokens.mode.as_deref());
        let algorithm = tokens.and_then(|tokens| tokens.algorithm.as_deref());
        let algorithm = SigningAlgorithm::parse(algorithm);
        let title = Some(globals.title.clone()).filter(|title| !title.is_empty());
        let title = title.unwrap_or_else(|| "Wicketgate".to_owned());
        let secure = external.starts_with("https:");
        let content = |path: &str| format!("{}/content/{path}", settings.base_path);
        Ok(Self {
            cookies: CookiePolicy { secure },
            issuer: format!("{external}{}", settings.base_path),
            site: Arc::new(ui::Site {
                title: title.clone(),
                company: globals.company.clone().unwrap_or_else(|| title.clone()),
                portal: portal.clone(),
                base: settings.base_path.clone(),
                style: appearance.has_style.then(|| content(STYLE)),
                logo: appearance.logo.map(content),
                development: !secure,
                version: service::VERSION,
                ..ui::Site::default()
            }),
            own_pages: Arc::new(appearance.pages),
            languages: appearance.languages,
            title,
            portal_url: format!("{portal}/"),
            methods: method::list(settings, definition)?,
            password_rule: PasswordRule::named(globals.password_strategy.as_deref()),
            captcha: Captcha::read(globals.extra.get("recaptcha"))?,
            mode: TokenMode::parse(mode)?,
            algorithm: algorithm.map_err(|source| ConfigurationError::Algorithm {
                server: settings.server_name.clone(),
                source,
            })?,
            kong: KongAddresses::new(settings.kong.admin_url.as_ref(), network)?,
        })
    }

    /// The enabled method with this id.
    pub fn method(&self, id: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.id == id)
    }
}
