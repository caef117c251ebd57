//! Where the services find each other.

use std::net::IpAddr;

use url::Url;

use crate::ports::Ports;

/// Internal addresses of all services; every URL ends in `/`.
#[derive(Clone, Debug)]
pub struct Neighbours {
    pub portal_api: Url,
    pub portal: Url,
    /// Base path included.
    pub auth_server: Url,
    pub adapter: Url,
    pub mailer: Url,
    pub chatbot: Url,
    pub echo: Url,
    pub gateway: Url,
    pub gateway_admin: Url,
}

impl Neighbours {
    /// All on this machine, on the ports of `up`. `public` is the address given with `--listen`:
    /// portal and gateway may not listen on loopback then.
    pub fn local(ports: &Ports, public: IpAddr) -> Self {
        let on = |ip: IpAddr, port: u16, path: &str| {
            let address = std::net::SocketAddr::new(ip, port);
            Url::parse(&format!("http://{address}{path}")).expect("an address makes a valid URL")
        };
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let public = if public.is_unspecified() {
            loopback
        } else {
            public
        };
        Self {
            portal_api: on(loopback, ports.api_port, "/"),
            portal: on(public, ports.portal_port, "/"),
            auth_server: on(loopback, ports.auth_port, "/auth/"),
            adapter: on(loopback, ports.adapter_port, "/"),
            mailer: on(loopback, ports.mailer_port, "/"),
            chatbot: on(loopback, ports.chatbot_port, "/"),
            echo: on(loopback, ports.echo_port, "/"),
            gateway: on(public, ports.gateway_port, "/"),
            gateway_admin: on(loopback, ports.gateway_admin_port, "/"),
        }
    }

    /// The members of `globals.network` that say the same.
    pub fn network(&self) -> impl Iterator<Item = (String, String)> {
        [
            ("apiUrl", &self.portal_api),
            ("portalUrl", &self.portal),
            ("kongAdapterUrl", &self.adapter),
            ("kongAdminUrl", &self.gateway_admin),
            ("kongProxyUrl", &self.gateway),
            ("mailerUrl", &self.mailer),
            ("chatbotUrl", &self.chatbot),
        ]
        .into_iter()
        .map(|(name, url)| (name.to_owned(), url.to_string()))
    }
}
