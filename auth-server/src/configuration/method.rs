//! The login methods of a definition (static-config 13, 14).

use std::sync::Arc;

use sdk::types::{AuthMethod, AuthServer};
use url::Url;

use crate::{Settings, federated::Identity};

use super::{
    ConfigurationError, LdapSettings, RedirectSettings, SamlSettings,
    read::{Reader, Wrong},
    redirect,
};

/// A login method.
#[derive(Clone, Debug)]
pub struct Method {
    pub id: String,
    pub title: String,
    /// Not offered where methods are listed.
    pub protected: bool,
    /// Groups of ours that somebody only has as long as the provider says so (F22).
    pub owned_groups: Vec<String>,
    pub kind: MethodKind,
}

/// What a method does.
#[derive(Clone, Debug)]
pub enum MethodKind {
    /// Accounts of this installation, with a password.
    Local(LocalSettings),
    /// Names and passwords that a service of the operator's checks (19.2).
    External(Arc<ExternalSettings>),
    /// Names and passwords that a directory knows (19.5).
    Ldap(Arc<LdapSettings>),
    /// Somebody else's log-in page (19.3, 19.4).
    Redirect(Arc<RedirectSettings>),
    /// The same, with assertions instead of tokens (19.6).
    Saml(Arc<SamlSettings>),
    /// A button that lets anybody in; for development (F33).
    Dummy,
}

/// Settings of an operator's own user service.
#[derive(Clone, Debug)]
pub struct ExternalSettings {
    pub validate: Url,
    /// Whether a token of somebody who is passed through may be refreshed.
    pub allow_refresh: Option<Url>,
    pub page: PasswordPage,
}

/// How the page with name and password differs from the one of our own accounts.
#[derive(Clone, Debug, Default)]
pub struct PasswordPage {
    /// Where people go who forgot their password; without one no link is shown.
    pub forgot_password_url: Option<String>,
    pub username_prompt: Option<String>,
    pub password_prompt: Option<String>,
}

/// Settings of local accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSettings {
    /// Addresses count as confirmed, no mail is sent.
    pub trust_users: bool,
    pub disable_signup: bool,
}

/// The enabled methods.
pub fn list(
    settings: &Settings,
    definition: &AuthServer,
) -> Result<Vec<Method>, ConfigurationError> {
    let enabled = definition
        .auth_methods
        .iter()
        .filter(|one| one.is_enabled());
    enabled
        .filter_map(|one| {
            let name = one.name.clone();
            match method(settings, one) {
                Ok(method) => Some(Ok(method)),
                Err(Wrong::LeftOut(what)) => {
                    tracing::error!(method = name, "the login method is left out: {what}");
                    None
                }
                Err(Wrong::Refused(what)) => Some(Err(ConfigurationError::Method {
                    server: settings.server_name.clone(),
                    method: name,
                    what,
                })),
            }
        })
        .collect()
}

fn method(settings: &Settings, definition: &AuthMethod) -> Result<Method, Wrong> {
    let config = Reader(definition);
    let kind = match definition.kind.as_str() {
        "local" => MethodKind::Local(LocalSettings {
            trust_users: config.flag("trustUsers"),
            disable_signup: config.flag("disableSignup"),
        }),
        "external" => MethodKind::External(Arc::new(external(&config)?)),
        "ldap" => MethodKind::Ldap(Arc::new(LdapSettings::read(&config)?)),
        "saml" => MethodKind::Saml(Arc::new(SamlSettings::read(&config)?)),
        "dummy" if settings.dummy_login => {
            let name = &definition.name;
            tracing::warn!(method = name, "this log-in method lets anybody in");
            MethodKind::Dummy
        }
        "dummy" => {
            let text = "type `dummy` lets anybody in; it needs ALLOW_DUMMY_LOGIN";
            return Err(Wrong::LeftOut(text.to_owned()));
        }
        kind => {
            let unknown = || Wrong::LeftOut(format!("this server has no type `{kind}`"));
            let read = redirect::reader(kind).ok_or_else(unknown)?;
            MethodKind::Redirect(Arc::new(read(&config)?))
        }
    };
    // Its users would have the ids of machine users.
    if !matches!(kind, MethodKind::Local(_)) && definition.name == "internal" {
        let text = "a method of this type needs another name";
        return Err(Wrong::Refused(text.to_owned()));
    }
    Ok(Method {
        id: definition.name.clone(),
        title: definition
            .friendly_short
            .clone()
            .unwrap_or_else(|| definition.name.clone()),
        protected: definition.is_protected(),
        owned_groups: owned_groups(&config)?,
        kind,
    })
}

/// Those of `defaultGroups`, if the provider is to take them away, too.
fn owned_groups(config: &Reader) -> Result<Vec<String>, Wrong> {
    if !config.flag("removeGroups") {
        return Ok(Vec::new());
    }
    let groups = config.texts("defaultGroups")?.into_iter();
    Ok(groups.map(|(_, ours)| ours).collect())
}

fn external(config: &Reader) -> Result<ExternalSettings, Wrong> {
    Ok(ExternalSettings {
        validate: config.needed_url("validateUserPassUrl")?,
        allow_refresh: config.url("allowRefreshUrl")?,
        page: PasswordPage::read(config),
    })
}

impl PasswordPage {
    pub fn read(config: &Reader) -> Self {
        Self {
            forgot_password_url: config.text("forgotPasswordUrl"),
            username_prompt: config.text("usernamePrompt"),
            password_prompt: config.text("passwordPrompt"),
        }
    }
}

impl Method {
    /// The settings of accounts of this installation, if the method has such.
    pub const fn local(&self) -> Option<&LocalSettings> {
        match &self.kind {
            MethodKind::Local(settings) => Some(settings),
            _ => None,
        }
    }

    /// The settings of somebody else's log-in page, if the method leads to one.
    pub const fn redirect(&self) -> Option<&Arc<RedirectSettings>> {
        match &self.kind {
            MethodKind::Redirect(settings) => Some(settings),
            _ => None,
        }
    }

    /// The settings of a SAML provider, if the method leads to one.
    pub const fn saml(&self) -> Option<&Arc<SamlSettings>> {
        match &self.kind {
            MethodKind::Saml(settings) => Some(settings),
            _ => None,
        }
    }

    /// Whether the page with name and password is somebody else's.
    pub const fn is_elsewhere(&self) -> bool {
        matches!(self.kind, MethodKind::Redirect(_) | MethodKind::Saml(_))
    }

    /// Whether it lets anybody in.
    pub const fn is_dummy(&self) -> bool {
        matches!(self.kind, MethodKind::Dummy)
    }

    pub fn external(&self) -> Option<&ExternalSettings> {
        match &self.kind {
            MethodKind::External(settings) => Some(settings),
            _ => None,
        }
    }

    /// What names somebody to APIs that pass their users through (section 12).
    pub fn foreign_id(&self, identity: &Identity) -> String {
        match &self.kind {
            MethodKind::Redirect(_) | MethodKind::Saml(_) | MethodKind::Dummy => {
                format!("{}:{}", self.id, identity.id)
            }
            _ => identity.id.clone(),
        }
    }

    /// How the page differs where somebody else's names and passwords are typed in.
    pub fn password_page(&self) -> Option<&PasswordPage> {
        match &self.kind {
            MethodKind::External(settings) => Some(&settings.page),
            MethodKind::Ldap(settings) => Some(&settings.page),
            _ => None,
        }
    }

    /// Whether it can find out who somebody is without showing a page.
    pub fn can_be_silent(&self) -> bool {
        self.saml().is_some() || self.redirect().is_some_and(|settings| settings.prompts)
    }
}
