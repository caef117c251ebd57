//! Logging in and out: the portal as OAuth client of the platform's own auth server.
//!
//! The portal never sees a password. It sends the browser to the auth server with PKCE (S256) and a
//! state that only this browser's session knows, and exchanges the code over its own connection.

mod account;
mod attempt;
mod choice;
pub mod methods;
mod oauth;
mod personal;
mod renew;
mod routes;

use url::form_urlencoded;

pub use account::{OwnSession, OwnToken};
pub use attempt::Attempt;
pub use methods::Method;
pub use oauth::{Client, OAuth, TokenError, authorize_for};
pub use personal::PersonalTokens;
pub use renew::{Renewal, renew, renew_now};
pub use routes::{is_ours, may_publish, routes};

/// Address of the log-in page that leads back to `path`.
pub fn url(path: &str) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("redirect", path)
        .finish();
    format!("/login?{query}")
}

/// The same for somebody who is logged in and has to show again who he is.
pub fn anew(path: &str) -> String {
    format!("{}&prompt=login", url(path))
}
