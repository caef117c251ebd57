//! The document of a configuration, without any service running.

use sdk::types::{Snapshot, gateway::GatewayProblem};
use serde_json::Value;
use service::{
    keys::{Keys, MasterKey, Purpose},
    settings::var,
};

use crate::{
    desired::{self, Context},
    document,
    ids::Ids,
    keys::KeysByServer,
    target::Target,
};

/// A document, and what could not be part of it.
pub struct Printed {
    /// Secrets are masked.
    pub document: Value,
    pub problems: Vec<GatewayProblem>,
}

/// What the gateway that the configuration names would be given. `snapshot` is what portal-api
/// makes of the configuration.
pub fn print(snapshot: Value) -> anyhow::Result<Printed> {
    let snapshot: Snapshot = serde_json::from_value(snapshot)?;
    // None of these secrets is shown.
    let keys = Keys::from_master(MasterKey::generate());
    let settings = desired::Settings {
        ids: Ids::new(var("WICKETGATE_INSTANCE").as_deref().unwrap_or("main")),
        digest_key: keys.derive(&Purpose::CredentialLookup)?.base64url(),
        usage_endpoint: "http://portal-kong-adapter:3002/usage".to_owned(),
        usage_token: keys.derive(&Purpose::UsageIntake)?.base64url(),
        introspection_token: keys.derive(&Purpose::Introspection)?.base64url(),
        redis: None,
        provision: keys.derive(&Purpose::Provision)?,
    };
    let gateway = snapshot.globals.gateway.as_ref();
    let is_embedded = gateway.and_then(|gateway| gateway.kind.as_deref()) == Some("embedded");
    let target = if is_embedded {
        Target::embedded()
    } else {
        Target::unseen_kong()
    };
    let no_keys = KeysByServer::new();
    let context = Context::new(&settings, &snapshot, &no_keys, &target);
    let desired = desired::of_snapshot(&context, &snapshot);
    let shown = desired.entities.masked();
    let text = document::render(&shown, target.version, None, None);
    Ok(Printed {
        document: serde_json::from_slice(&text)?,
        problems: desired.problems,
    })
}
