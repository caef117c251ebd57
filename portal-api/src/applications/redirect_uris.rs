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
pub const MAX_URIS: usize = 50;
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

/// Whether a browser may be sent there.
pub fn is_valid(text: &str, leniency: Leniency) -> bool {
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
    use proptest::prelude::*;

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

    const STRICT: Leniency = Leniency {
        plain_http: false,
        anything: false,
    };

    /// Pieces of addresses, wrong ones among them, in any order.
    fn address() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "https?:",
            "[a-z][a-z.+-]{0,8}:",
            Just("javascript:".to_owned()),
            "/{1,3}",
            "[a-z0-9.-]{1,12}",
            Just("localhost".to_owned()),
            Just("127.0.0.1".to_owned()),
            Just("[::1]".to_owned()),
            "[@#?%:\\\\]",
            ":[0-9]{1,6}",
            "\\PC{0,3}",
            "[\u{0}-\u{20}]",
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        // Most of them are not accepted.
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn what_is_accepted_goes_to_the_client_and_nowhere_else(text in address()) {
            if !is_valid(&text, STRICT) {
                return Ok(());
            }
            let url = Url::parse(&text).unwrap();
            prop_assert!(url.fragment().is_none() && !text.contains('#'), "{text}");
            prop_assert!(url.username().is_empty() && url.password().is_none(), "{text}");
            prop_assert!(!text.contains(char::is_control), "{text}");
            prop_assert!(!["javascript", "data", "file"].contains(&url.scheme()), "{text}");
            if url.scheme() == "http" {
                let host = url.host_str().unwrap();
                let own = ["localhost", "portal.local", "[::1]"].contains(&host) || host.starts_with("127.");
                prop_assert!(own, "{text}");
            }
            // What the operator allows beyond only adds to it.
            for leniency in [Leniency { plain_http: true, ..STRICT }, Leniency { anything: true, ..STRICT }] {
                prop_assert!(is_valid(&text, leniency), "{text}");
            }
            let with_fragment = format!("{text}#x");
            prop_assert!(!is_valid(&with_fragment, STRICT));
        }

    }

    proptest! {
        #[test]
        fn https_is_accepted_for_every_host(
            host in "[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?\\.[a-z]{2,8}", path in "(/[A-Za-z0-9_.~-]{0,8}){0,4}", port: u16,
        ) {
            // Two letters and two dashes begin encoded names, most of which are none.
            prop_assume!(!host.contains("--"));
            let uri = format!("https://{host}:{port}{path}");
            prop_assert!(is_valid(&uri, STRICT), "{}", uri);
            prop_assert!(!is_valid(&uri.replace("https:", "http:"), STRICT));
            let kept = read(Some(vec![format!(" {uri} "), String::new(), uri.clone()]), None, STRICT);
            prop_assert_eq!(kept.unwrap(), [uri]);
        }

        #[test]
        fn no_list_breaks_it(many in prop::collection::vec(address(), 0..60), single in address()) {
            if let Ok(kept) = read(Some(many), Some(single), STRICT) {
                prop_assert!(kept.len() <= MAX_URIS);
                prop_assert!(kept.iter().all(|uri| is_valid(uri, STRICT) && uri.trim() == uri));
            }
        }
    }
}
