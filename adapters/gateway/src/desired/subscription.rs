//! Approved subscription → consumer, credentials, limits, group (events-and-adapters C5, C16).

use std::collections::BTreeMap;

use kong::{Acl, Consumer, JwtSecret, KeyAuth, Kind, Plugin};
use sdk::types::{
    Api,
    apis::LifecycleState,
    credentials,
    snapshot::{SnapshotCredential, SnapshotSubscription},
};

use super::{
    context::{self, Context},
    plugins,
};
use crate::entity::{Entity, complete};

/// Who a subscription is to the gateway.
#[derive(Default)]
pub struct Identity {
    /// Consumer and group.
    pub entities: Vec<Entity>,
    /// Each with the id of the portal's credential behind it.
    pub credentials: Vec<(Entity, String)>,
}

/// The consumer's name, which the auth server splits at the first `$`.
pub fn username(subscription: &SnapshotSubscription) -> String {
    format!("{}${}", subscription.application, subscription.api)
}

/// Consumer, group and credentials. Empty where nothing is checked, or nobody may call any more.
pub fn identity(
    context: &Context,
    subscription: &SnapshotSubscription,
) -> Result<Identity, String> {
    let api = context.api(&subscription.api)?;
    if !has_consumers(api) {
        return Ok(Identity::default());
    }
    let ids = &context.settings.ids;
    let username = username(subscription);
    let tags = Some(ids.application_tags(&subscription.application));
    let consumer = Consumer {
        id: ids.consumer(&username),
        username: Some(username.clone()),
        custom_id: Some(subscription.id.clone()),
        tags: tags.clone(),
        ..Consumer::default()
    };
    let group = context::group(api);
    let acl = Acl {
        id: ids.acl(&username, group),
        consumer: Some(consumer.id.into()),
        group: group.to_owned(),
        tags,
        ..Acl::default()
    };
    Ok(Identity {
        entities: vec![complete(&consumer)?, complete(&acl)?],
        credentials: credentials(context, api, subscription, &consumer)?,
    })
}

fn has_consumers(api: &Api) -> bool {
    let called = matches!(
        context::state(api),
        LifecycleState::Published | LifecycleState::Deprecated
    );
    called && api.auth.as_deref() != Some("none")
}

fn credentials(
    context: &Context,
    api: &Api,
    subscription: &SnapshotSubscription,
    consumer: &Consumer,
) -> Result<Vec<(Entity, String)>, String> {
    // Two secrets of one client have the same verification keys, so they meet in one entity.
    let mut found = BTreeMap::new();
    for credential in &subscription.credentials {
        match credential.kind {
            credentials::Kind::Key => {
                let (key, fields) = api_key(context, credential, consumer)?;
                found.insert(key, (fields, credential.id.clone()));
            }
            credentials::Kind::Client => {
                let client_id = credential.client_id.as_deref();
                let client_id =
                    client_id
                        .or(subscription.client_id.as_deref())
                        .ok_or_else(|| {
                            format!("the credential `{}` has no client id", credential.id)
                        })?;
                for (key, fields) in verification_keys(context, api, client_id, consumer)? {
                    found.insert(key, (fields, credential.id.clone()));
                }
            }
        }
    }
    Ok(found
        .into_iter()
        .map(|(key, (fields, id))| ((key, fields), id))
        .collect())
}

fn api_key(
    context: &Context,
    credential: &SnapshotCredential,
    consumer: &Consumer,
) -> Result<Entity, String> {
    complete(&KeyAuth {
        id: context
            .settings
            .ids
            .credential(Kind::KeyAuth, &credential.digest),
        consumer: Some(consumer.id.into()),
        key_digest: Some(credential.digest.clone()),
        tags: consumer.tags.clone(),
        ..KeyAuth::default()
    })
}

/// One entity per published signing key, so that keys overlap while they rotate.
fn verification_keys(
    context: &Context,
    api: &Api,
    client_id: &str,
    consumer: &Consumer,
) -> Result<Vec<Entity>, String> {
    let mut entities = Vec::new();
    for server in context.token_rules(api)?.servers {
        for key in context.keys.get(server).into_iter().flatten() {
            let name = format!("{client_id}.{}", key.kid);
            let mut tags = consumer.tags.clone().unwrap_or_default();
            tags.push(crate::keys::server_tag(server));
            entities.push(complete(&JwtSecret {
                id: context.settings.ids.credential(Kind::JwtSecret, &name),
                consumer: Some(consumer.id.into()),
                key: name,
                algorithm: key.algorithm.clone(),
                rsa_public_key: Some(key.pem.clone()),
                tags: Some(tags),
                ..JwtSecret::default()
            })?);
        }
    }
    Ok(entities)
}

/// The plan's plugins on every API that the credentials open: one limit per API of a bundle.
pub fn limits(
    context: &Context,
    subscription: &SnapshotSubscription,
) -> Result<Vec<Entity>, String> {
    let api = context.api(&subscription.api)?;
    if !has_consumers(api) {
        return Ok(Vec::new());
    }
    let plan = context.plan(&subscription.plan)?;
    let ids = &context.settings.ids;
    let username = username(subscription);
    let mut entities = Vec::new();
    for member in context.bundle(api) {
        if context::state(member) == LifecycleState::Created {
            continue;
        }
        for configured in &plan.config.plugins {
            let plugin = Plugin {
                id: ids.plugin(&configured.name, &member.id, &username),
                service: Some(ids.service(&member.id).into()),
                consumer: Some(ids.consumer(&username).into()),
                tags: Some(ids.application_tags(&subscription.application)),
                ..plugins::rewritten(configured, &context.config.globals, "")
            };
            entities.push(complete(&plugin).map_err(|message| {
                format!(
                    "plan `{}`, plugin `{}`: {message}",
                    plan.id, configured.name
                )
            })?);
        }
    }
    Ok(entities)
}
