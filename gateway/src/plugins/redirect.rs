use http::{HeaderValue, StatusCode, header::LOCATION};
use serde::Deserialize;
use url::Url;

use super::Verdict;
use crate::proxy::{Answer, Exchange};

#[derive(Deserialize)]
pub struct Config {
    status_code: u16,
    location: Url,
    keep_incoming_path: Option<bool>,
}

/// Sends the client elsewhere.
pub struct Redirect {
    status: StatusCode,
    location: Url,
    keeps_path: bool,
}

impl Redirect {
    pub fn new(config: Config) -> Result<Self, String> {
        Ok(Self {
            status: StatusCode::from_u16(config.status_code).map_err(|error| error.to_string())?,
            location: config.location,
            keeps_path: config.keep_incoming_path.unwrap_or(false),
        })
    }

    /// Host and scheme are always those of the configuration.
    pub fn access(&self, exchange: &Exchange<'_>) -> Verdict {
        let location = self.location(exchange.uri.path(), exchange.query());
        match HeaderValue::from_str(location.as_str()) {
            Ok(location) => Answer::empty(self.status).header(LOCATION, location).into(),
            Err(_) => Answer::internal_error().into(),
        }
    }

    fn location(&self, path: &str, query: Option<&str>) -> Url {
        let mut location = self.location.clone();
        if self.keeps_path {
            location.set_path(path);
            location.set_query(query);
        }
        location
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// No path leads to another host.
        #[test]
        fn the_place_is_always_the_configured_one(path in "/?(/|\\|@|:|%2f|\\.|[a-z])*|.{0,30}", query in prop::option::of(".{0,20}")) {
            let redirect = Redirect {
                status: StatusCode::FOUND,
                location: "https://shop.example:8443/start?a=1".parse().unwrap(),
                keeps_path: true,
            };
            let location = redirect.location(&path, query.as_deref());
            let again: Url = location.as_str().parse().unwrap();
            prop_assert_eq!(again.scheme(), "https");
            prop_assert_eq!(again.host_str(), Some("shop.example"));
            prop_assert_eq!(again.port(), Some(8443));
            prop_assert!(again.username().is_empty());
            prop_assert!(HeaderValue::from_str(location.as_str()).is_ok());
        }
    }
}
