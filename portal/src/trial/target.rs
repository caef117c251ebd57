//! Where a call goes: below one of the API's own addresses at the gateway, whatever was asked for.
//! Pure, because this is what keeps the portal from calling others on somebody's behalf.

use percent_encoding::percent_decode_str;
use url::Url;

/// No address is longer.
const MAX_URL: usize = 8192;

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("`url` is no complete http or https address")]
    NoUrl,
    #[error("`url` is longer than {MAX_URL} characters")]
    TooLong,
    #[error("`url` must not hold a name or password; credentials come from the application")]
    UserInfo,
    #[error("`url` must not hold a fragment")]
    Fragment,
    #[error("`url` must not hold `.` or `..` as part of its path")]
    Dots,
    #[error("`url` is none of this API's addresses at the gateway")]
    Elsewhere,
}

/// The address, if it is one of the API's own.
pub fn check(text: &str, allowed: &[Url]) -> Result<Url, Refused> {
    if text.len() > MAX_URL {
        return Err(Refused::TooLong);
    }
    // Browsers and parsers do not agree on these; none of them belongs into an address.
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.chars().any(is_odd) {
        return Err(Refused::NoUrl);
    }
    let url: Url = text.parse().map_err(|_| Refused::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::NoUrl);
    }
    if !url.username().is_empty() || url.password().is_some() || text_has_user(text) {
        return Err(Refused::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(Refused::Fragment);
    }
    if has_dots(text) || has_dots(url.path()) {
        return Err(Refused::Dots);
    }
    if allowed.iter().any(|base| is_below(&url, base)) {
        Ok(url)
    } else {
        Err(Refused::Elsewhere)
    }
}

/// An empty name is not kept by the parser, but it is one.
fn text_has_user(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.contains('@')
}

/// A segment that means "here" or "above", however it is written; also behind an encoded slash,
/// which some gateways read as one.
fn has_dots(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    path.split('/').any(|segment| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        // Twice, for what was encoded twice.
        let again = percent_decode_str(&decoded).decode_utf8_lossy();
        let mut parts = again.split(['/', '\\']);
        parts.any(|part| matches!(part, "." | ".."))
    })
}

/// Same origin, and the path begins with all of the base's.
fn is_below(url: &Url, base: &Url) -> bool {
    let same_host = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default();
    let path = base.path().trim_end_matches('/');
    same_host
        && url
            .path()
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The addresses of an API that can be called like this: websockets cannot.
pub fn callable(urls: &[String]) -> Vec<Url> {
    urls.iter()
        .filter_map(|url| url.parse().ok())
        .filter(|url: &Url| matches!(url.scheme(), "http" | "https"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Vec<Url> {
        callable(&[
            "https://api.example.org/orders/v1".to_owned(),
            "https://api.example.org:8443/other/".to_owned(),
            "wss://api.example.org/stream".to_owned(),
        ])
    }

    #[test]
    fn what_lies_below_an_own_address_is_called() {
        for url in [
            "https://api.example.org/orders/v1",
            "https://api.example.org/orders/v1/",
            "https://api.example.org:443/orders/v1/a%20b?x=../y&z=@",
            "https://API.example.org/orders/v1/%2Fetc",
            "https://api.example.org:8443/other/x",
        ] {
            assert!(check(url, &allowed()).is_ok(), "{url}");
        }
    }

    #[test]
    fn nothing_else_is() {
        use Refused::{Dots, Elsewhere, Fragment, NoUrl, UserInfo};
        for (url, reason) in [
            ("", NoUrl),
            ("/orders/v1", NoUrl),
            ("//api.example.org/orders/v1", NoUrl),
            ("file:///etc/passwd", NoUrl),
            ("gopher://api.example.org/orders/v1", NoUrl),
            ("javascript:alert(1)", NoUrl),
            ("http://api.example.org/orders/v1", Elsewhere),
            ("https://api.example.org/", Elsewhere),
            ("https://api.example.org/orders/v10", Elsewhere),
            ("https://api.example.org/orders", Elsewhere),
            ("https://api.example.org/Orders/v1", Elsewhere),
            ("https://api.example.org:8443/orders/v1", Elsewhere),
            ("https://api.example.org:80/orders/v1", Elsewhere),
            ("https://evil.example/orders/v1", Elsewhere),
            ("https://api.example.org.evil.example/orders/v1", Elsewhere),
            ("https://api.example.org./orders/v1", Elsewhere),
            ("https://127.0.0.1/orders/v1", Elsewhere),
            ("https://2130706433/orders/v1", Elsewhere),
            ("https://0x7f.1/orders/v1", Elsewhere),
            ("https://[::1]/orders/v1", Elsewhere),
            ("https://[::ffff:127.0.0.1]/orders/v1", Elsewhere),
            ("https://[::ffff:7f00:1]/orders/v1", Elsewhere),
            ("https://[fe80::1%25eth0]/orders/v1", NoUrl),
            ("https://localhost/orders/v1", Elsewhere),
            ("https://api.example.org@evil.example/orders/v1", UserInfo),
            ("https://user:pw@api.example.org/orders/v1", UserInfo),
            ("https://@api.example.org/orders/v1", UserInfo),
            ("https://:@api.example.org/orders/v1", UserInfo),
            ("https://api.example.org\\@evil.example/orders/v1", NoUrl),
            ("https://api.example.org/orders/v1/../../admin", Dots),
            ("https://api.example.org/orders/v1/%2e%2E/admin", Dots),
            ("https://api.example.org/orders/v1/..%2fadmin", Dots),
            ("https://api.example.org/orders/v1/%252e%252e/x", Dots),
            ("https://api.example.org/orders/v1/..%5Cadmin", Dots),
            ("https://api.example.org/orders/v1/./x", Dots),
            ("https://api.example.org/orders/v1#x", Fragment),
            ("https://api.example.org/orders/v1\n", NoUrl),
            ("https://api.example.org/orders/v1/ x", NoUrl),
            ("https://api.example.org/stream", Elsewhere),
        ] {
            assert_eq!(check(url, &allowed()), Err(reason), "{url}");
        }
        let long = format!("https://api.example.org/orders/v1/{}", "x".repeat(MAX_URL));
        assert_eq!(check(&long, &allowed()), Err(Refused::TooLong));
    }
}
