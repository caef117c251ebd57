//! OAuth clients. A client is a subscription: an application's access to one API.

use sdk::types::applications::OauthSettings;

/// A client as it is right now.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "the standard's word is `client_id`"
)]
pub struct Client {
    pub client_id: String,
    pub subscription_id: String,
    pub application_id: String,
    pub application_name: String,
    pub api_id: String,
    pub kind: ClientKind,
    /// Exactly as registered, in the order of the application.
    pub redirect_uris: Vec<String>,
    /// No consent page, and all scopes when none is named.
    pub trusted: bool,
    pub scope_limit: ScopeLimit,
    /// Where to go after a log-out, whom to tell about one, public keys.
    pub oauth: OauthSettings,
}

/// Whether the application can keep a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    Confidential,
    PublicSpa,
    PublicNative,
}

impl ClientKind {
    pub const fn is_confidential(self) -> bool {
        matches!(self, Self::Confidential)
    }

    /// Refresh tokens of the code grant: not for programs that run in a browser page (10.7).
    pub const fn may_refresh(self) -> bool {
        !matches!(self, Self::PublicSpa)
    }
}

/// Which scopes of the API the subscription may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeLimit {
    All,
    None,
    Select(Vec<String>),
}

impl ScopeLimit {
    pub fn allows(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Select(allowed) => allowed.iter().any(|one| one == scope),
        }
    }
}

impl Client {
    /// The program's own portal shows its title instead of the application's name.
    pub fn is_portal(&self) -> bool {
        self.application_id == "__portal"
    }

    /// The registered form of `given`, or the first one when none is given.
    pub fn redirect_uri(&self, given: Option<&str>) -> Option<String> {
        match given {
            Some(given) => self
                .redirect_uris
                .iter()
                .any(|registered| crate::oauth::matches_registered(given, registered))
                .then(|| given.to_owned()),
            None => self.redirect_uris.first().cloned(),
        }
    }
}
