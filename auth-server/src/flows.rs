//! Pending requests of a browser: an authorization request on its way through login,
//! registration and consent, or a page of our own that needs a login.
//!
//! Each tab has a flow of its own, named in its forms (F18), and bound to the browser by a cookie.

mod csrf;
mod row;
mod store;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    factors::{ACR_MULTI, Proof},
    federated::{Identity, Link},
};

pub use csrf::{FormKey, FormSource, InvalidForm, claimed_flow};
pub use store::{
    delete, find, find_latest, insert, set_factor_user, set_identity, set_link, set_namespace,
    set_pending_user,
};

/// How long somebody may take from the first page to the last.
pub const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// A pending request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// 32 hex digits. No secret by itself: a flow is only found together with its browser.
    pub id: String,
    pub method: String,
    pub goal: Goal,
    /// A login has to be younger than this (`prompt=login`, `max_age`).
    pub login_after: Option<DateTime<Utc>>,
    /// Who gave the right password but has to show something else, too.
    pub factor_user: Option<String>,
    /// Who has shown who he is but has to choose a new password first.
    pub pending_user: Option<String>,
    /// How he has.
    pub proof: Proof,
    /// The client wants a second proof of those who can give one (`acr_values`).
    pub wants_factor: bool,
    /// A log-in at a provider that is to lead to the account of whoever logs in next.
    pub link: Option<Link>,
    pub prefill_username: Option<String>,
    /// What the client asks a provider's log-in page for, beside what is ours to know.
    pub prompt: Option<String>,
    /// Who logged in at a provider that does not tell a mail address, until it is known.
    pub identity: Option<Identity>,
}

/// What happens once the user is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// An authorization code, or a token, for a client.
    Authorize(Box<AuthorizeGoal>),
    /// A page below the base path (8.4).
    OwnPage { target: String },
}

/// An authorization request that passed all checks that need no user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeGoal {
    pub api: String,
    pub client_id: String,
    pub response: ResponseType,
    pub mode: ResponseMode,
    pub redirect_uri: String,
    pub state: Option<String>,
    /// What the client gets if the user agrees.
    pub scope: Vec<String>,
    pub namespace: Option<String>,
    /// Encoded by the PKCE extension.
    pub challenge: Option<String>,
    /// Repeated in the ID token.
    pub nonce: Option<String>,
    /// An ID token of the one user who is wanted.
    pub id_token_hint: Option<String>,
    /// The address that the client is about to call.
    pub resource: Option<String>,
    /// A device that waits for the user's answer; there is nowhere to go back to then.
    pub device: Option<String>,
    /// `prompt=none`: answer with an error instead of showing a page.
    pub silent: bool,
    /// `prompt=consent`: the user is asked, whatever was granted before.
    pub asks_consent: bool,
    /// The user has just agreed, for this once. Stands in no table: whoever goes away is asked again.
    pub agreed_once: bool,
}

/// What the client wants to be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    Code,
    /// The token itself, in the fragment (implicit grant).
    Token,
}

impl ResponseType {
    /// Of the two that there are.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Code, Self::Token]
            .into_iter()
            .find(|one| one.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Token => "token",
        }
    }

    /// Whether the answer may go back like this. A token stays out of addresses and of servers' hands.
    pub fn takes(self, mode: ResponseMode) -> bool {
        match self {
            Self::Code => mode != ResponseMode::Fragment,
            Self::Token => mode == ResponseMode::Fragment,
        }
    }

    /// How the answer goes back if the client does not say it.
    pub const fn mode(self) -> ResponseMode {
        match self {
            Self::Code => ResponseMode::Query,
            Self::Token => ResponseMode::Fragment,
        }
    }
}

/// How an answer reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    Query,
    Fragment,
    /// A form that the browser sends (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Query, Self::Fragment, Self::FormPost]
            .into_iter()
            .find(|one| one.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }
}

impl Flow {
    /// A new flow without special wishes.
    pub fn new(method: &str, goal: Goal) -> Self {
        let mut id = service::random::hex_id();
        id.truncate(32);
        Self {
            id,
            method: method.to_owned(),
            goal,
            login_after: None,
            factor_user: None,
            pending_user: None,
            proof: Proof::default(),
            wants_factor: false,
            link: None,
            prefill_username: None,
            prompt: None,
            identity: None,
        }
    }

    pub fn authorize(&self) -> Option<&AuthorizeGoal> {
        match &self.goal {
            Goal::Authorize(goal) => Some(goal),
            Goal::OwnPage { .. } => None,
        }
    }

    /// Relative to the base path: begins the same request anew.
    pub fn restart_url(&self) -> String {
        // What was begun to join two accounts begins anew where it came from.
        let link = self.link.as_ref();
        self.restart_url_with(link.map_or(&self.method, |link| &link.method))
    }

    /// The same with another method.
    pub fn restart_url_with(&self, method: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let path = match &self.goal {
            Goal::OwnPage { target } => {
                query.append_pair("redirect_uri", target);
                format!("{method}/login")
            }
            // The code is known to the person only.
            Goal::Authorize(goal) if goal.device.is_some() => return "device".to_owned(),
            Goal::Authorize(goal) => {
                query.append_pair("client_id", &goal.client_id);
                query.append_pair("response_type", goal.response.as_str());
                query.append_pair("redirect_uri", &goal.redirect_uri);
                query.append_pair("scope", &goal.scope.join(" "));
                let (challenge, challenge_method) = goal.sent_challenge().unzip();
                let mode = (goal.mode != goal.response.mode()).then_some(goal.mode.as_str());
                let prompt = match (self.login_after.is_some(), goal.asks_consent) {
                    (true, true) => Some("login consent"),
                    (true, false) => Some("login"),
                    (false, true) => Some("consent"),
                    (false, false) => None,
                };
                let optional = [
                    ("response_mode", mode),
                    ("state", goal.state.as_deref()),
                    ("namespace", goal.namespace.as_deref()),
                    ("nonce", goal.nonce.as_deref()),
                    ("id_token_hint", goal.id_token_hint.as_deref()),
                    ("resource", goal.resource.as_deref()),
                    ("code_challenge", challenge),
                    ("code_challenge_method", challenge_method),
                    ("prompt", prompt),
                    ("acr_values", self.wants_factor.then_some(ACR_MULTI)),
                ];
                for (name, value) in optional {
                    if let Some(value) = value {
                        query.append_pair(name, value);
                    }
                }
                format!("{method}/api/{}/authorize", goal.api)
            }
        };
        format!("{path}?{}", query.finish())
    }
}

impl AuthorizeGoal {
    /// The challenge as the client sent it, and its method. The PKCE extension marks them with a last
    /// letter.
    fn sent_challenge(&self) -> Option<(&str, &'static str)> {
        let challenge = self.challenge.as_deref()?;
        match challenge.strip_suffix('S') {
            Some(sent) => Some((sent, "S256")),
            None => Some((challenge.strip_suffix('p')?, "plain")),
        }
    }
}
