//! The cookies of the auth server.
//!
//! *Browser*: random, made at the first page, known to no table. It binds forms and pending
//! requests to the browser that began them. *Session*: made at login, new at each login.
//! *Invitation*: the token of a mail's link, until somebody has registered with it.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

/// How cookies are named and marked, decided by the schema of the external URL.
#[derive(Clone, Copy, Debug)]
pub struct CookiePolicy {
    /// External URLs are `https`.
    pub secure: bool,
}

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    Session,
    Browser,
    Invitation,
}

impl CookiePolicy {
    /// The `__Host-` prefix keeps other hosts of the domain from setting the cookie; browsers
    /// accept it over https only, so plain http keeps the name that wicked used.
    const fn name(self, cookie: Cookie) -> &'static str {
        match (cookie, self.secure) {
            (Cookie::Session, true) => "__Host-portal-auth.sid",
            (Cookie::Session, false) => "portal-auth.cookie.sid",
            (Cookie::Browser, true) => "__Host-portal-auth.browser",
            (Cookie::Browser, false) => "portal-auth.browser",
            (Cookie::Invitation, true) => "__Host-portal-auth.invitation",
            (Cookie::Invitation, false) => "portal-auth.invitation",
        }
    }

    /// The value that the browser sent.
    pub fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<&str> {
        let name = self.name(cookie);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, value)| *key == name && is_plausible(value))
            .map(|(_, value)| value)
    }

    /// `Set-Cookie` with `value`; without `max_age` the cookie ends with the browser.
    pub fn set(self, cookie: Cookie, value: &str, max_age: Option<Duration>) -> HeaderValue {
        let name = self.name(cookie);
        let secure = if self.secure { "; Secure" } else { "" };
        let age = max_age.map_or_else(String::new, |age| format!("; Max-Age={}", age.as_secs()));
        HeaderValue::try_from(format!(
            "{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"
        ))
        .expect("cookie values are base64url or hex")
    }

    /// `Set-Cookie` that removes the cookie.
    pub fn clear(self, cookie: Cookie) -> HeaderValue {
        self.set(cookie, "", Some(Duration::ZERO))
    }
}

/// Our values are 43 characters of base64url, or 40 hex digits; anything else is not worth a query.
fn is_plausible(value: &str) -> bool {
    matches!(value.len(), 40 | 43)
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_cookie_is_found_among_others_and_only_in_our_form() {
        let policy = CookiePolicy { secure: false };
        let mut headers = HeaderMap::new();
        let line = format!("a=b; portal-auth.cookie.sid={VALUE}; portal-auth.browser=short");
        headers.insert(header::COOKIE, line.parse().unwrap());
        assert_eq!(policy.read(&headers, Cookie::Session), Some(VALUE));
        assert_eq!(policy.read(&headers, Cookie::Browser), None);
    }

    #[test]
    fn over_https_cookies_are_secure_and_bound_to_the_host() {
        let policy = CookiePolicy { secure: true };
        let header = policy.set(Cookie::Session, VALUE, None);
        let text = header.to_str().unwrap();
        assert!(text.starts_with("__Host-portal-auth.sid="));
        assert!(text.contains("; Secure") && text.contains("SameSite=Lax"));
    }
}
