//! Settings of log-in pages elsewhere: any OAuth 2.0 or OpenID Connect provider, and the well-known
//! ones, of which all is known but the client.

use std::fmt;

use jsonwebtoken::DecodingKey;
use sdk::types::Secret;
use url::Url;

use super::read::{Reader, Wrong};

/// A provider that people are sent to.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the definition has these flags"
)]
#[derive(Clone, Debug)]
pub struct RedirectSettings {
    pub client_id: String,
    pub client_secret: Secret,
    pub provider: Provider,
    pub scope: Option<String>,
    /// Further parameters of the authorization request.
    pub parameters: Vec<(String, String)>,
    /// The provider understands `prompt`.
    pub prompts: bool,
    /// What makes the provider ask for a log-in although there is one.
    pub login_prompt: &'static str,
    /// The client's `state` goes along as `client_state`.
    pub forward_state: bool,
    /// What the provider calls a user name that is known before.
    pub hint: &'static str,
    pub claims: ClaimNames,
    /// Addresses count as confirmed, whatever the provider says of them.
    pub trust_users: bool,
    /// Claim with names of groups.
    pub group_field: String,
    /// The provider's name of a group, and ours.
    pub default_groups: Vec<(String, String)>,
    pub error_link: Option<ErrorLink>,
    pub on_failure: OnFailure,
    /// The provider takes names and passwords from us (password grant).
    pub takes_passwords: bool,
}

/// Where people are sent, and how it is found out who they are.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per method, and it is never moved"
)]
#[derive(Clone, Debug)]
pub enum Provider {
    OAuth2 {
        endpoints: Endpoints,
        profile: ProfileSource,
    },
    /// Everything is in the provider's own description; the text is the issuer as configured.
    Oidc { issuer: String },
}

/// Both ends of the code grant.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub authorize: Url,
    pub token: Url,
    /// The client authenticates in the header, not in the form.
    pub basic: bool,
}

/// What says who somebody is, once there is an access token.
#[derive(Clone)]
pub enum ProfileSource {
    /// The address that tells about the owner of a token.
    UserInfo(Url),
    /// The access token itself is a signed document.
    AccessToken(SignedBy),
    GitHub {
        user: Url,
        emails: Url,
    },
    Facebook(Url),
    Twitter(Url),
}

impl fmt::Debug for ProfileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserInfo(_) => "UserInfo",
            Self::AccessToken(_) => "AccessToken",
            Self::GitHub { .. } => "GitHub",
            Self::Facebook(_) => "Facebook",
            Self::Twitter(_) => "Twitter",
        })
    }
}

/// What a signed access token has to be.
#[derive(Clone)]
pub struct SignedBy {
    pub key: DecodingKey,
    /// `iss`, if it matters.
    pub issuer: Option<String>,
    /// `aud`, if it matters.
    pub audience: Option<String>,
}

/// How the provider names what we have to know.
#[derive(Clone, Debug)]
pub struct ClaimNames {
    pub id: String,
    pub email: String,
    pub name: String,
    pub first_name: String,
    pub last_name: String,
}

/// A link on error pages.
#[derive(Clone, Debug)]
pub struct ErrorLink {
    pub url: String,
    pub text: String,
}

/// What follows when a provider says nothing that can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// A page with the method's own link.
    Page,
    /// The client is told.
    Client,
    /// The page that says that it did not work.
    FailurePage,
}

type Read = fn(&Reader) -> Result<RedirectSettings, Wrong>;

/// What reads the settings of a type, if people are sent somewhere by it.
pub fn reader(kind: &str) -> Option<Read> {
    Some(match kind {
        "oauth2" | "adfs" => oauth2,
        "oidc" => oidc,
        "google" => google,
        "github" => github,
        "facebook" => facebook,
        "twitter" => twitter,
        _ => return None,
    })
}

/// What all have in common, with nothing of its own.
fn base(config: &Reader, provider: Provider) -> Result<RedirectSettings, Wrong> {
    let claim = |name: &str, default: &str| config.text(name).unwrap_or_else(|| default.to_owned());
    let link = config
        .text("errorLink")
        .zip(config.text("errorLinkDescription"));
    Ok(RedirectSettings {
        client_id: config.needed("clientId")?,
        client_secret: config.secret("clientSecret")?,
        provider,
        scope: config.text("endpoints/authorizeScope"),
        parameters: config.texts("params")?,
        prompts: false,
        login_prompt: "login",
        forward_state: config.flag("forwardState"),
        hint: "login_hint",
        claims: ClaimNames {
            id: claim("customIdField", "sub"),
            email: claim("emailField", "email"),
            name: claim("nameField", "name"),
            first_name: claim("firstNameField", "given_name"),
            last_name: claim("lastNameField", "family_name"),
        },
        trust_users: config.flag("trustUsers"),
        group_field: claim("groupField", "group"),
        default_groups: config.texts("defaultGroups")?,
        error_link: link.map(|(url, text)| ErrorLink { url, text }),
        on_failure: OnFailure::FailurePage,
        takes_passwords: false,
    })
}

fn oauth2(config: &Reader) -> Result<RedirectSettings, Wrong> {
    let endpoints = Endpoints {
        authorize: config.needed_url("endpoints/authorizeEndpoint")?,
        token: config.needed_url("endpoints/tokenEndpoint")?,
        basic: false,
    };
    let profile = if config.flag("retrieveProfile") {
        ProfileSource::UserInfo(config.needed_url("endpoints/profileEndpoint")?)
    } else {
        ProfileSource::AccessToken(SignedBy {
            key: certificate(config)?,
            issuer: config.text("issuer"),
            audience: config.text("audience"),
        })
    };
    let mut settings = base(config, Provider::OAuth2 { endpoints, profile })?;
    if config.text("customIdField").is_none() {
        "upn".clone_into(&mut settings.claims.id);
    }
    let resource = config.text("resource");
    settings
        .parameters
        .extend(resource.map(|resource| ("resource".to_owned(), resource)));
    settings.prompts = !config.flag("doesNotSupportPrompt");
    settings.hint = "prefill_username";
    settings.on_failure = OnFailure::Page;
    settings.takes_passwords = true;
    Ok(settings)
}

/// The key that signs the provider's access tokens. Without it anybody could have made them (F19).
fn certificate(config: &Reader) -> Result<DecodingKey, Wrong> {
    // In a variable of the environment line ends are often written out.
    let pem = config.needed("certificate").map_err(|_| {
        Wrong::LeftOut("`certificate` is missing; without it nobody can tell who made a token. Or let the profile be asked for: `retrieveProfile`".to_owned())
    })?;
    let pem = pem.replace("\\n", "\n");
    DecodingKey::from_rsa_pem(pem.as_bytes())
        .or_else(|_| DecodingKey::from_ec_pem(pem.as_bytes()))
        .map_err(|_| {
            Wrong::Refused("`certificate` is no certificate or public key in PEM form".to_owned())
        })
}

fn oidc(config: &Reader) -> Result<RedirectSettings, Wrong> {
    config.needed_url("issuer")?;
    let issuer = config.needed("issuer")?;
    let mut settings = base(config, Provider::Oidc { issuer })?;
    let scope = config.text("scope").or(settings.scope);
    settings.scope = Some(scope.unwrap_or_else(|| "openid profile email".to_owned()));
    settings.prompts = !config.flag("doesNotSupportPrompt");
    settings.on_failure = OnFailure::Page;
    Ok(settings)
}

fn google(config: &Reader) -> Result<RedirectSettings, Wrong> {
    config.url("issuer")?;
    let issuer = config.text("issuer");
    let issuer = issuer.unwrap_or_else(|| "https://accounts.google.com".to_owned());
    let mut settings = base(config, Provider::Oidc { issuer })?;
    settings.scope = Some("openid profile email".to_owned());
    settings.prompts = true;
    // Google knows no `login`.
    settings.login_prompt = "select_account";
    settings.on_failure = OnFailure::Client;
    Ok(settings)
}

fn github(config: &Reader) -> Result<RedirectSettings, Wrong> {
    let endpoints = Endpoints {
        authorize: config.url_or(
            "endpoints/authorizeEndpoint",
            "https://github.com/login/oauth/authorize",
        )?,
        token: config.url_or(
            "endpoints/tokenEndpoint",
            "https://github.com/login/oauth/access_token",
        )?,
        basic: false,
    };
    let profile = ProfileSource::GitHub {
        user: config.url_or("endpoints/profileEndpoint", "https://api.github.com/user")?,
        emails: config.url_or(
            "endpoints/emailsEndpoint",
            "https://api.github.com/user/emails",
        )?,
    };
    let mut settings = base(config, Provider::OAuth2 { endpoints, profile })?;
    settings.scope = Some("user:email".to_owned());
    settings.hint = "login";
    Ok(settings)
}

fn facebook(config: &Reader) -> Result<RedirectSettings, Wrong> {
    // Without a version in the address the oldest that the application may use is meant; a version
    // in it would end after two years.
    let endpoints = Endpoints {
        authorize: config.url_or(
            "endpoints/authorizeEndpoint",
            "https://www.facebook.com/dialog/oauth",
        )?,
        token: config.url_or(
            "endpoints/tokenEndpoint",
            "https://graph.facebook.com/oauth/access_token",
        )?,
        basic: false,
    };
    let profile = config.url_or("endpoints/profileEndpoint", "https://graph.facebook.com/me")?;
    let profile = ProfileSource::Facebook(profile);
    let mut settings = base(config, Provider::OAuth2 { endpoints, profile })?;
    settings.scope = Some("public_profile email".to_owned());
    Ok(settings)
}

fn twitter(config: &Reader) -> Result<RedirectSettings, Wrong> {
    if config.text("clientId").is_none() && config.text("consumerKey").is_some() {
        return Err(Wrong::LeftOut("`clientId` and `clientSecret` are missing: the keys of OAuth 1.0a (`consumerKey`) do not open the log-in of X; take those of OAuth 2.0".to_owned()));
    }
    let endpoints = Endpoints {
        authorize: config.url_or(
            "endpoints/authorizeEndpoint",
            "https://x.com/i/oauth2/authorize",
        )?,
        token: config.url_or(
            "endpoints/tokenEndpoint",
            "https://api.x.com/2/oauth2/token",
        )?,
        basic: true,
    };
    let profile = config.url_or("endpoints/profileEndpoint", "https://api.x.com/2/users/me")?;
    let profile = ProfileSource::Twitter(profile);
    let mut settings = base(config, Provider::OAuth2 { endpoints, profile })?;
    settings.scope = Some("users.read tweet.read users.email".to_owned());
    Ok(settings)
}
