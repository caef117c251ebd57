//! Which addresses a listener may have (events-and-adapters B7): those of our own components, and
//! what [`service::http::check_foreign_url`] lets pass.

use ipnet::IpNet;
use service::http::check_foreign_url;
use url::Url;

use super::{own, row::listener};
use crate::{ApiError, AppState};

/// Checks a listener's URL when it is registered. Our own components lie inside the network.
pub fn check_url(id: &str, text: &str, allowed: &[IpNet]) -> Result<(), ApiError> {
    let refuse =
        |reason: &str| ApiError::invalid("url", "listener-url", format!("`url`: {reason}."));
    if own::is_component(id) {
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        return match url.scheme() {
            "http" | "https" => Ok(()),
            _ => Err(refuse("use http or https")),
        };
    }
    check_foreign_url(text, allowed)
        .map(drop)
        .map_err(|refused| refuse(&refused.to_string()))
}

/// The client for deliveries to `listener`; foreign ones are checked again at connect time.
pub fn client(state: &AppState, listener: &listener::Model) -> anyhow::Result<reqwest::Client> {
    if own::is_component(&listener.id) {
        return Ok(service::http::client());
    }
    check_foreign_url(&listener.url, &state.listener_networks)
        .map_err(|_| anyhow::anyhow!("blocked_address"))?;
    Ok(state.foreign_listeners.clone())
}
