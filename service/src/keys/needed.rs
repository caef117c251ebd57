//! Which keys a service needs, so that it need not be given the master key.

use std::fmt::Write;

use super::{Keys, MissingKey, Purpose};
use crate::ServiceName;

impl Keys {
    /// The keys that `service` needs, in the form that [`Keys::from_derived`] reads. None for
    /// services that only the master key will do for: portal-api and auth server check the tokens of
    /// all others and keep secrets, and the gateway needs nobody.
    pub fn needed_by(&self, service: ServiceName) -> Result<String, MissingKey> {
        let mut text = String::new();
        for purpose in purposes(service) {
            let key = self.derive(&purpose)?.to_text();
            writeln!(text, "{purpose}={key}").expect("a text takes everything");
        }
        Ok(text)
    }
}

fn purposes(service: ServiceName) -> Vec<Purpose> {
    let own = Purpose::ServiceToken(service);
    let listener = Purpose::Listener(service.wire_name().to_owned());
    match service {
        ServiceName::Portal => vec![own, Purpose::Cookie, Purpose::PortalClient],
        ServiceName::GatewayAdapter => vec![
            own,
            listener,
            Purpose::CredentialLookup,
            Purpose::UsageIntake,
            Purpose::Provision,
            Purpose::Introspection,
        ],
        ServiceName::Mailer => vec![own, listener, Purpose::Queue(service), Purpose::Unsubscribe],
        ServiceName::Chatbot => vec![own, listener, Purpose::Queue(service)],
        ServiceName::PortalApi | ServiceName::AuthServer | ServiceName::Gateway => Vec::new(),
    }
}
