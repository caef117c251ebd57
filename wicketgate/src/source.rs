//! Where the configuration comes from: a folder, a git repository, or the sample in the binary.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use config::{Configuration, Environment, Problems, Severity};
use service::settings;

/// A configuration as `--config` names it.
#[derive(Clone, Debug)]
pub enum Source {
    Sample,
    Folder(PathBuf),
    Git(String),
}

impl Source {
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            None => Self::Sample,
            Some(text) if is_git_url(text) => Self::Git(text.to_owned()),
            Some(text) => Self::Folder(PathBuf::from(text)),
        }
    }

    /// The folder to read, fetched or written below `data` where necessary.
    async fn folder(&self, data: &Path) -> anyhow::Result<PathBuf> {
        match self {
            Self::Folder(folder) => Ok(folder.clone()),
            Self::Sample => {
                let folder = data.join("sample-config");
                let target = folder.clone();
                tokio::task::spawn_blocking(move || config::sample::write_to(&target)).await?
                    .with_context(|| format!("cannot write {}", folder.display()))?;
                Ok(folder)
            }
            Self::Git(url) => crate::tools::clone(url, data).await,
        }
    }

    /// Reads and checks the configuration; every problem is in the error.
    pub async fn load(
        &self,
        data: &Path,
        environment: Environment,
    ) -> anyhow::Result<Arc<Configuration>> {
        let folder = self.folder(data).await?;
        let loaded = tokio::task::spawn_blocking(move || Configuration::load(&folder, &environment));
        match loaded.await? {
            Ok(loaded) => {
                for notice in loaded.notices.iter() {
                    tracing::warn!("configuration: {notice}");
                }
                Ok(loaded.configuration)
            }
            Err(problems) => bail!("the configuration was refused:\n{problems}"),
        }
    }
}

fn is_git_url(text: &str) -> bool {
    text.contains("://") || text.starts_with("git@") || Path::new(text).extension().is_some_and(|e| e == "git")
}
