//! The bare copy of the remote, and asking the remote for news.

use std::{
    fs,
    path::{Path, PathBuf},
};

use git2::{Direction, FetchOptions, Oid, Repository};
use sha2::{Digest, Sha256};

use super::{Commit, FetchError, Source, files, served, tidy, transport};
use crate::{Problems, Tree};

/// A bare copy of one remote in the data folder.
#[derive(Clone, Debug)]
pub struct Mirror {
    source: Source,
    folder: PathBuf,
}

impl Mirror {
    /// The copy of `source` below `folder`; made at the first [`Mirror::fetch`]. Another address
    /// gets another copy.
    pub fn new(source: Source, folder: &Path) -> Result<Self, FetchError> {
        if source.branch.is_some() && source.revision.is_some() {
            return Err(FetchError::BranchAndRevision);
        }
        let digest = Sha256::digest(source.address.as_str());
        let name = format!("{}.git", hex::encode(&digest[..8]));
        Ok(Self {
            source,
            folder: folder.join(name),
        })
    }

    /// What is mirrored.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Asks the remote and gives the commit to serve: the newest of the branch, or the one that
    /// `GIT_REVISION` names.
    pub fn fetch(&self) -> Result<Commit, FetchError> {
        let repository = self.open()?;
        let branch = self.download(&repository)?;
        tidy::tidy(&repository);
        let wanted = self.source.revision.clone().unwrap_or(branch);
        let commit = resolve(&repository, &wanted).map_err(|_| self.missing(&wanted))?;
        Commit::read(&repository, commit).map_err(|error| self.unusable(&error))
    }

    /// What the remote had when it was asked last, or was given since. Asks nobody.
    pub fn newest_known(&self) -> Option<Commit> {
        let repository = Repository::open_bare(&self.folder).ok()?;
        let wanted = match (&self.source.revision, &self.source.branch) {
            (Some(name), _) | (None, Some(name)) => name.clone(),
            // The default branch is the only one that is fetched.
            (None, None) => {
                let mut names = repository.references_glob(&tracking("*")).ok()?;
                let name = names.next()?.ok()?.name().ok()?.to_owned();
                // Another one was the default before; which is which only the remote can tell.
                if names.next().is_some() {
                    return None;
                }
                name.strip_prefix(&tracking(""))?.to_owned()
            }
        };
        let commit = resolve(&repository, &wanted).ok()?;
        Commit::read(&repository, commit).ok()
    }

    /// The files of a commit, from its folder `static`, with what [`Commit`] says in `last_commit`
    /// and `build_date`.
    pub fn tree(&self, commit: &Commit) -> Result<Tree, Problems> {
        let failed = |error: git2::Error| Problems::whole("", error.message());
        let repository = Repository::open_bare(&self.folder).map_err(failed)?;
        files::read(&repository, commit)
    }

    /// Notes that a commit is served, so that it stays here whatever becomes of the remote.
    pub fn keep(&self, commit: &Commit) -> Result<(), FetchError> {
        let noted = Repository::open_bare(&self.folder)
            .and_then(|repository| served::keep(&repository, &commit.id));
        noted.map_err(|error| self.unusable(&error))
    }

    /// The commits that were served last, newest first; none where there is no copy yet.
    pub fn kept(&self) -> Vec<Commit> {
        Repository::open_bare(&self.folder)
            .and_then(|repository| served::list(&repository))
            .unwrap_or_default()
    }

    fn open(&self) -> Result<Repository, FetchError> {
        if let Ok(repository) = Repository::open_bare(&self.folder) {
            return Ok(repository);
        }
        // Left over from a start that was broken off.
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(|error| self.unusable_text(&error))?;
        }
        fs::create_dir_all(&self.folder).map_err(|error| self.unusable_text(&error))?;
        Repository::init_bare(&self.folder).map_err(|error| self.unusable(&error))
    }

    /// Fetches the branch (all of them, and the tags, for `GIT_REVISION`) and gives its name.
    fn download(&self, repository: &Repository) -> Result<String, FetchError> {
        let failure = transport::Failure::default();
        let failed = |error: git2::Error| FetchError::Remote {
            address: self.source.address.to_string(),
            reason: failure.reason(&error),
        };
        let mut remote = repository
            .remote_anonymous(self.source.address.as_str())
            .map_err(failed)?;
        let branch = {
            let callbacks = Some(transport::callbacks(&self.source, &failure));
            let connection = remote
                .connect_auth(Direction::Fetch, callbacks, None)
                .map_err(failed)?;
            let default = || {
                let name = connection.default_branch().ok()?;
                name.as_str()
                    .ok()
                    .and_then(|name| name.strip_prefix("refs/heads/"))
                    .map(str::to_owned)
            };
            let branch = self.source.branch.clone().or_else(default);
            let heads = connection.list().map_err(failed)?;
            let reference = format!("refs/heads/{}", branch.as_deref().unwrap_or_default());
            match branch {
                Some(branch) if heads.iter().any(|head| head.name() == reference) => branch,
                // A detached or missing HEAD does not matter to a fixed revision.
                _ if self.source.revision.is_some() => String::new(),
                branch => {
                    return Err(FetchError::NoBranch {
                        address: self.source.address.to_string(),
                        branch: branch.unwrap_or_else(|| "HEAD".to_owned()),
                    });
                }
            }
        };
        let wanted = match &self.source.revision {
            Some(_) => vec![
                "+refs/heads/*:refs/remotes/origin/*".to_owned(),
                "+refs/tags/*:refs/tags/*".to_owned(),
            ],
            None => vec![format!("+refs/heads/{branch}:refs/remotes/origin/{branch}")],
        };
        let mut options = FetchOptions::new();
        options.remote_callbacks(transport::callbacks(&self.source, &failure));
        options.download_tags(git2::AutotagOption::None);
        remote
            .fetch(&wanted, Some(&mut options), None)
            .map_err(failed)?;
        Ok(branch)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `GIT_BRANCH`, else the default branch of the remote. With `GIT_REVISION` none is followed.
    pub(super) fn followed_branch(&self) -> Result<String, FetchError> {
        if let Some(branch) = &self.source.branch {
            return Ok(branch.clone());
        }
        let repository = self.open()?;
        let branch = self.download(&repository)?;
        match (&self.source.revision, branch) {
            (None, branch) if !branch.is_empty() => Ok(branch),
            _ => Err(FetchError::NoBranch {
                address: self.source.address.to_string(),
                branch: "HEAD".to_owned(),
            }),
        }
    }

    fn missing(&self, revision: &str) -> FetchError {
        FetchError::NoRevision {
            address: self.source.address.to_string(),
            revision: revision.to_owned(),
        }
    }

    pub(super) fn unusable(&self, error: &git2::Error) -> FetchError {
        self.unusable_text(&error.message())
    }

    fn unusable_text(&self, reason: &dyn std::fmt::Display) -> FetchError {
        FetchError::Mirror {
            address: self.source.address.to_string(),
            folder: self.folder.display().to_string(),
            reason: reason.to_string(),
        }
    }
}

/// Where the branch of the remote is kept.
pub(super) fn tracking(branch: &str) -> String {
    format!("refs/remotes/origin/{branch}")
}

/// A branch of the remote first: a name may also be the beginning of a hash.
fn resolve(repository: &Repository, revision: &str) -> Result<Oid, git2::Error> {
    let object = repository
        .revparse_single(&tracking(revision))
        .or_else(|_| repository.revparse_single(revision))?;
    Ok(object.peel_to_commit()?.id())
}
