//! Mails as files, for installations without a mail server.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

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
    let unfinished = target.with_extension("part");
    // A leftover of a killed process would keep its own mode.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(mail)?;
    file.sync_all()?;
    fs::rename(&unfinished, target)
}
