//! Which redirect URIs are accepted (portal-api 13.9, D15).

use url::{Host, Url};

use crate::{ApiError, AppState};

/// What the operator allows beyond the rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leniency {
    /// `http://` to any host: development installations.
    pub plain_http: bool,
    /// Whatever can be parsed and has no fragment (`ALLOW_ANY_REDIRECT_URI`).
    pub anything: bool,
}

impl Leniency {
    pub fn of(state: &AppState) -> Self {
        Self {
            anything: state.allow_any_redirect_uri,
            ..Self::of_environment(&state.configuration().environment)
        }
    }

    /// Environments whose name contains `local` are for development.
    fn of_environment(name: &str) -> Self {
        Self {
            plain_http: name.contains("local"),
            anything: false,
        }
    }
}

/// More than any client needs; keeps rows and pages bounded.
const MAX_URIS: usize = 50;
const MAX_LENGTH: usize = 2048;

/// The wanted URIs out of both forms of the request: `redirectUris` wins unless it is empty, both
/// are checked. Blank entries vanish.
pub fn read(
    many: Option<Vec<String>>,
    single: Option<String>,
    leniency: Leniency,
) -> Result<Vec<String>, ApiError> {
    let many = trimmed(many.unwrap_or_default());
    let single = trimmed(single.into_iter().collect());
    if many.len() > MAX_URIS {
        let message = format!("`redirectUris`: at most {MAX_URIS} addresses can be registered.");
        return Err(ApiError::invalid("redirectUris", "length", message));
    }
    for (field, uris) in [("redirectUris", &many), ("redirectUri", &single)] {
        if let Some(uri) = uris.iter().find(|uri| !is_valid(uri, leniency)) {
            let message = format!(
                "`{uri}` is not a usable redirect URI: take https, or http to the own machine, \
                 or a scheme of your app, without `#`."
            );
            return Err(ApiError::invalid(field, "redirect-uri", message));
        }
    }
    Ok(if many.is_empty() { single } else { many })
}

fn trimmed(uris: Vec<String>) -> Vec<String> {
    let mut kept = Vec::with_capacity(uris.len());
    for uri in uris {
        let uri = uri.trim();
        if !uri.is_empty() && !kept.iter().any(|other| other == uri) {
            kept.push(uri.to_owned());
        }
    }
    kept
}

fn is_valid(text: &str, leniency: Leniency) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    if text.contains('#') || text.len() > MAX_LENGTH || text.contains(char::is_control) {
        return false;
    }
    if leniency.anything {
        return true;
    }
    // `https://client@evil.example` looks like another host than the one it goes to.
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => url
            .host()
            .is_some_and(|host| leniency.plain_http || is_own_machine(&host)),
        // These run or show something in the browser instead of reaching an app.
        "javascript" | "data" | "vbscript" | "file" | "blob" | "about" => false,
        _ => url.has_host() || is_private_use(&url),
    }
}

/// The machine of the user: the loopback names and addresses, and the development host of wicked.
fn is_own_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || *name == "portal.local",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// `com.example.app:/callback`: a scheme that is a reversed domain name of the app's maker
/// (RFC 8252, section 7.1). Such URIs have no host.
fn is_private_use(url: &Url) -> bool {
    url.scheme().contains('.') && url.path().starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_and_not_the_beginning_of_the_text() {
        let valid = [
            "https://shop.example/callback",
            "http://localhost",
            "http://localhost:8080/cb?x=1",
            "http://127.0.0.1/cb",
            "http://[::1]:3000/cb",
            "http://portal.local/cb",
            "scheme://host/x",
            "com.example.app:/callback",
        ];
        let invalid = [
            "http://insecure.example",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://localhost@evil.example/",
            "https://user:pw@shop.example/",
            "https://",
            "scheme:/path",
            "https://shop.example/#fragment",
            "javascript:alert(1)",
            "data:text/html,x",
            "not a uri",
        ];
        for uri in valid {
            assert!(is_valid(uri, Leniency::default()), "{uri}");
        }
        for uri in invalid {
            assert!(!is_valid(uri, Leniency::default()), "{uri}");
        }
    }

    #[test]
    fn development_environments_take_plain_http() {
        let local = Leniency::of_environment("my-local");
        assert!(is_valid("http://insecure.example/cb", local));
        assert!(!is_valid("http://insecure.example/#x", local));
    }

    #[test]
    fn an_operator_may_allow_everything_without_a_fragment() {
        let anything = Leniency {
            anything: true,
            ..Leniency::default()
        };
        assert!(is_valid("http://insecure.example/cb", anything));
        assert!(is_valid("scheme:/path", anything));
        assert!(!is_valid("https://shop.example/#fragment", anything));
        assert!(!is_valid("not a uri", anything));
    }

    #[test]
    fn the_list_wins_over_the_single_form_unless_it_is_empty() {
        let texts = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let read = |many: &[&str], single: &str| {
            read(
                Some(texts(many)),
                Some(single.to_owned()),
                Leniency::default(),
            )
            .unwrap()
        };
        assert_eq!(
            read(&["", " https://a.example "], "https://b.example"),
            ["https://a.example"]
        );
        assert_eq!(read(&[" "], "https://b.example"), ["https://b.example"]);
        assert!(read(&[], "").is_empty());
    }

    #[test]
    fn both_forms_are_checked() {
        let refused = super::read(
            Some(vec!["https://a.example".to_owned()]),
            Some("http://b.example".to_owned()),
            Leniency::default(),
        );
        assert!(refused.is_err());
    }
}
