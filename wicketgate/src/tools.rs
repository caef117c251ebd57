//! Commands that work on files and then end.

mod configuration;
mod gateway;
mod mail;

use service::{
    ServiceName,
    keys::{MasterKey, Purpose},
};

use crate::{cli::Keys, keys};

pub use configuration::{config, init};
pub use gateway::gateway;
pub use mail::mail;

/// `wicketgate keys`
pub fn keys(command: Keys) -> anyhow::Result<()> {
    match command {
        Keys::Generate => println!("{}", MasterKey::generate().to_text()),
        Keys::Derive { service, data } => {
            let keys = keys::from_environment_or_file(&data)?;
            for purpose in purposes(service) {
                println!("{purpose}={}", keys.derive(&purpose)?.base64url());
            }
        }
    }
    Ok(())
}

/// What a service needs to work without the master key.
fn purposes(service: ServiceName) -> Vec<Purpose> {
    let own = Purpose::ServiceToken(service);
    match service {
        ServiceName::Portal => vec![own, Purpose::Cookie, Purpose::PortalClient],
        ServiceName::GatewayAdapter => vec![
            own,
            Purpose::Listener(service.wire_name().to_owned()),
            Purpose::CredentialLookup,
            Purpose::UsageIntake,
            Purpose::Provision,
            Purpose::Introspection,
        ],
        ServiceName::Mailer | ServiceName::Chatbot => {
            let mut purposes = vec![
                own,
                Purpose::Listener(service.wire_name().to_owned()),
                Purpose::Queue(service),
            ];
            if service == ServiceName::Mailer {
                purposes.push(Purpose::Unsubscribe);
            }
            purposes
        }
        // These two check the tokens of all others and keep secrets: only the master key will do.
        ServiceName::PortalApi | ServiceName::AuthServer | ServiceName::Gateway => Vec::new(),
    }
}
