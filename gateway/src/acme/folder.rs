//! What outlasts the process: account and certificates, a folder for each authority.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use instant_acme::AccountCredentials;
use serde::{Deserialize, Serialize};
use url::Url;

use super::held::Held;

const ACCOUNT: &str = "account.json";

pub struct Folder(PathBuf);

/// The account, and what answers the authority's questions.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    pub thumbprint: String,
    #[serde(flatten)]
    pub credentials: AccountCredentials,
}

impl Folder {
    pub fn new(state_dir: &Path, directory: &Url) -> Self {
        let address = directory.as_str().trim_start_matches("https://");
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '.' || sign == '-';
        let name = address.replace(|sign| !is_plain(sign), "_");
        Self(state_dir.join("acme").join(name))
    }

    /// Nothing if there is none yet. One that cannot be used is for its owner to put right.
    pub async fn account(&self) -> anyhow::Result<Option<Kept>> {
        let Some(text) = self.read(ACCOUNT).await? else {
            return Ok(None);
        };
        let kept = serde_json::from_str(&text);
        kept.with_context(|| format!("`{}` is not understood", self.0.join(ACCOUNT).display()))
    }

    pub async fn keep_account(&self, kept: &Kept) -> anyhow::Result<()> {
        self.write(ACCOUNT, serde_json::to_vec(kept)?).await
    }

    pub async fn forget_account(&self) -> anyhow::Result<()> {
        Ok(tokio::fs::remove_file(self.0.join(ACCOUNT)).await?)
    }

    /// One that cannot be used is replaced soon.
    pub async fn certificate(&self, name: &str) -> Option<Held> {
        let file = format!("{name}.pem");
        let held = match self.read(&file).await {
            Ok(pem) => pem.map(|pem| Held::read(&pem)).transpose(),
            Err(error) => Err(format!("{error:#}")),
        };
        held.inspect_err(|reason| tracing::warn!("`{file}` of ACME cannot be used: {reason}"))
            .ok()
            .flatten()
    }

    /// Key and chain in one file, so that they always belong together.
    pub async fn keep_certificate(&self, name: &str, pem: String) -> anyhow::Result<()> {
        self.write(&format!("{name}.pem"), pem.into_bytes()).await
    }

    async fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = self.0.join(name);
        match tokio::fs::read_to_string(&path).await {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(error).with_context(|| format!("`{}` cannot be read", path.display()))
            }
        }
    }

    async fn write(&self, name: &str, content: Vec<u8>) -> anyhow::Result<()> {
        let (folder, path) = (self.0.clone(), self.0.join(name));
        let shown = path.display().to_string();
        let written = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(folder)?;
            service::files::replace(&path, &content)
        });
        let written = written.await?;
        written.with_context(|| format!("`{shown}` cannot be written"))
    }
}
