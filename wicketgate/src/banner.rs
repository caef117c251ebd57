//! What `up` says once everything runs.

use config::Configuration;

use crate::cli::Up;

pub struct Banner {
    portal: String,
    gateway: String,
    admin: String,
    data: String,
    loopback: bool,
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
        }
    }

    /// Prints where to click. `password` is there at the first start only.
    #[expect(
        clippy::print_stdout,
        reason = "this is for the person at the terminal"
    )]
    pub fn print(&self, password: Option<&str>) {
        let Self {
            portal,
            gateway,
            admin,
            data,
            ..
        } = self;
        println!();
        println!("  Wicketgate {} is ready.", service::VERSION);
        println!();
        println!("  Portal    {portal}/");
        println!("  Gateway   {gateway}/");
        println!("  Data      {data}");
        println!();
        if let Some(password) = password {
            println!("  First administrator   {admin}");
            println!("  Password              {password}");
            println!("  It is shown this once. Log in and change it.");
        } else {
            println!("  Forgot the administrator's password? Stop, then run");
            println!("  wicketgate admin reset-password EMAIL");
        }
        println!();
        if self.loopback {
            println!("  Only this machine can connect. To open portal and gateway to others:");
            println!("  wicketgate up --listen 0.0.0.0 --public-host NAME");
            println!();
        }
    }
}
