//! Where Kong's plugin answers for an API: below a path of the API itself.

use kong::Route;
use url::Url;

/// The end points `…/oauth2/authorize` and `…/oauth2/token` of an API.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// Without a slash at the end.
    base: String,
    /// For routes that go by the name of the host.
    pub host: Option<String>,
    /// Kong demands TLS. Whoever stands before it says so by this header; here that is us.
    pub pretends_tls: bool,
}

impl Place {
    /// Below the first route that a POST can take.
    pub fn find(proxy: &Url, routes: &[Route]) -> Option<Self> {
        routes.iter().find_map(|route| {
            let methods = route.methods.as_deref().unwrap_or_default();
            let takes_post =
                methods.is_empty() || methods.iter().any(|one| one.eq_ignore_ascii_case("POST"));
            let wants_headers = route.headers.as_ref().is_some_and(|all| !all.is_empty());
            if !takes_post || wants_headers {
                return None;
            }
            let host = match route.hosts.as_deref() {
                None | Some([]) => None,
                Some(hosts) => Some(hosts.iter().find(|host| !host.contains('*'))?.clone()),
            };
            let path = match route.paths.as_deref() {
                None | Some([]) if host.is_some() => "",
                paths => paths?.iter().find(|path| path.starts_with('/'))?,
            };
            Some(Self {
                base: format!(
                    "{}{}",
                    proxy.as_str().trim_end_matches('/'),
                    path.trim_end_matches('/')
                ),
                host,
                pretends_tls: proxy.scheme() == "http",
            })
        })
    }

    pub fn url(&self, end_point: &str) -> String {
        format!("{}/oauth2/{end_point}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(json: serde_json::Value) -> Route {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_first_route_that_a_post_can_take_is_used() {
        let proxy = Url::parse("http://kong:8000/").unwrap();
        let place = |routes: &[Route]| {
            let place = Place::find(&proxy, routes)?;
            Some((place.url("token"), place.host))
        };
        let get = route(serde_json::json!({"paths": ["/read"], "methods": ["GET"]}));
        let pattern = route(serde_json::json!({"paths": ["~/a.*"]}));
        let plain = route(serde_json::json!({"paths": ["/pets/v1/"]}));
        let named = route(serde_json::json!({"hosts": ["*.a.example", "pets.example"]}));
        assert_eq!(
            place(&[get.clone(), pattern.clone(), plain]),
            Some(("http://kong:8000/pets/v1/oauth2/token".to_owned(), None))
        );
        assert_eq!(
            place(&[named]),
            Some((
                "http://kong:8000/oauth2/token".to_owned(),
                Some("pets.example".to_owned())
            ))
        );
        assert_eq!(place(&[get, pattern, route(serde_json::json!({}))]), None);
    }
}
