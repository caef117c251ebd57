use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A kind of entity. The order is the one in which a full document can be written: parents first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    #[serde(rename = "certificates")]
    Certificate,
    #[serde(rename = "snis")]
    Sni,
    #[serde(rename = "ca_certificates")]
    CaCertificate,
    #[serde(rename = "upstreams")]
    Upstream,
    #[serde(rename = "targets")]
    Target,
    #[serde(rename = "services")]
    Service,
    #[serde(rename = "routes")]
    Route,
    #[serde(rename = "consumers")]
    Consumer,
    #[serde(rename = "keyauth_credentials")]
    KeyAuth,
    #[serde(rename = "basicauth_credentials")]
    BasicAuth,
    #[serde(rename = "hmacauth_credentials")]
    HmacAuth,
    #[serde(rename = "jwt_secrets")]
    JwtSecret,
    #[serde(rename = "oauth2_credentials")]
    Oauth2,
    #[serde(rename = "acls")]
    Acl,
    #[serde(rename = "plugins")]
    Plugin,
}

/// A text that names no kind of entity.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a kind of gateway entity")]
pub struct UnknownKind(String);

impl Kind {
    /// Those that the embedded gateway has.
    pub const ALL: [Self; 14] = [
        Self::Certificate,
        Self::Sni,
        Self::CaCertificate,
        Self::Upstream,
        Self::Target,
        Self::Service,
        Self::Route,
        Self::Consumer,
        Self::KeyAuth,
        Self::BasicAuth,
        Self::HmacAuth,
        Self::JwtSecret,
        Self::Acl,
        Self::Plugin,
    ];

    /// Those that the adapter writes to the embedded gateway.
    pub const WRITTEN: [Self; 7] = [
        Self::Service,
        Self::Route,
        Self::Consumer,
        Self::KeyAuth,
        Self::JwtSecret,
        Self::Acl,
        Self::Plugin,
    ];

    /// Those that the adapter writes to a Kong: beside them clients of its own OAuth 2.0 plugin.
    pub const OF_KONG: [Self; 8] = [
        Self::Service,
        Self::Route,
        Self::Consumer,
        Self::KeyAuth,
        Self::JwtSecret,
        Self::Oauth2,
        Self::Acl,
        Self::Plugin,
    ];

    /// The entity list's name in documents, schemas and error bodies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificates",
            Self::Sni => "snis",
            Self::CaCertificate => "ca_certificates",
            Self::Upstream => "upstreams",
            Self::Target => "targets",
            Self::Service => "services",
            Self::Route => "routes",
            Self::Consumer => "consumers",
            Self::KeyAuth => "keyauth_credentials",
            Self::BasicAuth => "basicauth_credentials",
            Self::HmacAuth => "hmacauth_credentials",
            Self::JwtSecret => "jwt_secrets",
            Self::Oauth2 => "oauth2_credentials",
            Self::Acl => "acls",
            Self::Plugin => "plugins",
        }
    }

    /// The first path segment of the flat collection: `/key-auths`.
    pub const fn collection(self) -> &'static str {
        match self {
            Self::KeyAuth => "key-auths",
            Self::BasicAuth => "basic-auths",
            Self::HmacAuth => "hmac-auths",
            Self::JwtSecret => "jwts",
            Self::Oauth2 => "oauth2",
            other => other.name(),
        }
    }

    /// The segment below a parent: `/consumers/{consumer}/key-auth`.
    pub const fn nested(self) -> &'static str {
        match self {
            Self::KeyAuth => "key-auth",
            Self::BasicAuth => "basic-auth",
            Self::HmacAuth => "hmac-auth",
            Self::JwtSecret => "jwt",
            Self::Oauth2 => "oauth2",
            other => other.name(),
        }
    }

    /// The unique field that may stand in a URL instead of the id.
    pub const fn natural_key(self) -> Option<&'static str> {
        match self {
            Self::Service | Self::Route | Self::Upstream | Self::Sni => Some("name"),
            Self::Consumer | Self::BasicAuth | Self::HmacAuth => Some("username"),
            Self::Plugin => Some("instance_name"),
            Self::KeyAuth | Self::JwtSecret => Some("key"),
            Self::Oauth2 => Some("client_id"),
            Self::Acl | Self::Target | Self::Certificate | Self::CaCertificate => None,
        }
    }

    /// The field that may stand in a URL below the parent only, where it is unique.
    pub const fn nested_key(self) -> Option<&'static str> {
        match self {
            Self::Acl => Some("group"),
            Self::Target => Some("target"),
            _ => None,
        }
    }

    /// Fields that no two entities of this kind may share.
    pub const fn unique_fields(self) -> &'static [&'static str] {
        match self {
            Self::Service | Self::Route | Self::Upstream | Self::Sni => &["name"],
            Self::Consumer => &["username", "custom_id"],
            Self::Plugin => &["instance_name"],
            Self::KeyAuth => &["key", "key_digest"],
            Self::BasicAuth | Self::HmacAuth => &["username"],
            Self::JwtSecret => &["key"],
            Self::Oauth2 => &["client_id"],
            Self::CaCertificate => &["cert_digest"],
            Self::Acl | Self::Target | Self::Certificate => &[],
        }
    }

    /// Fields that together are unique.
    pub const fn unique_together(self) -> &'static [&'static str] {
        match self {
            Self::Plugin => &["name", "route", "service", "consumer"],
            Self::Acl => &["consumer", "group"],
            Self::Target => &["upstream", "target"],
            _ => &[],
        }
    }

    /// References to other entities: field and kind. The kinds are also what deleting follows.
    pub const fn parents(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Certificate | Self::CaCertificate | Self::Consumer => &[],
            Self::Sni => &[("certificate", Kind::Certificate)],
            Self::Upstream | Self::Service => &[("client_certificate", Kind::Certificate)],
            Self::Target => &[("upstream", Kind::Upstream)],
            Self::Route => &[("service", Kind::Service)],
            Self::KeyAuth
            | Self::BasicAuth
            | Self::HmacAuth
            | Self::JwtSecret
            | Self::Oauth2
            | Self::Acl => &[("consumer", Kind::Consumer)],
            Self::Plugin => &[
                ("route", Kind::Route),
                ("service", Kind::Service),
                ("consumer", Kind::Consumer),
            ],
        }
    }

    /// Whether entities of this kind vanish with their parent; otherwise they keep it from going.
    pub const fn cascades(self) -> bool {
        !matches!(
            self,
            Self::Route | Self::Service | Self::Upstream | Self::Sni
        )
    }

    /// Credentials have no `updated_at`.
    pub const fn is_credential(self) -> bool {
        matches!(
            self,
            Self::KeyAuth
                | Self::BasicAuth
                | Self::HmacAuth
                | Self::JwtSecret
                | Self::Oauth2
                | Self::Acl
        )
    }

    /// The kind whose flat collection this path segment names. Targets have none.
    pub fn from_collection(segment: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.collection() == segment && *kind != Self::Target)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .chain([Self::Oauth2])
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}
