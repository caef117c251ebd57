//! People whom somebody else vouches for: an account of this installation is found for them, or made
//! (8.2).

use chrono::{DateTime, Utc};
use sdk::types::{User, verifications::Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ui::Lang;

use crate::{
    configuration::Method, factors::Proof, interaction::InteractionError, links,
    local::verification_link, portal_api::SaveOutcome, state::AppState,
};

/// Longest id, address, or other text that is believed.
const MAX_TEXT: usize = 256;
/// How many other claims are kept.
const MAX_CLAIMS: usize = 50;

/// Who somebody is, in the words of whoever vouches for him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The provider's own, which never changes.
    pub id: String,
    /// Not every provider tells it, and not everybody lets it.
    pub email: Option<String>,
    pub email_verified: bool,
    /// Groups of ours that follow from the provider's.
    pub groups: Vec<String>,
    /// Whatever else the provider says, under the names of OpenID Connect.
    pub claims: Map<String, Value>,
    /// What the provider calls the session, where it ends sessions on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Box<ForeignSession>>,
}

/// A session at a SAML provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignSession {
    pub name_id: Option<String>,
    pub format: Option<String>,
    pub index: Option<String>,
    pub authenticated_at: DateTime<Utc>,
}

impl Identity {
    /// From OpenID Connect claims; nothing without `sub`.
    pub fn of_profile(profile: &Map<String, Value>) -> Option<Self> {
        let email = text(profile, "email").filter(|email| email.contains('@'));
        Some(Self {
            id: text(profile, "sub")?,
            email,
            email_verified: profile.get("email_verified") == Some(&Value::Bool(true)),
            groups: Vec::new(),
            claims: other_claims(profile),
            session: None,
        })
    }

    /// As stored.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("an identity is plain JSON")
    }

    pub fn parse(stored: &str) -> Option<Self> {
        serde_json::from_str(stored).ok()
    }
}

/// A claim that is a text or number of sensible length.
pub fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match claims.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (1..=MAX_TEXT).contains(&text.len()).then_some(text)
}

/// Texts, numbers and flags, but for what we name ourselves and what is about the token that brought
/// them.
pub fn other_claims(claims: &Map<String, Value>) -> Map<String, Value> {
    const NOT_KEPT: &[&str] = &[
        "sub",
        "email",
        "email_verified",
        "iss",
        "aud",
        "azp",
        "exp",
        "iat",
        "nbf",
        "jti",
        "nonce",
        "at_hash",
        "c_hash",
        "auth_time",
        "acr",
        "sid",
        "session_state",
        "typ",
        "scp",
        "scope",
        "client_id",
        "appid",
        "ver",
    ];
    let is_kept = |(name, value): &(&String, &Value)| {
        let is_plain = match value {
            Value::String(text) => text.len() <= MAX_TEXT,
            Value::Number(_) | Value::Bool(_) => true,
            _ => false,
        };
        is_plain && name.len() <= 64 && !NOT_KEPT.contains(&name.as_str())
    };
    let kept = claims.iter().filter(is_kept).take(MAX_CLAIMS);
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The groups of ours that stand for `theirs`. `mapping`: the provider's name, and ours.
pub fn groups_of(mapping: &[(String, String)], theirs: &[&str]) -> Vec<String> {
    let mut ours: Vec<String> = Vec::new();
    for (_, group) in mapping
        .iter()
        .filter(|(name, _)| theirs.contains(&name.as_str()))
    {
        if !ours.contains(group) {
            ours.push(group.clone());
        }
    }
    ours
}

/// Somebody who has just shown who he is: with an account, or at an API that passes its users
/// through, without one.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: Option<User>,
    /// What a provider said, where one was asked.
    pub identity: Option<Identity>,
    pub proof: Proof,
}

impl Person {
    /// Of this installation.
    pub const fn local(user: User, proof: Proof) -> Self {
        Self {
            user: Some(user),
            identity: None,
            proof,
        }
    }
}

/// Somebody whom a provider knows and who says that an account here is his.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The method by which he came.
    pub method: String,
    pub identity: Identity,
}

impl Link {
    /// As stored.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a link is plain JSON")
    }

    pub fn parse(stored: &str) -> Option<Self> {
        serde_json::from_str(stored).ok()
    }
}

/// What came of looking for somebody's account.
#[derive(Debug)]
pub enum Loaded {
    User(Box<User>),
    /// Another account has the address; its owner may say that both are his.
    AddressTaken,
    /// There is no account, and no address to make one with.
    AddressMissing,
}

/// The account of somebody, made if it is the first time. `language` is that of the page, if there is
/// one.
pub async fn load(
    state: &AppState,
    method: &Method,
    identity: &Identity,
    language: Option<Lang>,
) -> Result<Loaded, InteractionError> {
    let custom_id = format!("{}:{}", method.id, identity.id);
    if let Some(user) = state.portal_api.user_by_custom_id(&custom_id).await? {
        return with_groups(state, method, user, identity).await;
    }
    if let Some(user_id) = links::find(state.database.read(), &custom_id).await?
        && let Some(user) = state.portal_api.user(&user_id).await?
    {
        return with_groups(state, method, user, identity).await;
    }
    let Some(email) = &identity.email else {
        return Ok(Loaded::AddressMissing);
    };
    let created = state
        .portal_api
        .create_federated_user(&custom_id, identity, email, language)
        .await?;
    match created {
        SaveOutcome::Saved(user) => {
            if !identity.email_verified {
                let link = verification_link(state, &method.id);
                let mail =
                    state
                        .portal_api
                        .create_verification(Kind::Email, email, &link, language);
                mail.await?;
            }
            tracing::info!(
                user.id = user.id,
                method = method.id,
                "account made at first log-in"
            );
            Ok(Loaded::User(Box::new(user)))
        }
        // Two log-ins at once: the other one has just made it.
        SaveOutcome::Taken => match state.portal_api.user_by_custom_id(&custom_id).await? {
            Some(user) => with_groups(state, method, user, identity).await,
            None => Ok(Loaded::AddressTaken),
        },
        SaveOutcome::Invalid(_) => Err(InteractionError::Provider(
            "portal-api refuses the mail address of a provider".to_owned(),
        )),
    }
}

/// Groups are added. They are taken away only where the operator says that nobody else gives them
/// (section 12, F22).
async fn with_groups(
    state: &AppState,
    method: &Method,
    user: User,
    identity: &Identity,
) -> Result<Loaded, InteractionError> {
    let of_now = &identity.groups;
    let stays = |group: &&String| of_now.contains(group) || !method.owned_groups.contains(group);
    let mut groups: Vec<String> = user.groups.iter().filter(stays).cloned().collect();
    for group in of_now {
        if !groups.contains(group) {
            groups.push(group.clone());
        }
    }
    if groups == user.groups {
        return Ok(Loaded::User(Box::new(user)));
    }
    tracing::info!(user.id = user.id, "groups changed as the provider says");
    match state.portal_api.set_groups(&user.id, groups).await? {
        SaveOutcome::Saved(user) => Ok(Loaded::User(Box::new(user))),
        SaveOutcome::Invalid(_) | SaveOutcome::Taken => Err(InteractionError::Provider(
            "portal-api refuses the groups of a provider".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity(profile: &Value) -> Option<Identity> {
        Identity::of_profile(profile.as_object().unwrap())
    }

    #[test]
    fn an_identity_needs_an_id_and_believes_only_a_true_true() {
        let full = identity(&json!({"sub": 42, "email": "a@b.c", "email_verified": true})).unwrap();
        assert_eq!(
            (full.id.as_str(), full.email.as_deref()),
            ("42", Some("a@b.c"))
        );
        assert!(full.email_verified);
        let text = identity(&json!({"sub": "x", "email": "a@b.c", "email_verified": "true"}));
        assert!(!text.unwrap().email_verified);
        for without in [
            json!({"email": "a@b.c"}),
            json!({"sub": ""}),
            json!({"sub": {}}),
        ] {
            assert_eq!(identity(&without), None, "{without}");
        }
        for without in [json!({"sub": "x"}), json!({"sub": "x", "email": "nobody"})] {
            assert_eq!(identity(&without).unwrap().email, None, "{without}");
        }
    }

    #[test]
    fn other_claims_are_plain_short_and_few_and_survive_being_stored() {
        let mut profile = json!({"sub": "x", "email": "a@b.c", "exp": 1, "name": "Ada", "age": 36,
            "address": {"street": "1"}, "long": "x".repeat(257)});
        let ada = identity(&profile).unwrap();
        assert_eq!(
            Value::from(ada.claims.clone()),
            json!({"name": "Ada", "age": 36})
        );
        assert_eq!(Identity::parse(&ada.to_text()), Some(ada));
        for number in 0..100 {
            profile[format!("claim{number}")] = number.into();
        }
        assert_eq!(identity(&profile).unwrap().claims.len(), MAX_CLAIMS);
    }
}
