//! Redirect URIs: which ones match, and how an answer is appended.

use url::{Host, Url};

use crate::flows::ResponseType;

/// Whether `given` is the registered URI: the same text, or the same loopback address with
/// another port (RFC 8252 7.3: native applications take any free port).
pub fn matches_registered(given: &str, registered: &str) -> bool {
    given == registered
        || loopback_parts(given).is_some_and(|a| Some(a) == loopback_parts(registered))
}

/// Everything but the port of an `http` URI on a loopback address.
fn loopback_parts(uri: &str) -> Option<(String, String, Option<String>)> {
    let url = Url::parse(uri).ok()?;
    let is_loopback = match url.host()? {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(_) => false,
    };
    let plain = url.scheme() == "http" && url.username().is_empty() && url.fragment().is_none();
    (is_loopback && plain).then(|| {
        (
            url.host_str().unwrap_or_default().to_owned(),
            url.path().to_owned(),
            url.query().map(str::to_owned),
        )
    })
}

/// `redirect_uri` with the members of an authorization answer: in the query, where one that is there
/// is kept, or in the fragment, which stays in the browser (implicit grant).
///
/// The text is extended, not parsed and written anew: clients compare what they registered.
pub fn answer_url(redirect_uri: &str, response: ResponseType, members: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(members);
    let separator = match response {
        ResponseType::Token => '#',
        ResponseType::Code if redirect_uri.contains('?') => '&',
        ResponseType::Code => '?',
    };
    format!("{redirect_uri}{separator}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_match_exactly_apart_from_the_port_of_a_loopback_address() {
        let registered = "https://app.example/cb";
        assert!(matches_registered(registered, registered));
        for other in [
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example.evil/cb",
            "https://APP.example/cb",
        ] {
            assert!(!matches_registered(other, registered), "{other}");
        }
        let native = "http://127.0.0.1/cb";
        assert!(matches_registered("http://127.0.0.1:4711/cb", native));
        assert!(!matches_registered("http://127.0.0.1:4711/other", native));
        assert!(!matches_registered("http://u@127.0.0.1:4711/cb", native));
        assert!(!matches_registered(
            "http://localhost:1/cb",
            "http://localhost/cb"
        ));
    }

    #[test]
    fn an_answer_keeps_the_query_that_is_there() {
        assert_eq!(
            answer_url(
                "https://a.example/cb?x=1",
                ResponseType::Code,
                &[("code", "c d"), ("iss", "i")]
            ),
            "https://a.example/cb?x=1&code=c+d&iss=i"
        );
        assert_eq!(
            answer_url(
                "app://cb",
                ResponseType::Code,
                &[("error", "access_denied")]
            ),
            "app://cb?error=access_denied"
        );
        assert_eq!(
            answer_url(
                "https://a.example/cb?x=1",
                ResponseType::Token,
                &[("access_token", "t")]
            ),
            "https://a.example/cb?x=1#access_token=t"
        );
    }
}
