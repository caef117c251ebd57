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
        let location = if self.keeps_path {
            let mut location = self.location.clone();
            location.set_path(exchange.uri.path());
            location.set_query(exchange.query());
            HeaderValue::from_str(location.as_str())
        } else {
            HeaderValue::from_str(self.location.as_str())
        };
        match location {
            Ok(location) => Answer::empty(self.status).header(LOCATION, location).into(),
            Err(_) => Answer::internal_error().into(),
        }
    }
}
