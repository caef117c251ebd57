//! Where the configuration comes from: a folder, a git repository, or the sample in the binary.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::bail;
use config::{Configuration, Environment, git::RepositoryAddress};

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
            Some(text) if RepositoryAddress::looks_like_one(text) => Self::Git(text.to_owned()),
            Some(text) => Self::Folder(PathBuf::from(text)),
        }
    }

    /// The folder to read, fetched where necessary; `None` for the sample, which is in memory.
    async fn folder(&self, data: &Path) -> anyhow::Result<Option<PathBuf>> {
        match self {
            Self::Sample => Ok(None),
            Self::Folder(folder) => Ok(Some(folder.clone())),
            Self::Git(url) => crate::tools::clone(url, data).await.map(Some),
        }
    }

    /// Reads and checks the configuration; every problem is in the error.
    pub async fn load(
        &self,
        data: &Path,
        environment: Environment,
    ) -> anyhow::Result<Arc<Configuration>> {
        let folder = self.folder(data).await?;
        let loaded = tokio::task::spawn_blocking(move || match folder {
            Some(folder) => Configuration::load(&folder, &environment),
            None => Configuration::sample(&environment),
        });
        match loaded.await? {
            Ok(loaded) => {
                for notice in &loaded.notices {
                    tracing::warn!("configuration: {notice}");
                }
                Ok(loaded.configuration)
            }
            Err(problems) => bail!("the configuration was refused:\n{problems}"),
        }
    }
}
