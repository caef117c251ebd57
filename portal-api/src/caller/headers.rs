//! The identity headers of wicked (portal-api 3.3), read only where they are believed.

use std::net::IpAddr;

use http::HeaderMap;

use crate::ApiError;

/// Its presence marks a call that came through the gateway.
pub const CONSUMER: &str = "x-consumer-custom-id";
const USER_ID: &str = "x-authenticated-userid";
const SCOPE: &str = "x-authenticated-scope";

/// `sub=<user id>`; the id ends at the first `;` (auth-server 12).
pub fn user_id(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(USER_ID) else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .and_then(subject)
        .map(|id| Some(id.to_owned()))
        .ok_or_else(|| {
            ApiError::bad_request(
                "malformed-identity",
                "X-Authenticated-UserId has to be of the form `sub=<user id>`.",
            )
        })
}

/// The user id in a text such as `sub=4711;namespaces=acme`.
pub fn subject(text: &str) -> Option<&str> {
    let id = text.strip_prefix("sub=")?;
    Some(id.split(';').next().unwrap_or(id))
}

/// Scopes, separated by blanks.
pub fn scopes(headers: &HeaderMap) -> Vec<String> {
    let value = headers
        .get(SCOPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value.split_ascii_whitespace().map(str::to_owned).collect()
}

/// The address of the browser, as a service reports it.
pub fn real_ip(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get("x-real-ip")?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_id_ends_at_the_first_semicolon() {
        assert_eq!(subject("sub=4711"), Some("4711"));
        assert_eq!(subject("sub=4711;namespaces=a,b"), Some("4711"));
        assert_eq!(subject("4711"), None);
    }
}
