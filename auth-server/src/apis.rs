//! What this server has to know about an API: its flows, scopes, pool and lifetimes.

use std::time::Duration;

use chrono::TimeDelta;
use sdk::types::{Api, User};
use url::Url;

use crate::{
    foreign::TrustedIssuer,
    scopes,
    tokens::{Audience, MAX_LIFETIME, TokenMode, UnsupportedMode},
};

/// Refresh tokens live this long when the API says nothing: 14 days.
const DEFAULT_REFRESH_LIFETIME: TimeDelta = TimeDelta::seconds(1_209_600);
/// "For ever": refresh tokens of an API with lifetime 0.
const UNLIMITED: TimeDelta = TimeDelta::days(36_500);
/// Lifetime of access tokens when the API says nothing.
const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);
/// Longest life of opaque access tokens, whatever an API says.
const MAX_OPAQUE_LIFETIME: Duration = Duration::from_hours(365 * 24);

/// The OAuth side of an API.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the definition has these flags"
)]
#[derive(Clone, Debug)]
pub struct ApiPolicy {
    pub id: String,
    pub name: String,
    pub audience: Audience,
    /// Ids with descriptions, in the order of definition.
    pub scopes: Vec<(String, String)>,
    pub pool: Option<String>,
    /// `<server>:<method>`
    auth_methods: Vec<String>,
    pub code: bool,
    pub implicit: bool,
    pub password: bool,
    /// Its users are not stored; the provider's id is theirs.
    pub passthrough_users: bool,
    /// Decides about scopes, and how the backend knows a user.
    pub scope_service: Option<Url>,
    pub client_credentials: bool,
    pub mandatory_scope: bool,
    expiration: Duration,
    pub refresh_lifetime: TimeDelta,
    /// Where it differs from the server's.
    token_mode: Option<String>,
    pub trusted_issuers: Vec<TrustedIssuer>,
    restricted: Restricted,
    /// Only for users whose mail address is confirmed (F28).
    needs_confirmed_address: bool,
    /// Its settings exclude each other, so that nobody can log in.
    is_contradictory: bool,
}

/// Why somebody may have no tokens of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// He is not in the group that it is for.
    Group,
    /// His address is not confirmed.
    Address,
}

impl NotAdmitted {
    /// What the client is told.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Group => "The user is not in the group that the API is for.",
            Self::Address => "The user has to confirm the mail address first.",
        }
    }
}

/// Who gets tokens, beside what consent and registration say (F36).
#[derive(Clone, Debug)]
enum Restricted {
    No,
    /// Members of this group.
    To(String),
    /// The definition names no group.
    ToNobody,
}

impl ApiPolicy {
    /// The policy of `id`; `apis` are all APIs, because those of a bundle share their tokens.
    pub fn find(apis: &[Api], id: &str) -> Option<Self> {
        let api = apis.iter().find(|api| api.id == id)?;
        let settings = api.settings.clone().unwrap_or_default();
        let bundle = api.bundle.as_deref().filter(|bundle| !bundle.is_empty());
        let audience = match bundle {
            Some(_) => apis
                .iter()
                .filter(|other| other.bundle.as_deref() == bundle)
                .map(|other| other.id.clone())
                .collect(),
            None => vec![api.id.clone()],
        };
        let expiration = settings
            .token_expiration_seconds()
            .map_or(DEFAULT_LIFETIME, Duration::from_secs);
        let refresh_lifetime = match settings.refresh_token_ttl_seconds() {
            Some(0) => UNLIMITED,
            Some(seconds) => TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000)),
            None => DEFAULT_REFRESH_LIFETIME,
        };
        let pool = api.registration_pool.clone();
        let pool = pool.filter(|pool| !pool.is_empty());
        let scope_url = api.passthrough_scope_url.as_deref();
        let scope_url = scope_url.filter(|url| !url.is_empty());
        let scope_service = scope_url.and_then(web_address);
        // Whom nobody knows cannot register, and a service that cannot be asked lets nobody in.
        let needs_confirmed_address = settings.needs_confirmed_address.unwrap_or(false);
        let is_contradictory = api.passthrough_users && (pool.is_some() || needs_confirmed_address)
            || scope_url.is_some() && scope_service.is_none();
        if is_contradictory {
            tracing::error!(
                api.id = api.id,
                "users cannot log in: `passthroughUsers` with `registrationPool` or `needs_confirmed_address`, or `passthroughScopeUrl` is no URL"
            );
        }
        let restricted = match (settings.restrict_to_group, api.group()) {
            (Some(true), Some(group)) => Restricted::To(group.to_owned()),
            (Some(true), None) => {
                tracing::error!(
                    api.id = api.id,
                    "nobody gets tokens: `restrict_to_group` without `requiredGroup`"
                );
                Restricted::ToNobody
            }
            _ => Restricted::No,
        };
        let lets_in = |flag: Option<bool>| flag.unwrap_or(false) && !is_contradictory;
        // With both the password grant is switched on without being named (static-config 12.1).
        let both = api.passthrough_users && scope_service.is_some();
        Some(Self {
            id: api.id.clone(),
            name: if api.name.is_empty() {
                api.id.clone()
            } else {
                api.name.clone()
            },
            audience: Audience::of(audience),
            scopes: settings
                .scopes()
                .map(|(id, description)| (id.to_owned(), description.to_owned()))
                .collect(),
            pool,
            auth_methods: api.auth_methods.clone(),
            code: lets_in(settings.enable_authorization_code),
            implicit: lets_in(settings.enable_implicit_grant),
            // Where it cannot work, it says so (10.4).
            password: settings.enable_password_grant.unwrap_or(false) || both,
            passthrough_users: api.passthrough_users,
            scope_service,
            client_credentials: settings.enable_client_credentials.unwrap_or(false),
            mandatory_scope: settings.mandatory_scope.unwrap_or(false),
            expiration: expiration.min(MAX_OPAQUE_LIFETIME),
            refresh_lifetime: refresh_lifetime.min(UNLIMITED),
            trusted_issuers: TrustedIssuer::list(&api.id, &settings),
            token_mode: settings.token_mode,
            restricted,
            needs_confirmed_address,
            is_contradictory,
        })
    }

    /// Whether tokens of its users can be refreshed, and got for a password: users who are passed
    /// through need the scope service, and it is only asked for them (10.4).
    pub const fn can_renew(&self) -> bool {
        !self.is_contradictory && self.passthrough_users == self.scope_service.is_some()
    }

    /// Whether the API demands a scope, and these and those of the user's groups are none (11.4).
    pub fn lacks_scope(&self, scope: &[String], groups: &[String]) -> bool {
        let of_api = || scopes::of_api(scope, &self.scope_ids());
        self.mandatory_scope && groups.is_empty() && of_api().is_empty()
    }

    /// Whether somebody may have tokens: an account, or nobody here who is known.
    pub fn admits(&self, user: Option<&User>) -> Result<(), NotAdmitted> {
        let is_in_group = match &self.restricted {
            Restricted::No => true,
            Restricted::To(group) => {
                user.is_some_and(|user| user.admin || user.groups.contains(group))
            }
            Restricted::ToNobody => false,
        };
        let is_confirmed = || user.is_some_and(|user| user.validated == Some(true));
        if !is_in_group {
            Err(NotAdmitted::Group)
        } else if self.needs_confirmed_address && !is_confirmed() {
            Err(NotAdmitted::Address)
        } else {
            Ok(())
        }
    }

    /// How its tokens are made, on a server of mode `of_server`.
    pub fn mode(&self, of_server: TokenMode) -> Result<TokenMode, UnsupportedMode> {
        match &self.token_mode {
            Some(mode) => TokenMode::parse(Some(mode)),
            None => Ok(of_server),
        }
    }

    /// How long an access token lives. Of signed ones not everybody learns that they have ended.
    pub fn lifetime(&self, mode: TokenMode) -> Duration {
        match mode {
            TokenMode::Jwt => self.expiration.min(MAX_LIFETIME),
            TokenMode::Opaque | TokenMode::KongOauth2 => self.expiration,
        }
    }

    /// Whether the API accepts logins by `method` of `server`.
    pub fn accepts_method(&self, server: &str, method: &str) -> bool {
        let reference = format!("{server}:{method}");
        self.auth_methods.contains(&reference)
    }

    /// Methods of `server` that the API accepts.
    pub fn methods<'a>(&'a self, server: &'a str) -> impl Iterator<Item = &'a str> {
        self.auth_methods
            .iter()
            .filter_map(move |reference| reference.strip_prefix(server)?.strip_prefix(':'))
    }

    pub fn scope_ids(&self) -> Vec<String> {
        self.scopes.iter().map(|(id, _)| id.clone()).collect()
    }

    /// The text that explains a scope to the user.
    pub fn scope_description(&self, scope: &str) -> &str {
        self.scopes
            .iter()
            .find(|(id, _)| id == scope)
            .map(|(id, description)| {
                if description.is_empty() {
                    id
                } else {
                    description
                }
            })
            .map_or("", String::as_str)
    }
}

fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(api: &serde_json::Value) -> ApiPolicy {
        let other = serde_json::json!({"id": "other", "bundle": "b"});
        let apis: Vec<Api> = serde_json::from_value(serde_json::json!([api, other])).unwrap();
        ApiPolicy::find(&apis, "orders").unwrap()
    }

    #[test]
    fn missing_settings_mean_closed_flows_and_default_lifetimes() {
        let policy = policy(&serde_json::json!({"id": "orders", "auth": "oauth2"}));
        assert!(!policy.code && !policy.client_credentials);
        assert!(!policy.implicit && !policy.password);
        assert_eq!(policy.lifetime(TokenMode::Jwt), Duration::from_hours(1));
        assert_eq!(policy.refresh_lifetime, TimeDelta::days(14));
        assert_eq!(policy.audience, Audience::One("orders".to_owned()));
    }

    #[test]
    fn only_members_get_tokens_where_the_group_is_demanded() {
        let mut api = serde_json::json!({"id": "orders", "requiredGroup": "dev"});
        let user = |groups: &[&str], admin| User {
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            admin,
            ..User::default()
        };
        assert!(policy(&api).admits(None).is_ok());
        api["settings"] = serde_json::json!({"restrict_to_group": "true"});
        let restricted = policy(&api);
        assert!(restricted.admits(Some(&user(&["dev"], false))).is_ok());
        assert!(restricted.admits(Some(&user(&[], true))).is_ok());
        assert!(restricted.admits(Some(&user(&["other"], false))).is_err());
        assert!(restricted.admits(None).is_err());
        api["requiredGroup"] = "".into();
        assert!(policy(&api).admits(Some(&user(&["dev"], true))).is_err());
    }

    #[test]
    fn a_signed_token_never_lives_longer_than_an_hour_and_a_bundle_shares_it() {
        let policy = policy(&serde_json::json!({
            "id": "orders", "bundle": "b", "authMethods": ["default:local", "other:ldap"],
            "settings": {"token_expiration": "86400", "refresh_token_ttl": "0",
                "scopes": {"write": {"description": ""}, "read": {"description": "Read orders"}}}
        }));
        assert_eq!(policy.lifetime(TokenMode::Jwt), MAX_LIFETIME);
        assert_eq!(policy.lifetime(TokenMode::Opaque), Duration::from_hours(24));
        assert_eq!(policy.refresh_lifetime, UNLIMITED);
        assert!(policy.audience.contains("other"));
        assert_eq!(policy.scope_ids(), ["write", "read"]);
        assert_eq!(policy.scope_description("write"), "write");
        assert_eq!(policy.methods("default").collect::<Vec<_>>(), ["local"]);
    }
}
