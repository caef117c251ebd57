//! Gets a configuration out of a git repository (static-config 5). Blocks: call it on the blocking
//! pool.
//!
//! Credentials go to libgit2 by callback, never into a URL, and no error repeats them.

mod address;
mod clone;
mod commit;

use std::path::Path;

pub use address::{InvalidAddress, RepositoryAddress};
pub use commit::Commit;

/// How to log in to the repository.
#[derive(Clone, Default)]
pub struct Credentials {
    /// `GIT_CREDENTIALS`: `user:password`, URL-encoded, or a token alone.
    pub user_password: Option<String>,
    /// `GIT_SSH_KEY`: a private key as text.
    pub ssh_key: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// What to clone: the `GIT_*` variables.
#[derive(Clone, Debug)]
pub struct Source {
    pub address: RepositoryAddress,
    /// `GIT_BRANCH`; missing = the default branch of the remote.
    pub branch: Option<String>,
    /// `GIT_REVISION`: checked out after the clone.
    pub revision: Option<String>,
    pub credentials: Credentials,
}

/// Why the configuration could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("GIT_BRANCH and GIT_REVISION exclude each other")]
    BranchAndRevision,
    #[error("cannot clone {address}: {reason}")]
    Clone { address: String, reason: String },
    #[error("{address} has no revision `{revision}`")]
    NoRevision { address: String, revision: String },
    #[error("cannot write the clone to {folder}: {source}")]
    Write {
        folder: String,
        source: std::io::Error,
    },
}

/// Clones into the new folder `into` and writes `last_commit` and `build_date` beside
/// `globals.json`. On an error nothing stays.
pub fn fetch(source: &Source, into: &Path) -> Result<Commit, FetchError> {
    if source.branch.is_some() && source.revision.is_some() {
        return Err(FetchError::BranchAndRevision);
    }
    let result = clone::clone(source, into).and_then(|commit| {
        write_metadata(&commit, into).map_err(|error| FetchError::Write {
            folder: into.display().to_string(),
            source: error,
        })?;
        Ok(commit)
    });
    if result.is_err()
        && let Err(error) = std::fs::remove_dir_all(into)
    {
        tracing::debug!(folder = %into.display(), %error, "nothing to remove after a failed clone");
    }
    result
}

fn write_metadata(commit: &Commit, into: &Path) -> std::io::Result<()> {
    let sub = into.join("static");
    let folder = if sub.is_dir() { sub.as_path() } else { into };
    std::fs::write(folder.join("last_commit"), commit.log_entry())?;
    std::fs::write(folder.join("build_date"), &commit.date)
}
