//! Which addresses a listener may have (events-and-adapters B7), and the clients that hold to it.
//!
//! Checked twice: the text when a listener is registered, and the address that its name leads to
//! whenever a connection is made.

use config::{Configuration, globals::Viewer};
use reqwest::Client;
use service::http::{Permissions, Refused};
use url::{Host, Url};

use super::{own, row::listener};
use crate::{ApiError, settings::EventSettings};

/// Reason of a delivery that went nowhere.
pub const BLOCKED: &str = "blocked_address";

/// Ways out of this process.
pub struct Doors {
    /// For listeners of the installation: may lead to hosts inside that the operator has named.
    installation: (Permissions, Client),
    /// For listeners of application owners: never inside, unless the operator allows a network.
    applications: (Permissions, Client),
}

impl Doors {
    pub fn new(settings: &EventSettings, configuration: &Configuration) -> Self {
        let components = component_urls(configuration);
        let hosts = settings.hosts.clone().unwrap_or_else(|| {
            let hosts = components.iter().filter_map(Url::host_str);
            hosts.map(str::to_owned).collect()
        });
        let ports = settings.ports.clone().map(|mut ports| {
            ports.extend(components.iter().filter_map(Url::port_or_known_default));
            ports
        });
        let inside = Permissions {
            networks: settings.networks.clone(),
            hosts,
            ports,
        };
        let outside = Permissions {
            hosts: Vec::new(),
            ..inside.clone()
        };
        Self {
            installation: (inside.clone(), inside.client()),
            applications: (outside.clone(), outside.client()),
        }
    }

    /// Checks the address of a listener that is registered. `of_application`: by an owner.
    pub fn check(&self, id: &str, text: &str, of_application: bool) -> Result<(), ApiError> {
        let refuse =
            |reason: &str| ApiError::invalid("url", "listener-url", format!("`url`: {reason}."));
        if own::is_component(id) {
            let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
            return match url.scheme() {
                "http" | "https" => Ok(()),
                _ => Err(refuse("use http or https")),
            };
        }
        let (permissions, _) = self.of(of_application);
        permissions
            .check(text)
            .map(drop)
            .map_err(|refused| refuse(&refused.to_string()))
    }

    /// The client for requests to `listener`; its address as it is allowed now.
    pub fn client(&self, listener: &listener::Model) -> Result<Client, Refused> {
        if own::is_component(&listener.id) {
            return Ok(service::http::client());
        }
        let (permissions, client) = self.of(listener.application_id.is_some());
        permissions.check(&listener.url)?;
        Ok(client.clone())
    }

    const fn of(&self, application: bool) -> &(Permissions, Client) {
        if application {
            &self.applications
        } else {
            &self.installation
        }
    }
}

/// Where our own components are, as far as the configuration tells. Those on this machine are left
/// out: other things listen here, too.
fn component_urls(configuration: &Configuration) -> Vec<Url> {
    let globals = configuration.globals.view(Viewer::GatewayAdapter);
    ["kongAdapterUrl", "mailerUrl", "chatbotUrl"]
        .into_iter()
        .filter_map(|name| Url::parse(globals["network"][name].as_str()?).ok())
        .filter(|url| match url.host() {
            Some(Host::Domain(name)) => name != "localhost",
            Some(Host::Ipv4(address)) => !address.is_loopback(),
            Some(Host::Ipv6(address)) => !address.is_loopback(),
            None => false,
        })
        .collect()
}
