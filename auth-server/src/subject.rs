//! Whom a token is about: an account of this installation or, at APIs with `passthroughUsers`,
//! somebody whom only a provider knows (8.2, 12).

use sdk::types::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    apis::ApiPolicy,
    configuration::Method,
    federated::{self, Identity, Loaded},
    interaction::InteractionError,
    sessions::Login,
    state::AppState,
};

/// The person behind a token.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `sub` of tokens.
    pub id: String,
    /// Groups as they are now.
    pub groups: Vec<String>,
    /// The account; nothing for somebody who is passed through.
    pub user: Option<User>,
    /// With the names of OpenID Connect.
    pub profile: Map<String, Value>,
    /// What of it came from a provider.
    claims: Map<String, Value>,
}

/// What a token family remembers of the profile; the rest is asked for when it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProfile {
    /// It is all there is: nobody here knows the person.
    pub passthrough: bool,
    pub claims: Map<String, Value>,
}

impl KeptProfile {
    /// As stored.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a profile is plain JSON")
    }

    pub fn parse(stored: &str) -> Option<Self> {
        serde_json::from_str(stored).ok()
    }
}

impl Subject {
    /// Nothing when the API wants an account and there is none.
    pub fn new(
        api: &ApiPolicy,
        method: &Method,
        user: Option<User>,
        identity: Option<&Identity>,
    ) -> Option<Self> {
        let claims = identity.map(|identity| identity.claims.clone());
        let claims = claims.unwrap_or_default();
        if let Some(identity) = identity.filter(|_| api.passthrough_users) {
            let mut profile = claims.clone();
            let mut insert = |name: &str, value: Value| profile.insert(name.to_owned(), value);
            let id = method.foreign_id(identity);
            insert("sub", json!(id));
            if let Some(email) = &identity.email {
                insert("email", json!(email));
                insert("email_verified", json!(identity.email_verified));
            }
            return Some(Self {
                id,
                groups: Vec::new(),
                user: None,
                profile,
                claims,
            });
        }
        let user = user?;
        let profile = profile_of(&user, identity);
        let id = user.id.clone();
        Some(if api.passthrough_users {
            Self {
                id,
                groups: Vec::new(),
                user: None,
                profile,
                claims,
            }
        } else {
            Self {
                id,
                groups: user.groups.clone(),
                user: Some(user),
                profile,
                claims,
            }
        })
    }

    /// Who is logged in, as `api` wants to know him; nothing if he has to log in anew.
    pub async fn of_login(
        state: &AppState,
        api: &ApiPolicy,
        method: &Method,
        login: &Login,
    ) -> Result<Option<Self>, InteractionError> {
        let identity = login.identity.as_ref();
        let user = if api.passthrough_users && identity.is_some() {
            None
        } else {
            let user = account(state, method, login).await?;
            let user = user.filter(|user| user.accepts_session_of(login.auth_time));
            if user.is_none() {
                return Ok(None);
            }
            user
        };
        Ok(Self::new(api, method, user, identity))
    }

    /// What the tokens of an API remember. `text` names the person to the backend, if a scope service
    /// has said so, and is the profile's `sub` then (9.4).
    pub fn kept(&self, api: &ApiPolicy, text: Option<&str>) -> Option<KeptProfile> {
        let is_passed = api.passthrough_users;
        let mut claims = if is_passed {
            self.profile.clone()
        } else if api.pool.is_none() {
            self.claims.clone()
        } else {
            Map::new()
        };
        if let Some(text) = text {
            claims.insert("sub".to_owned(), json!(text));
        }
        (is_passed || !claims.is_empty()).then_some(KeptProfile {
            passthrough: is_passed,
            claims,
        })
    }
}

/// What is known of an account and of whoever vouches for its owner, in the names of OpenID Connect.
pub fn profile_of(user: &User, identity: Option<&Identity>) -> Map<String, Value> {
    let claims = identity.map(|identity| identity.claims.clone());
    let mut profile = claims.unwrap_or_default();
    let verified = user.validated.unwrap_or(false);
    for (name, value) in [
        ("sub", json!(user.id)),
        ("email", json!(user.email)),
        ("email_verified", json!(verified)),
    ] {
        profile.insert(name.to_owned(), value);
    }
    profile
}

/// The account of somebody who is logged in. Who logged in for an API that passes its users through
/// may have none before an API wants one.
pub async fn account(
    state: &AppState,
    method: &Method,
    login: &Login,
) -> Result<Option<User>, InteractionError> {
    if !login.user_id.is_empty() {
        return Ok(state.portal_api.user(&login.user_id).await?);
    }
    let Some(identity) = &login.identity else {
        return Ok(None);
    };
    Ok(
        match federated::load(state, method, identity, None).await? {
            Loaded::User(user) => Some(*user),
            // To be told, and asked, after another log-in.
            Loaded::AddressTaken | Loaded::AddressMissing => None,
        },
    )
}
