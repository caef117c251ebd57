//! People whom somebody else vouches for: an account of this installation is found for them, or made
//! (8.2).

use sdk::types::{User, verifications::Kind};
use serde_json::{Map, Value};
use ui::Lang;

use crate::{
    configuration::Method, interaction::InteractionError, local::verification_link,
    portal_api::SaveOutcome, state::AppState,
};

/// Who somebody is, in the words of whoever vouches for him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Never changes.
    pub sub: String,
    pub email: String,
    pub email_verified: bool,
}

impl Identity {
    /// From OpenID Connect claims; nothing without `sub` and `email`.
    pub fn of_profile(profile: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| match profile.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let known = |name: &str| text(name).filter(|text| (1..=256).contains(&text.len()));
        Some(Self {
            sub: known("sub")?,
            email: known("email").filter(|email| email.contains('@'))?,
            email_verified: profile.get("email_verified") == Some(&Value::Bool(true)),
        })
    }
}

/// The account of somebody, made if it is the first time. Nothing: another account has the address,
/// and accounts are not linked by addresses. `language` is that of the page, if there is one.
pub async fn load(
    state: &AppState,
    method: &Method,
    identity: &Identity,
    language: Option<Lang>,
) -> Result<Option<User>, InteractionError> {
    let custom_id = format!("{}:{}", method.id, identity.sub);
    if let Some(user) = state.portal_api.user_by_custom_id(&custom_id).await? {
        return Ok(Some(user));
    }
    let created = state
        .portal_api
        .create_federated_user(
            &custom_id,
            &identity.email,
            identity.email_verified,
            language,
        )
        .await?;
    match created {
        SaveOutcome::Saved(user) => {
            if !identity.email_verified {
                let link = verification_link(state, &method.id);
                let mail = state.portal_api.create_verification(
                    Kind::Email,
                    &identity.email,
                    &link,
                    language,
                );
                mail.await?;
            }
            tracing::info!(
                user.id = user.id,
                method = method.id,
                "account made at first log-in"
            );
            Ok(Some(user))
        }
        // Two log-ins at once: the other one has just made it.
        SaveOutcome::Taken => Ok(state.portal_api.user_by_custom_id(&custom_id).await?),
        SaveOutcome::Invalid(_) => Err(InteractionError::Provider(
            "portal-api refuses the mail address of a provider".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_needs_an_id_and_an_address() {
        let identity = |profile: Value| Identity::of_profile(profile.as_object().unwrap());
        let full = serde_json::json!({"sub": 42, "email": "a@b.c", "email_verified": true});
        let expected = Identity {
            sub: "42".to_owned(),
            email: "a@b.c".to_owned(),
            email_verified: true,
        };
        assert_eq!(identity(full), Some(expected));
        let text = serde_json::json!({"sub": "x", "email": "a@b.c", "email_verified": "true"});
        assert!(
            !identity(text).unwrap().email_verified,
            "only a true `true` counts"
        );
        for without in [
            serde_json::json!({"email": "a@b.c"}),
            serde_json::json!({"sub": "x"}),
            serde_json::json!({"sub": "", "email": "a@b.c"}),
            serde_json::json!({"sub": {}, "email": "a@b.c"}),
            serde_json::json!({"sub": "x", "email": "nobody"}),
        ] {
            assert_eq!(identity(without.clone()), None, "{without}");
        }
    }
}
