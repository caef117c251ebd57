//! Mails as files, for installations without a mail server.

use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use service::files;

use super::Failure;

/// A folder of `.eml` files. They hold verification links, so only the owner may read them.
#[derive(Debug)]
pub struct Outbox(PathBuf);

impl Outbox {
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Writes the mail as a whole or not at all. The same mail again replaces itself.
    pub async fn store(&self, name: &str, mail: Vec<u8>) -> Result<(), Failure> {
        let folder = self.0.clone();
        let path = folder.join(format!("{name}.eml"));
        let target = path.clone();
        tokio::task::spawn_blocking(move || write(&folder, &target, &mail))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| Failure::Unreachable(format!("{}: {error}", path.display())))?;
        tracing::info!(mail.file = %path.display(), "mail written to {}", path.display());
        Ok(())
    }
}

fn write(folder: &Path, target: &Path, mail: &[u8]) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    files::replace(target, mail)
}
