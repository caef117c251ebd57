//! What `up` says once everything runs.

use config::Configuration;

use crate::cli::Up;

pub struct Banner {
    portal: String,
    gateway: String,
    admin: String,
    data: String,
    loopback: bool,
    /// Names of this machine in the configuration that lead to other ports than those in use.
    elsewhere: Vec<(String, u16)>,
}

fn elsewhere(options: &Up, configuration: &Configuration) -> Vec<(String, u16)> {
    let network = &configuration.globals.network;
    let named = [
        (&network.portal_host, options.ports.portal_port),
        (&network.api_host, options.ports.gateway_port),
    ];
    let is_elsewhere = |(host, port): &(&String, u16)| {
        let (name, named) = host.rsplit_once(':').unwrap_or((host, ""));
        matches!(name, "localhost" | "127.0.0.1") && named != port.to_string()
    };
    let elsewhere = named.into_iter().filter(is_elsewhere);
    elsewhere.map(|(host, port)| (host.clone(), port)).collect()
}

impl Banner {
    pub fn new(options: &Up, configuration: &Configuration) -> Self {
        let network = &configuration.globals.network;
        Self {
            portal: network.external_portal_url(),
            gateway: network.external_api_url(),
            admin: options.admin.clone(),
            data: options.data.display().to_string(),
            loopback: options.listen.is_loopback(),
            elsewhere: elsewhere(options, configuration),
        }
    }

    /// Prints where to click. `password` is there at the first start only.
    pub fn print(&self, password: Option<&str>) {
        let Self {
            portal,
            gateway,
            admin,
            data,
            ..
        } = self;
        say!("");
        say!("  Wicketgate {} is ready.", service::VERSION);
        say!("");
        say!("  Portal    {portal}/");
        say!("  Gateway   {gateway}/");
        say!("  Data      {data}");
        say!("");
        for (host, port) in &self.elsewhere {
            say!("  The configuration says {host}, but the port in use is {port}.");
        }
        if !self.elsewhere.is_empty() {
            say!("  Add --public-host localhost, or set PORTAL_NETWORK_PORTALHOST and");
            say!("  PORTAL_NETWORK_APIHOST: browsers are sent to what the configuration says.");
            say!("");
        }
        if let Some(password) = password {
            say!("  First administrator   {admin}");
            say!("  Password              {password}");
            say!("  It is shown this once. Log in and change it.");
        } else {
            say!("  Forgot the administrator's password? Stop, then run");
            say!("  wicketgate admin reset-password EMAIL");
        }
        say!("");
        if self.loopback {
            say!("  Only this machine can connect. To open portal and gateway to others:");
            say!("  wicketgate up --listen 0.0.0.0 --public-host NAME");
            say!("");
        }
    }
}
