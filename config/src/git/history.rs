//! What happened in the repository: commits, and files as they were.

use std::path::Path;

use bytes::Bytes;
use git2::{Oid, Repository, Sort, Tree};

use super::{Commit, FetchError, Mirror};

/// Commits that are looked at for one answer.
const MAX_WALK: usize = 20_000;

impl Mirror {
    /// The commits up to `newest` that changed the file or folder `path` of the configuration
    /// (all of them without `path`), newest first.
    pub fn history(
        &self,
        newest: &Commit,
        path: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Commit>, FetchError> {
        self.with_repository(|repository| {
            let prefix = prefix(repository, newest.oid()?)?;
            let path = path.map(|path| format!("{prefix}{path}"));
            let mut walk = repository.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
            walk.push(newest.oid()?)?;
            let mut found = Vec::new();
            for id in walk.take(MAX_WALK) {
                let id = id?;
                let is_wanted = match &path {
                    None => true,
                    Some(path) => changes(repository, id, path)?,
                };
                if is_wanted {
                    found.push(Commit::read(repository, id)?);
                }
                if found.len() >= limit {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// A commit that is known here, by its full hash.
    pub fn commit(&self, id: &str) -> Result<Option<Commit>, FetchError> {
        let Ok(id) = Oid::from_str(id) else {
            return Ok(None);
        };
        self.with_repository(|repository| {
            let is_known = repository.find_commit(id).is_ok();
            is_known.then(|| Commit::read(repository, id)).transpose()
        })
    }

    /// A file of the configuration as of `commit`.
    pub fn file(&self, commit: &Commit, path: &str) -> Result<Option<Bytes>, FetchError> {
        self.with_repository(|repository| {
            let root = repository.find_commit(commit.oid()?)?.tree()?;
            let path = format!("{}{path}", prefix(repository, commit.oid()?)?);
            let entry = entry(&root, &path);
            let blob = entry.and_then(|id| repository.find_blob(id).ok());
            Ok(blob.map(|blob| Bytes::copy_from_slice(blob.content())))
        })
    }

    pub(super) fn with_repository<T>(
        &self,
        work: impl FnOnce(&Repository) -> Result<T, git2::Error>,
    ) -> Result<T, FetchError> {
        Repository::open_bare(self.folder())
            .and_then(|repository| work(&repository))
            .map_err(|error| self.unusable(&error))
    }
}

/// What stands in front of the paths of configuration files: `static/`, or nothing.
pub(super) fn prefix(repository: &Repository, commit: Oid) -> Result<&'static str, git2::Error> {
    let root = repository.find_commit(commit)?.tree()?;
    let at_root = root.get_name("globals.json").is_some();
    Ok(if at_root { "" } else { "static/" })
}

fn entry(root: &Tree<'_>, path: &str) -> Option<Oid> {
    let entry = root.get_path(Path::new(path.trim_end_matches('/'))).ok()?;
    Some(entry.id())
}

/// Whether `path` is another one than in every parent.
fn changes(repository: &Repository, commit: Oid, path: &str) -> Result<bool, git2::Error> {
    let commit = repository.find_commit(commit)?;
    let here = entry(&commit.tree()?, path);
    if commit.parent_count() == 0 {
        return Ok(here.is_some());
    }
    for parent in commit.parents() {
        if entry(&parent.tree()?, path) == here {
            return Ok(false);
        }
    }
    Ok(true)
}
