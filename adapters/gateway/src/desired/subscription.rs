//! Approved subscription → consumer, credentials, limits, group (events-and-adapters C5, C16).

use std::collections::BTreeMap;

use kong::{Acl, Consumer, JwtSecret, KeyAuth, Kind, Oauth2, Plugin};
use sdk::types::{
    Api,
    apis::LifecycleState,
    credentials,
    snapshot::{SnapshotCredential, SnapshotSubscription},
};

use super::{
    context::{self, Context, TokenMode},
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
    /// What is wrong with single credentials; the others work.
    pub faults: Vec<String>,
}

/// Kong refuses a client without redirect URI; this one leads nowhere.
const NO_REDIRECT: &str = "https://dummy.org";

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
    let mut identity = Identity {
        entities: vec![complete(&consumer)?, complete(&acl)?],
        ..Identity::default()
    };
    credentials(context, api, subscription, &consumer, &mut identity)?;
    Ok(identity)
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
    identity: &mut Identity,
) -> Result<(), String> {
    // Two secrets of one client have the same verification keys, so they meet in one entity; so
    // do they as clients of Kong, which knows one secret per client: the newest.
    let mut found = BTreeMap::new();
    for credential in &subscription.credentials {
        let entities = match credential.kind {
            credentials::Kind::Key => {
                if !context.target.is_embedded() && credential.key.is_none() {
                    identity.faults.push(format!(
                        "the key `{}` is kept as a digest only, and Kong needs it in clear: it \
                         has to be rotated",
                        credential.id
                    ));
                    continue;
                }
                vec![api_key(context, credential, consumer)?]
            }
            credentials::Kind::Client => {
                let client_id = credential.client_id.as_deref();
                let client_id =
                    client_id
                        .or(subscription.client_id.as_deref())
                        .ok_or_else(|| {
                            format!("the credential `{}` has no client id", credential.id)
                        })?;
                match context.token_rules(api)?.mode {
                    TokenMode::Jwt => verification_keys(context, api, client_id, consumer)?,
                    // The auth server says whose a token is.
                    TokenMode::Asked => continue,
                    TokenMode::KongOauth2 if credential.client_secret.is_none() => {
                        identity.faults.push(format!(
                            "the secret of client `{client_id}` is kept as a digest only, and \
                             Kong needs it in clear: it has to be rotated"
                        ));
                        continue;
                    }
                    TokenMode::KongOauth2 => {
                        vec![client(
                            context,
                            subscription,
                            credential,
                            client_id,
                            consumer,
                        )?]
                    }
                }
            }
        };
        for (key, fields) in entities {
            found.insert(key, (fields, credential.id.clone()));
        }
    }
    let found = found.into_iter();
    identity.credentials = found
        .map(|(key, (fields, id))| ((key, fields), id))
        .collect();
    Ok(())
}

fn api_key(
    context: &Context,
    credential: &SnapshotCredential,
    consumer: &Consumer,
) -> Result<Entity, String> {
    let in_clear = credential.key.as_ref().map(|key| key.expose().to_owned());
    let is_embedded = context.target.is_embedded();
    complete(&KeyAuth {
        id: context
            .settings
            .ids
            .credential(Kind::KeyAuth, &credential.digest),
        consumer: Some(consumer.id.into()),
        key: in_clear.filter(|_| !is_embedded),
        key_digest: is_embedded.then(|| credential.digest.clone()),
        tags: consumer.tags.clone(),
        ..KeyAuth::default()
    })
}

/// A client of Kong's OAuth 2.0 plugin. Public ones, too, have a secret there: the auth server adds
/// it to what they send.
fn client(
    context: &Context,
    subscription: &SnapshotSubscription,
    credential: &SnapshotCredential,
    client_id: &str,
    consumer: &Consumer,
) -> Result<Entity, String> {
    let uris = context.redirect_uris(&subscription.application);
    let uris = match uris {
        [] => vec![NO_REDIRECT.to_owned()],
        uris => uris.to_vec(),
    };
    let secret = credential.client_secret.as_ref();
    complete(&Oauth2 {
        id: context.settings.ids.credential(Kind::Oauth2, client_id),
        consumer: Some(consumer.id.into()),
        name: subscription.application.clone(),
        client_id: client_id.to_owned(),
        client_secret: secret.map(|secret| secret.expose().to_owned()),
        redirect_uris: Some(uris),
        client_type: "confidential".to_owned(),
        tags: consumer.tags.clone(),
        ..Oauth2::default()
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
                ..plugins::rewritten(context, configured, "")
            };
            entities.push(context.target.plugin(&plugin).map_err(|message| {
                format!(
                    "plan `{}`, plugin `{}`: {message}",
                    plan.id, configured.name
                )
            })?);
        }
    }
    Ok(entities)
}
