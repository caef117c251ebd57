//! Redirect URIs: which ones match, and how an answer gets there.

use url::{Host, Url};

use crate::flows::ResponseMode;

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

/// What a browser is told to do at the end of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go there.
    Redirect(String),
    /// Send these members there.
    Form {
        to: String,
        members: Vec<(String, String)>,
    },
}

impl Answer {
    /// The members of an authorization answer on their way to `redirect_uri`: in the query, where one
    /// that is there is kept; in the fragment, which stays in the browser (implicit grant); or as a form.
    ///
    /// The text is extended, not parsed and written anew: clients compare what they registered.
    pub fn new(redirect_uri: &str, mode: ResponseMode, members: &[(&str, &str)]) -> Self {
        match mode {
            ResponseMode::Query => Self::Redirect(with_query(redirect_uri, members)),
            ResponseMode::Fragment => Self::Redirect(format!("{redirect_uri}#{}", encode(members))),
            ResponseMode::FormPost => {
                let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
                Self::Form {
                    to: redirect_uri.to_owned(),
                    members: members.iter().map(owned).collect(),
                }
            }
        }
    }
}

/// `uri` with more members in its query.
pub fn with_query(uri: &str, members: &[(&str, &str)]) -> String {
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{}", encode(members))
}

fn encode(members: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(members)
        .finish()
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
        let members = [("code", "c d"), ("iss", "i")];
        let (app, native) = ("https://a.example/cb?x=1", "app://cb");
        for (to, mode, expected) in [
            (
                app,
                ResponseMode::Query,
                "https://a.example/cb?x=1&code=c+d&iss=i",
            ),
            (native, ResponseMode::Query, "app://cb?code=c+d&iss=i"),
            (
                app,
                ResponseMode::Fragment,
                "https://a.example/cb?x=1#code=c+d&iss=i",
            ),
        ] {
            let answer = Answer::new(to, mode, &members);
            assert_eq!(answer, Answer::Redirect(expected.to_owned()));
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        assert_eq!(
            Answer::new(app, ResponseMode::FormPost, &members),
            Answer::Form {
                to: app.to_owned(),
                members: members.map(owned).to_vec(),
            }
        );
    }
}
