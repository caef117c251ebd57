//! Gets a configuration out of a git repository (static-config 5). Blocks: call it on the blocking
//! pool.
//!
//! A [`Mirror`] is a bare copy of the remote in the data folder. Nothing is ever checked out: files
//! are read from the commit itself, so a half-written folder cannot be read, and every commit that
//! was served can be served again while the remote is away.
//!
//! Credentials go to libgit2 by callback, never into a URL, and no error repeats them.

mod address;
mod commit;
mod files;
mod history;
mod host_key;
mod mirror;
mod propose;
mod served;
mod tidy;
mod transport;

pub use address::{InvalidAddress, RepositoryAddress};
pub use commit::Commit;
pub use mirror::Mirror;
pub use propose::{Author, Draft, Edit, PushError};

/// How to log in to the repository.
#[derive(Clone, Default)]
pub struct Credentials {
    /// `GIT_CREDENTIALS`: `user:password`, URL-encoded, or a token alone.
    pub user_password: Option<String>,
    /// `GIT_SSH_KEY`: a private key as text.
    pub ssh_key: Option<String>,
    /// `GIT_SSH_KNOWN_HOSTS`: keys of hosts, as lines of `known_hosts`. Missing = the file
    /// `~/.ssh/known_hosts`.
    pub known_hosts: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// What to follow: the `GIT_*` variables.
#[derive(Clone, Debug)]
pub struct Source {
    pub address: RepositoryAddress,
    /// `GIT_BRANCH`; missing = the default branch of the remote.
    pub branch: Option<String>,
    /// `GIT_REVISION`: this commit, tag or branch instead of the newest commit.
    pub revision: Option<String>,
    pub credentials: Credentials,
}

/// Why the repository could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("GIT_BRANCH and GIT_REVISION exclude each other")]
    BranchAndRevision,
    #[error("cannot fetch {address}: {reason}")]
    Remote { address: String, reason: String },
    #[error("{address} has no branch `{branch}`")]
    NoBranch { address: String, branch: String },
    #[error("{address} has no revision `{revision}`")]
    NoRevision { address: String, revision: String },
    #[error("the copy of {address} in {folder} cannot be used: {reason}")]
    Mirror {
        address: String,
        folder: String,
        reason: String,
    },
}

impl FetchError {
    /// Whether trying again later may help without anybody changing a setting.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Remote { .. })
    }
}
