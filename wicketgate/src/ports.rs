//! Which port each part listens on, and binding them with an error that helps.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

use anyhow::{Context, bail};
use service::ServiceName;

/// A listening socket of `wicketgate up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    pub what: &'static str,
    pub number: u16,
    /// The option that moves it.
    pub option: &'static str,
    /// Whether `--listen` opens it; all others stay on loopback.
    pub public: bool,
}

#[expect(
    clippy::struct_field_names,
    reason = "they become the names of the options"
)]
/// The ports of all parts, each settable.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Ports {
    /// Port of the portal's pages
    #[arg(long, default_value_t = own(ServiceName::Portal), value_name = "PORT")]
    pub portal_port: u16,
    /// Port of portal-api
    #[arg(long, default_value_t = own(ServiceName::PortalApi), value_name = "PORT")]
    pub api_port: u16,
    /// Port of the gateway adapter
    #[arg(long, default_value_t = own(ServiceName::GatewayAdapter), value_name = "PORT")]
    pub adapter_port: u16,
    /// Port of the mailer
    #[arg(long, default_value_t = own(ServiceName::Mailer), value_name = "PORT")]
    pub mailer_port: u16,
    /// Port of the chatbot
    #[arg(long, default_value_t = own(ServiceName::Chatbot), value_name = "PORT")]
    pub chatbot_port: u16,
    /// Port of the sample backends and the echo service
    #[arg(long, default_value_t = 3009, value_name = "PORT")]
    pub echo_port: u16,
    /// Port of the auth server
    #[arg(long, default_value_t = own(ServiceName::AuthServer), value_name = "PORT")]
    pub auth_port: u16,
    /// Port of the gateway, where APIs are called
    #[arg(long, default_value_t = own(ServiceName::Gateway), value_name = "PORT")]
    pub gateway_port: u16,
    /// Port of the gateway's Admin API
    #[arg(long, default_value_t = 8001, value_name = "PORT")]
    pub gateway_admin_port: u16,
    /// Port of the gateway's status pages
    #[arg(long, default_value_t = 8007, value_name = "PORT")]
    pub gateway_status_port: u16,
}

/// The port of a service that runs alone, unless `PORT` moves it.
pub const fn own(service: ServiceName) -> u16 {
    match service {
        ServiceName::Portal => 3000,
        ServiceName::PortalApi => 3001,
        ServiceName::GatewayAdapter => 3002,
        ServiceName::Mailer => 3003,
        ServiceName::Chatbot => 3004,
        ServiceName::AuthServer => 3010,
        ServiceName::Gateway => 8000,
    }
}

impl Ports {
    /// Every port with its name, in the order of the banner.
    pub const fn all(&self) -> [Port; 10] {
        const fn port(what: &'static str, number: u16, option: &'static str, public: bool) -> Port {
            Port {
                what,
                number,
                option,
                public,
            }
        }
        [
            port("portal", self.portal_port, "--portal-port", true),
            port("gateway", self.gateway_port, "--gateway-port", true),
            port("portal-api", self.api_port, "--api-port", false),
            port(
                "gateway adapter",
                self.adapter_port,
                "--adapter-port",
                false,
            ),
            port("mailer", self.mailer_port, "--mailer-port", false),
            port("chatbot", self.chatbot_port, "--chatbot-port", false),
            port("echo service", self.echo_port, "--echo-port", false),
            port("auth server", self.auth_port, "--auth-port", false),
            port(
                "gateway Admin API",
                self.gateway_admin_port,
                "--gateway-admin-port",
                false,
            ),
            port(
                "gateway status",
                self.gateway_status_port,
                "--gateway-status-port",
                false,
            ),
        ]
    }
}

impl Port {
    /// The address to listen on; `public` is the one given with `--listen`.
    pub fn address(&self, public: IpAddr) -> SocketAddr {
        let ip = if self.public {
            public
        } else {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        };
        SocketAddr::new(ip, self.number)
    }

    /// Binds the port; a taken one is named together with the option that moves it.
    pub fn bind(&self, public: IpAddr) -> anyhow::Result<TcpListener> {
        let address = self.address(public);
        bind(address, self.what, self.option)
    }
}

/// Binds `address` for use by tokio.
pub fn bind(address: SocketAddr, what: &str, setting: &str) -> anyhow::Result<TcpListener> {
    let listener = match TcpListener::bind(address) {
        Ok(listener) => listener,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => bail!(
            "port {} ({what}) is taken by another program; stop it, or choose another port with {setting}",
            address.port(),
        ),
        Err(error) => bail!("cannot listen on {address} ({what}): {error}; see {setting}"),
    };
    listener
        .set_nonblocking(true)
        .context("cannot make a socket non-blocking")?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_the_option_that_moves_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = bind(taken.local_addr().unwrap(), "portal", "--portal-port").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&taken.local_addr().unwrap().port().to_string()),
            "{text}"
        );
        assert!(text.contains("--portal-port"), "{text}");
    }
}
