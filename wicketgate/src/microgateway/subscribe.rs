use anyhow::{Context, anyhow, bail};
use sdk::types::{
    credentials::Kind,
    snapshot::{SnapshotCredential, SnapshotSubscription},
};
use service::keys::{Keys, Purpose};
use uuid::Uuid;

use super::project::{self, Project};
use crate::cli::Subscribe;

/// `wicketgate gateway subscribe`: an API key for a project that has no portal to make one.
pub fn subscribe(options: &Subscribe) -> anyhow::Result<()> {
    let project = Project::new(&options.project);
    let description = project.description()?;
    if !description.apis.contains(&options.api) {
        bail!("the project has no API `{}`", options.api);
    }
    let configuration = project::configuration(&options.project, None)?;
    let api = configuration.apis.iter().find(|api| api.id == options.api);
    let api = api.with_context(|| format!("apis/apis.json has no API `{}`", options.api))?;
    if !api.plans.contains(&options.plan) {
        bail!("the API `{}` has no plan `{}`", options.api, options.plan);
    }
    let held = format!("{}={}", Purpose::CredentialLookup, project.digest_key()?);
    let held = Keys::from_derived(&held).map_err(|_| anyhow!("digest-key: not 32 bytes"))?;
    let key = format!("wg_{}", service::random::token(32));
    let digest = held
        .derive(&Purpose::CredentialLookup)?
        .hmac_sha256(key.as_bytes());
    let digest = hex::encode(digest);
    let mut subscriptions = project.subscriptions()?;
    let credential = SnapshotCredential {
        id: Uuid::new_v4().to_string(),
        kind: Kind::Key,
        digest,
        key: None,
        client_id: None,
        client_secret: None,
        expires_at: None,
    };
    let known = subscriptions
        .iter_mut()
        .find(|one| one.application == options.application && one.api == options.api);
    match known {
        Some(known) => {
            known.plan.clone_from(&options.plan);
            known.credentials.push(credential);
        }
        None => subscriptions.push(SnapshotSubscription {
            id: Uuid::new_v4().to_string(),
            application: options.application.clone(),
            api: options.api.clone(),
            plan: options.plan.clone(),
            auth: Some("key-auth".to_owned()),
            client_id: None,
            credentials: vec![credential],
        }),
    }
    project.write_subscriptions(&subscriptions)?;
    eprintln!("The project holds only its digest: this is the one time that the key is shown.");
    say!("{key}");
    Ok(())
}
