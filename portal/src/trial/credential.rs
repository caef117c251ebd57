//! What a call carries: the credential of an own application, read or fetched here, or one that the
//! person pasted because nobody keeps it.

use http::{HeaderName, HeaderValue, header};
use sdk::{
    Optional,
    types::{Api, Secret, Subscription},
};
use ui::texts;

use super::PersonToken;
use crate::{
    catalogue::{Auth, auth},
    failure::Failure,
    form::Form,
    login::TokenError,
    visitor::Visitor,
};

/// A header with a secret, and what pages show in its place.
pub struct Carried {
    pub name: HeaderName,
    pub value: HeaderValue,
    /// Enough to recognise it by.
    pub masked: String,
    /// For samples that one copies.
    pub placeholder: &'static str,
}

/// Why there is none; the text is for the person.
pub type Missing = String;

/// Finds what the call has to carry; nothing for an open API.
pub async fn find(
    visitor: &Visitor,
    api: &Api,
    form: &Form,
) -> Result<Result<Option<Carried>, Missing>, Failure> {
    let (application, pasted) = (form.text("application"), form.text("credential"));
    let t = texts::Trial(visitor.lang());
    let kind = auth(api);
    if kind == Auth::None {
        return Ok(Ok(None));
    }
    visitor.require_user()?;
    if !pasted.is_empty() {
        return Ok(carried(visitor, kind, &Secret::from(pasted)).map(Some));
    }
    if application.is_empty() {
        return Ok(Err(t.choose_application().to_owned()));
    }
    if form.text("as") == "person" {
        return Ok(match PersonToken::of(visitor, &api.id, application) {
            Some((token, _)) => carried(visitor, kind, &token).map(Some),
            None => Err(t.log_in_first().to_owned()),
        });
    }
    let client = visitor.client();
    let found = client.subscription(application, &api.id).await.optional()?;
    let Some(subscription) = found else {
        return Ok(Err(t.not_subscribed().to_owned()));
    };
    if !subscription.approved {
        return Ok(Err(t.not_approved().to_owned()));
    }
    if kind == Auth::Key {
        return Ok(match &subscription.apikey {
            Some(key) => carried(visitor, kind, key).map(Some),
            None => Err(t.key_not_kept().to_owned()),
        });
    }
    token(visitor, api, subscription, form.text("scope")).await
}

/// An access token for the application itself.
async fn token(
    visitor: &Visitor,
    api: &Api,
    subscription: Subscription,
    scope: &str,
) -> Result<Result<Option<Carried>, Missing>, Failure> {
    let t = texts::Trial(visitor.lang());
    let settings = api.settings.clone().unwrap_or_default();
    if settings.enable_client_credentials != Some(true) {
        return Ok(Err(t.needs_person().to_owned()));
    }
    let (Some(id), Some(secret)) = (subscription.client_id, subscription.client_secret) else {
        return Ok(Err(t.secret_not_kept().to_owned()));
    };
    let oauth = visitor.app.oauth();
    Ok(match oauth.client_token(&id, &secret, scope).await {
        Ok(token) => carried(visitor, Auth::Token, &token).map(Some),
        Err(TokenError::Refused {
            code, description, ..
        }) => Err(t.token_refused(format!("{description} ({code})"))),
        Err(away @ TokenError::Away(_)) => return Err(away.into()),
    })
}

fn carried(visitor: &Visitor, kind: Auth, secret: &Secret) -> Result<Carried, Missing> {
    let broken = || texts::Trial(visitor.lang()).broken_credential().to_owned();
    let text = secret.expose();
    let (name, value, placeholder) = if kind == Auth::Token {
        (header::AUTHORIZATION, format!("Bearer {text}"), "$TOKEN")
    } else {
        let name = HeaderName::try_from(visitor.installation.key_header.as_str());
        (name.map_err(|_| broken())?, text.to_owned(), "$API_KEY")
    };
    let mut value = HeaderValue::try_from(value).map_err(|_| broken())?;
    value.set_sensitive(true);
    Ok(Carried {
        masked: mask(kind, text),
        name,
        value,
        placeholder,
    })
}

/// The last four of a key, as it is named everywhere. Of a token nothing: its end is its signature.
fn mask(kind: Auth, text: &str) -> String {
    if kind == Auth::Token {
        return "Bearer ••••".to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    match letters.len() {
        12.. => format!(
            "••••{}",
            letters[letters.len() - 4..].iter().collect::<String>()
        ),
        _ => "••••".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_can_be_read_off_a_mask() {
        assert_eq!(mask(Auth::Key, "wg_0123456789abcdef"), "••••cdef");
        assert_eq!(mask(Auth::Key, "short"), "••••");
        assert_eq!(mask(Auth::Token, "ey.ab.cd"), "Bearer ••••");
    }
}
