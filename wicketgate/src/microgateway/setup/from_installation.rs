use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, bail};
use gateway_adapter::microgateway::fetch_key_sets;
use sdk::{
    Client,
    client::{Auth, SnapshotAnswer},
    types::Snapshot,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::{ServiceName, keys::Purpose, token::Identity};
use url::Url;

use super::parts::{Live, Parts};
use crate::keys;

/// The chosen APIs of a running installation, with who may call them.
pub async fn read(address: &Url, data: &Path, apis: &[String]) -> anyhow::Result<Parts> {
    let keys = keys::find(data)?.with_context(|| {
        format!(
            "portal-api asks for proof, and there is no key in `{}` (--data): set \
             WICKETGATE_DERIVED_KEYS to what `wicketgate keys derive --for gateway-adapter` prints",
            data.display()
        )
    })?;
    let derived = keys.derive(&Purpose::CredentialLookup)?.base64url();
    let identity = Identity::new(ServiceName::GatewayAdapter, keys);
    let client = Client::new(address.clone(), Auth::Service(identity));
    let answer = client.snapshot(None).await;
    let answer = answer.with_context(|| format!("cannot ask portal-api at {address}"))?;
    let SnapshotAnswer::Changed { mut snapshot, .. } = answer else {
        bail!("portal-api at {address} said nothing");
    };
    let mut parts = of_snapshot(&snapshot, apis)?;
    let is_needed = |name: &str| parts.auth_servers.contains_key(name);
    snapshot
        .auth_servers
        .retain(|server| is_needed(&server.id) || is_needed(&server.name));
    let key_sets = match fetch_key_sets(&snapshot).await {
        Ok(key_sets) => key_sets,
        Err(reason) => {
            parts.hints.push(format!(
                "The public keys of the auth server could not be read ({reason}): save them as \
                 keys/<auth server>.json"
            ));
            BTreeMap::new()
        }
    };
    let digest_key = snapshot.digest_key.as_ref();
    let digest_key = digest_key.map_or(derived, |key| key.expose().to_owned());
    let mut subscriptions = snapshot.subscriptions;
    subscriptions.retain(|subscription| apis.contains(&subscription.api));
    parts.live = Some(Live {
        subscriptions,
        digest_key,
        key_sets,
    });
    Ok(parts)
}

fn of_snapshot(snapshot: &Snapshot, apis: &[String]) -> anyhow::Result<Parts> {
    let mut globals = object(&snapshot.globals)?;
    globals.retain(|name, _| matches!(name.as_str(), "network" | "api"));
    globals.insert("version".to_owned(), json!(config::NEWEST_VERSION));
    globals.insert("title".to_owned(), json!("Microgateway"));
    let mut parts = Parts {
        globals,
        ..Parts::default()
    };
    for id in apis {
        let api = snapshot.apis.iter().find(|api| api.id == *id);
        let mut api = object(api.with_context(|| format!("--api: there is no API `{id}`"))?)?;
        let config = api.remove("config").unwrap_or_else(|| json!({}));
        parts.apis.push(Value::Object(api));
        parts.configs.insert(id.clone(), config);
    }
    for plan in &snapshot.plans {
        parts.plans.push(Value::Object(object(plan)?));
    }
    for server in &snapshot.auth_servers {
        let mut fields = object(server)?;
        fields.remove("id");
        let id = Some(&server.id).filter(|id| !id.is_empty());
        let id = id.unwrap_or(&server.name).clone();
        parts.auth_servers.insert(id, Value::Object(fields));
    }
    parts.reduce();
    Ok(parts)
}

/// Without members that say nothing.
fn object(value: &impl Serialize) -> anyhow::Result<Map<String, Value>> {
    let Value::Object(mut fields) = serde_json::to_value(value)? else {
        bail!("not an object");
    };
    fields.retain(|_, value| !value.is_null());
    Ok(fields)
}
