//! The hidden field `_csrf` of every form.
//!
//! It names the page it stands on and the flow it belongs to, and is sealed with a key of this
//! installation over the browser's cookie, so nothing has to be stored per page and any number of
//! tabs and instances work. Forms behind a login are also bound to the session.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use service::keys::{Key, Keys, MissingKey, Purpose};
use subtle::ConstantTimeEq;

/// Which page a form stands on. A form of one page is refused by the handler of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormSource {
    Login,
    Signup,
    ForgotPassword,
    Verify,
    ChangePassword,
    SelectNamespace,
    Grants,
    UserScopes,
    VerifyEmail,
    EmailMissing,
    SecondFactor,
    Link,
    Register,
    Invitation,
    Logout,
    Account,
    Device,
}

impl FormSource {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Signup => "signup",
            Self::ForgotPassword => "forgot_password",
            Self::Verify => "verify",
            Self::ChangePassword => "change_password",
            Self::SelectNamespace => "select_namespace",
            Self::Grants => "grants",
            Self::UserScopes => "user_scopes",
            Self::VerifyEmail => "generic",
            Self::EmailMissing => "email_missing",
            Self::SecondFactor => "second_factor",
            Self::Link => "link",
            Self::Register => "register",
            Self::Invitation => "invitation",
            Self::Logout => "logout",
            Self::Account => "account",
            Self::Device => "device",
        }
    }

    /// The page is only shown to somebody who is logged in.
    pub const fn is_behind_login(self) -> bool {
        matches!(
            self,
            Self::SelectNamespace
                | Self::Grants
                | Self::UserScopes
                | Self::VerifyEmail
                | Self::Register
                | Self::Invitation
                | Self::Logout
                | Self::Account
        )
    }
}

/// The form was not made by this page for this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form does not belong to this browser")]
pub struct InvalidForm;

/// Makes and checks the field.
#[derive(Clone)]
pub struct FormKey(Key);

/// Stands in the place of the flow id in forms without a flow.
const NO_FLOW: &str = "00000000000000000000000000000000";

impl FormKey {
    pub fn new(keys: &Keys) -> Result<Self, MissingKey> {
        keys.derive(&Purpose::Cookie).map(Self)
    }

    /// The value of the field: source, flow, and a seal over browser and session.
    pub fn token(
        &self,
        source: FormSource,
        browser: &str,
        sid: Option<&str>,
        flow: Option<&str>,
    ) -> String {
        let flow = flow.unwrap_or(NO_FLOW);
        let mut nonce = [0; 8];
        service::random::fill(&mut nonce);
        let nonce = hex::encode(nonce);
        let seal = self.seal(source, browser, sid, flow, &nonce);
        format!("{}-{flow}{nonce}{seal}", source.as_str())
    }

    /// Checks the field and answers the flow it names.
    pub fn check<'t>(
        &self,
        token: &'t str,
        source: FormSource,
        browser: &str,
        sid: Option<&str>,
    ) -> Result<Option<&'t str>, InvalidForm> {
        let (flow, nonce, seal) = split(token, source).ok_or(InvalidForm)?;
        let is = |key: Key| {
            let expected = Self(key).seal(source, browser, sid, flow, nonce);
            bool::from(expected.as_bytes().ct_eq(seal.as_bytes()))
        };
        if self.0.both().any(is) {
            Ok((flow != NO_FLOW).then_some(flow))
        } else {
            Err(InvalidForm)
        }
    }

    /// What a passkey has to sign on the page with this field: nobody else gets the same to sign.
    pub fn challenge(&self, token: &str) -> String {
        let text = format!("passkey/{token}");
        URL_SAFE_NO_PAD.encode(self.0.hmac_sha256(text.as_bytes()))
    }

    /// What the page may have asked for, which another instance may have made while the master key is
    /// rotated.
    pub fn challenges(&self, token: &str) -> impl Iterator<Item = String> {
        self.0.both().map(|key| Self(key).challenge(token))
    }

    fn seal(
        &self,
        source: FormSource,
        browser: &str,
        sid: Option<&str>,
        flow: &str,
        nonce: &str,
    ) -> String {
        let sid = sid.unwrap_or_default();
        let text = format!("form/{}/{browser}/{sid}/{flow}/{nonce}", source.as_str());
        hex::encode(&self.0.hmac_sha256(text.as_bytes())[..16])
    }
}

/// The flow that a field names, whether or not the field is genuine.
pub fn claimed_flow(token: &str, source: FormSource) -> Option<&str> {
    split(token, source)
        .map(|(flow, _, _)| flow)
        .filter(|flow| *flow != NO_FLOW)
}

fn split(token: &str, source: FormSource) -> Option<(&str, &str, &str)> {
    let rest = token.strip_prefix(source.as_str())?.strip_prefix('-')?;
    if rest.len() != 32 + 16 + 32 || !rest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((&rest[..32], &rest[32..48], &rest[48..]))
}

#[cfg(test)]
mod tests {
    use service::keys::MasterKey;

    use super::*;

    #[test]
    fn a_form_is_good_for_its_page_browser_session_and_flow_only() {
        let key = FormKey::new(&Keys::from_master(MasterKey::generate())).unwrap();
        let flow = "0123456789abcdef0123456789abcdef";
        let token = key.token(FormSource::Grants, "browser", Some("sid"), Some(flow));
        let check = |source, browser, sid| key.check(&token, source, browser, sid);
        assert_eq!(
            check(FormSource::Grants, "browser", Some("sid")),
            Ok(Some(flow))
        );
        assert_eq!(
            check(FormSource::Login, "browser", Some("sid")),
            Err(InvalidForm)
        );
        assert_eq!(
            check(FormSource::Grants, "other", Some("sid")),
            Err(InvalidForm)
        );
        assert_eq!(check(FormSource::Grants, "browser", None), Err(InvalidForm));
        let forged = token.replace(flow, "ffffffffffffffffffffffffffffffff");
        assert_eq!(
            key.check(&forged, FormSource::Grants, "browser", Some("sid")),
            Err(InvalidForm)
        );
        let again = key.token(FormSource::Grants, "browser", Some("sid"), Some(flow));
        assert_ne!(token, again);
    }
}
