use std::{collections::BTreeSet, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use gateway_adapter::microgateway::{self, Input};
use sdk::types::Snapshot;
use service::keys::Purpose;

use super::{
    artefact::Artefact,
    project::{self, Project},
    signature::PrivateKey,
};
use crate::{
    cli::{self, Build},
    keys,
};

/// `wicketgate gateway build`
pub async fn build(options: Build) -> anyhow::Result<ExitCode> {
    tokio::task::spawn_blocking(move || build_now(&options)).await?
}

fn build_now(options: &Build) -> anyhow::Result<ExitCode> {
    let project = Project::new(&options.project);
    let description = project.description()?;
    let key = options
        .sign_with
        .as_deref()
        .map(PrivateKey::read)
        .transpose()?;
    let configuration = project::configuration(&options.project, options.environment.clone())?;
    let snapshot = portal_api::gateway::of_configuration(&configuration);
    let mut snapshot: Snapshot = serde_json::from_value(snapshot)?;
    let wanted: BTreeSet<&str> = description.apis.iter().map(String::as_str).collect();
    snapshot.apis.retain(|api| wanted.contains(api.id.as_str()));
    if let Some(missing) = description
        .apis
        .iter()
        .find(|id| snapshot.apis.iter().all(|api| api.id != **id))
    {
        bail!("microgateway.json names the API `{missing}`, which apis/apis.json does not have");
    }
    snapshot.subscriptions = project.subscriptions()?;
    snapshot
        .subscriptions
        .retain(|subscription| wanted.contains(subscription.api.as_str()));
    let input = Input {
        snapshot,
        key_sets: project.key_sets()?,
        digest_key: project.digest_key()?,
        instance: description.instance,
        introspection_token: introspection_token()?,
        allowed: options.allow.iter().copied().map(Into::into).collect(),
    };
    let output = match microgateway::build(&input) {
        Ok(output) => output,
        Err(problems) => {
            for problem in &problems {
                eprintln!("{} `{}`: {}", problem.kind, problem.id, problem.message);
            }
            eprintln!("Nothing was built.");
            return Ok(ExitCode::FAILURE);
        }
    };
    let (name, subscriptions) = (description.name, input.snapshot.subscriptions.len());
    let apis = description.apis.join(", ");
    let artefact = Artefact::new(name, description.apis, output.expires, output.document);
    let bytes = artefact.to_bytes(key.as_ref())?;
    let path = write(options, &bytes)?;
    say!("{path}: {apis}; subscriptions: {subscriptions}");
    Ok(ExitCode::SUCCESS)
}

impl From<cli::Outside> for microgateway::Outside {
    fn from(outside: cli::Outside) -> Self {
        match outside {
            cli::Outside::Redis => Self::Redis,
            cli::Outside::Oauth2 => Self::Oauth2,
            cli::Outside::Introspection => Self::Introspection,
        }
    }
}

/// Only a build that may ask somebody about tokens needs it.
fn introspection_token() -> anyhow::Result<Option<String>> {
    let Some(keys) = keys::from_environment()? else {
        return Ok(None);
    };
    Ok(keys
        .derive(&Purpose::Introspection)
        .ok()
        .map(|key| key.base64url()))
}

fn write(options: &Build, artefact: &[u8]) -> anyhow::Result<String> {
    if let Some(folder) = &options.container {
        project::write(&folder.join(FILE), artefact)?;
        project::write(&folder.join("Dockerfile"), DOCKERFILE.as_bytes())?;
        return Ok(folder.display().to_string());
    }
    let path = if let Some(path) = &options.out {
        path.clone()
    } else {
        let folder = options.project.canonicalize()?;
        let name = folder
            .file_name()
            .context("the project is the root folder")?;
        Path::new(name).with_extension(EXTENSION)
    };
    project::write(&path, artefact)?;
    Ok(path.display().to_string())
}

const EXTENSION: &str = "microgateway";
const FILE: &str = "artefact.microgateway";
const DOCKERFILE: &str = include_str!("Dockerfile");
