//! What happened in the repository: commits, and files as they were.

use std::{collections::HashMap, path::Path};

use bytes::Bytes;
use git2::{Oid, Repository, Sort, Tree};
use serde_json::Value;

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
            walk(repository, newest, limit, |id| match &path {
                None => Ok(true),
                Some(path) => changes(repository, id, |tree| entry(tree, path)),
            })
        })
    }

    /// The commits up to `newest` that changed the folder of an API or its entry of `apis.json`.
    pub fn history_of_api(
        &self,
        newest: &Commit,
        api: &str,
        limit: usize,
    ) -> Result<Vec<Commit>, FetchError> {
        self.with_repository(|repository| {
            let prefix = prefix(repository, newest.oid()?)?;
            let folder = format!("{prefix}apis/{api}");
            let list = format!("{prefix}apis/apis.json");
            // Most commits leave the list alone, so each version of it is read once.
            let mut entries = HashMap::new();
            walk(repository, newest, limit, |id| {
                changes(repository, id, |tree| {
                    let list = entry(tree, &list);
                    let listed = list.and_then(|list| {
                        let read = || listed(repository, list, api);
                        entries.entry(list).or_insert_with(read).clone()
                    });
                    (entry(tree, &folder), listed)
                })
            })
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

/// The entry of an API in one version of the list.
fn listed(repository: &Repository, list: Oid, api: &str) -> Option<Value> {
    let blob = repository.find_blob(list).ok()?;
    let mut document: Value = serde_json::from_slice(blob.content()).ok()?;
    let entries = document.get_mut("apis")?.as_array_mut()?;
    let entry = entries.iter_mut().find(|entry| entry["id"] == api)?;
    Some(entry.take())
}

/// The commits up to `newest` that are wanted, newest first.
fn walk(
    repository: &Repository,
    newest: &Commit,
    limit: usize,
    mut is_wanted: impl FnMut(Oid) -> Result<bool, git2::Error>,
) -> Result<Vec<Commit>, git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
    walk.push(newest.oid()?)?;
    let mut found = Vec::new();
    for id in walk.take(MAX_WALK) {
        let id = id?;
        if is_wanted(id)? {
            found.push(Commit::read(repository, id)?);
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// Whether what `look` sees is something else than in every parent.
fn changes<T: PartialEq + Default>(
    repository: &Repository,
    commit: Oid,
    mut look: impl FnMut(&Tree<'_>) -> T,
) -> Result<bool, git2::Error> {
    let commit = repository.find_commit(commit)?;
    let here = look(&commit.tree()?);
    if commit.parent_count() == 0 {
        return Ok(here != T::default());
    }
    for parent in commit.parents() {
        if look(&parent.tree()?) == here {
            return Ok(false);
        }
    }
    Ok(true)
}
