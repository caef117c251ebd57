//! Changes made here: what they would be, and sending them to the remote as a commit.

use git2::{
    DiffFormat, FileMode, Oid, PushOptions, Repository, Signature, build::TreeUpdateBuilder,
};

use super::{Commit, FetchError, Mirror, files, history::prefix, mirror::tracking, transport};
use crate::{Problems, Tree};

/// Longest difference that is shown.
const MAX_DIFF: usize = 1024 * 1024;

/// Another content for a file; `None` removes it.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Relative to the folder of `globals.json`.
    pub path: String,
    pub content: Option<String>,
}

/// Edits applied to a commit, not yet a commit themselves.
#[derive(Clone, Debug)]
pub struct Draft {
    base: Commit,
    root: Oid,
}

/// Who makes a commit.
#[derive(Clone, Debug)]
pub struct Author {
    pub name: String,
    pub email: String,
}

/// Why a commit did not reach the remote.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The branch has commits that the base does not know.
    #[error("the branch has moved on")]
    MovedOn,
    #[error("the repository refused the commit: {0}")]
    Refused(String),
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl Mirror {
    /// Applies edits to `base`. Removing what is not there changes nothing.
    pub fn draft(&self, base: &Commit, edits: &[Edit]) -> Result<Draft, FetchError> {
        self.with_repository(|repository| {
            let commit = repository.find_commit(base.oid()?)?;
            let tree = commit.tree()?;
            let prefix = prefix(repository, base.oid()?)?;
            let mut update = TreeUpdateBuilder::new();
            for edit in edits {
                let path = format!("{prefix}{}", edit.path);
                match &edit.content {
                    Some(content) => {
                        let blob = repository.blob(content.as_bytes())?;
                        update.upsert(path, blob, FileMode::Blob);
                    }
                    None if tree.get_path(path.as_ref()).is_ok() => {
                        update.remove(path);
                    }
                    None => {}
                }
            }
            Ok(Draft {
                base: base.clone(),
                root: update.create_updated(repository, &tree)?,
            })
        })
    }

    /// The files of a draft.
    pub fn draft_files(&self, draft: &Draft) -> Result<Tree, Problems> {
        let failed = |error: git2::Error| Problems::whole("", error.message());
        let repository = Repository::open_bare(self.folder()).map_err(failed)?;
        files::read_root(&repository, draft.root, &draft.base)
    }

    /// What a draft changes, as a unified diff.
    pub fn diff(&self, draft: &Draft) -> Result<String, FetchError> {
        self.with_repository(|repository| {
            let before = repository.find_commit(draft.base.oid()?)?.tree()?;
            let after = repository.find_tree(draft.root)?;
            let diff = repository.diff_tree_to_tree(Some(&before), Some(&after), None)?;
            let mut text = String::new();
            diff.print(DiffFormat::Patch, |_, _, line| {
                if matches!(line.origin(), '+' | '-' | ' ') {
                    text.push(line.origin());
                }
                text.push_str(&String::from_utf8_lossy(line.content()));
                text.len() < MAX_DIFF
            })
            .or_else(|error| {
                // The line above has ended it.
                if text.len() < MAX_DIFF {
                    Err(error)
                } else {
                    Ok(())
                }
            })?;
            Ok(text)
        })
    }

    /// Configuration files that differ between two commits.
    pub fn changed_files(&self, from: &Commit, to: &Commit) -> Result<Vec<String>, FetchError> {
        self.with_repository(|repository| {
            let before = repository.find_commit(from.oid()?)?.tree()?;
            let after = repository.find_commit(to.oid()?)?.tree()?;
            let prefix = prefix(repository, to.oid()?)?;
            let diff = repository.diff_tree_to_tree(Some(&before), Some(&after), None)?;
            let paths = diff.deltas().filter_map(|delta| {
                let path = delta.new_file().path()?.to_str()?;
                path.strip_prefix(prefix).map(str::to_owned)
            });
            Ok(paths.collect())
        })
    }

    /// Makes a commit of the draft and pushes it to `branch`, the followed one if none is named.
    pub fn push(
        &self,
        draft: &Draft,
        message: &str,
        author: &Author,
        branch: Option<&str>,
    ) -> Result<Commit, PushError> {
        let branch = match branch {
            Some(branch) => branch.to_owned(),
            None => self.followed_branch()?,
        };
        let commit = self.with_repository(|repository| {
            let base = repository.find_commit(draft.base.oid()?)?;
            let author = Signature::now(&author.name, &author.email)?;
            let committer = Signature::now("Wicketgate", "wicketgate@localhost")?;
            let tree = repository.find_tree(draft.root)?;
            let id = repository.commit(None, &author, &committer, message, &tree, &[&base])?;
            Commit::read(repository, id)
        })?;
        self.send(&commit, &branch)?;
        self.note(&commit, &branch)?;
        Ok(commit)
    }

    /// Notes what the remote has now, so that whoever reads next finds it before the next fetch.
    fn note(&self, commit: &Commit, branch: &str) -> Result<(), FetchError> {
        self.with_repository(|repository| {
            let name = tracking(branch);
            if repository.find_reference(&name).is_ok() {
                repository.reference(&name, commit.oid()?, true, "pushed")?;
            }
            Ok(())
        })
    }

    fn send(&self, commit: &Commit, branch: &str) -> Result<(), PushError> {
        let temporary = format!("refs/wicketgate/outgoing/{}", commit.id);
        let mut refusal = None;
        let failure = transport::Failure::default();
        let pushed = self.with_repository(|repository| {
            let mut reference = repository.reference(&temporary, commit.oid()?, true, "push")?;
            let pushed = {
                let mut callbacks = transport::callbacks(self.source(), &failure);
                callbacks.push_update_reference(|_, message| {
                    refusal = message.map(str::to_owned);
                    Ok(())
                });
                let mut options = PushOptions::new();
                options.remote_callbacks(callbacks);
                let refspec = format!("{temporary}:refs/heads/{branch}");
                repository
                    .remote_anonymous(self.source().address.as_str())?
                    .push(&[refspec], Some(&mut options))
            };
            reference.delete()?;
            Ok(pushed)
        })?;
        match (pushed, refusal) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(reason)) if reason.contains("fast") => Err(PushError::MovedOn),
            (Ok(()), Some(reason)) => Err(PushError::Refused(reason)),
            (Err(error), _) if error.code() == git2::ErrorCode::NotFastForward => {
                Err(PushError::MovedOn)
            }
            (Err(error), _) => Err(FetchError::Remote {
                address: self.source().address.to_string(),
                reason: failure.reason(&error),
            }
            .into()),
        }
    }
}
