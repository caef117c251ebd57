//! The only module that touches oxide-auth.
//!
//! Its `code_grant` state machines decide in which order a request is validated, authenticated,
//! bound, extended and issued. They ask for one thing at a time; the executors below answer from
//! our stores, keep our errors (theirs carry nothing), and hand out our own results.

mod authorize;
mod client_credentials;
mod code;
mod refresh;

pub use authorize::{Accepted, AuthorizeFault, AuthorizeRefused, authorize};
pub use client_credentials::client_credentials;
pub use code::redeem_code;
pub use refresh::refresh;

use oxide_auth::{
    code_grant::extensions::Pkce,
    primitives::{
        grant::{Extensions, GrantExtension, Value},
        issuer::IssuedToken,
        registrar::{ExactUrl, RegisteredUrl},
        scope::Scope,
    },
};

use crate::token::TokenAnswer;

/// The machines want a redirect URI even where none is used; it takes part in no comparison.
const NO_REDIRECT_URI: &str = "urn:wicketgate:no-redirect-uri";

fn exact(uri: &str) -> Option<RegisteredUrl> {
    ExactUrl::new(uri.to_owned()).ok().map(RegisteredUrl::Exact)
}

fn no_redirect_uri() -> RegisteredUrl {
    exact(NO_REDIRECT_URI).expect("a URN is a URL")
}

/// Our ordered list as oxide-auth's set; scopes it cannot hold were refused before.
fn scope(list: &[String]) -> Scope {
    list.join(" ")
        .parse()
        .unwrap_or_else(|_| "".parse().expect("an empty scope is valid"))
}

/// The challenge as the PKCE extension keeps it, in and out of our row.
fn with_challenge(pkce: &Pkce, challenge: Option<&str>) -> Extensions {
    let mut extensions = Extensions::new();
    if let Some(challenge) = challenge {
        extensions.set(pkce, Value::private(Some(challenge.to_owned())));
    }
    extensions
}

fn challenge_of(pkce: &Pkce, extensions: &Extensions) -> Option<String> {
    extensions
        .private()
        .find(|(name, _)| *name == pkce.identifier())
        .and_then(|(_, value)| value.map(str::to_owned))
}

/// What a machine needs to know of an issued token; the client gets [`TokenAnswer`].
fn issued(answer: &TokenAnswer) -> IssuedToken {
    IssuedToken::without_refresh(answer.access_token.clone(), answer.expires_at)
}
