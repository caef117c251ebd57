//! Where the configuration comes from: a folder, a git repository, or the sample in the binary.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use config::{
    Environment, Origin, Start, Trouble,
    git::{Credentials, Mirror, RepositoryAddress, Source},
};
use portal_api::ConfigurationSource;
use service::settings;

/// What `--config` names: a folder, the address of a git repository, or the sample.
pub fn origin(config: Option<&str>, data: &Path) -> anyhow::Result<Origin> {
    match config {
        None => Ok(Origin::sample()),
        Some(text) if RepositoryAddress::looks_like_one(text) => {
            repository(text, data).context("--config")
        }
        Some(text) => Ok(Origin::Folder(PathBuf::from(text))),
    }
}

/// A git repository, with the `GIT_*` variables; its copy lies in the data folder.
pub fn repository(address: &str, data: &Path) -> anyhow::Result<Origin> {
    let source = Source {
        address: RepositoryAddress::parse(address)?,
        branch: settings::var("GIT_BRANCH"),
        revision: settings::var("GIT_REVISION"),
        credentials: Credentials {
            user_password: settings::secret("GIT_CREDENTIALS")?,
            ssh_key: settings::secret("GIT_SSH_KEY")?,
            known_hosts: settings::secret("GIT_SSH_KNOWN_HOSTS")?,
        },
    };
    Ok(Origin::Git(Mirror::new(source, &data.join("config"))?))
}

/// The configuration to start with, or why there is none.
pub async fn start(origin: &Origin, environment: &Environment) -> anyhow::Result<Start> {
    match attempt(origin, environment).await? {
        Ok(start) => Ok(start),
        Err(Trouble::Refused { problems, .. }) => {
            bail!("the configuration was refused:\n{problems}")
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// As [`start`]; the outer error is a failure of this program.
pub async fn attempt(
    origin: &Origin,
    environment: &Environment,
) -> anyhow::Result<Result<Start, Trouble>> {
    let (origin, environment) = (origin.clone(), environment.clone());
    let started = tokio::task::spawn_blocking(move || origin.start(&environment)).await?;
    if let Ok(start) = &started {
        for notice in &start.configuration.notices {
            tracing::warn!("configuration: {notice}");
        }
        if let Some(trouble) = &start.trouble {
            tracing::error!("an earlier configuration is served: {trouble}");
        }
    }
    Ok(started)
}

/// How newer configurations are found.
pub fn following(
    origin: Origin,
    environment: Environment,
    trouble: Option<Trouble>,
) -> anyhow::Result<ConfigurationSource> {
    let poll = settings::parsed("GIT_POLL_SECONDS")?.unwrap_or(60);
    Ok(ConfigurationSource {
        origin,
        environment,
        trouble,
        poll: Duration::from_secs(poll),
        hook_secret: settings::secret("GIT_HOOK_SECRET")?.map(Into::into),
    })
}
