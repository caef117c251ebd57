//! The files of a commit in memory, with the limits of [`Tree`].

use bytes::Bytes;
use git2::{FileMode, ObjectType, Oid, Repository};

use super::Commit;
use crate::{Problems, Tree, tree};

/// The folder of the configuration in `commit`: `static`, or the root where `globals.json` is
/// there.
pub fn read(repository: &Repository, commit: &Commit) -> Result<Tree, Problems> {
    let failed = |error: git2::Error| Problems::whole("", error.message());
    let root = commit
        .oid()
        .and_then(|id| repository.find_commit(id)?.tree())
        .map_err(failed)?;
    read_root(repository, root.id(), commit)
}

/// As [`read`], for files that are not committed yet; `commit` is what they began with.
pub fn read_root(repository: &Repository, root: Oid, commit: &Commit) -> Result<Tree, Problems> {
    let failed = |error: git2::Error| Problems::whole("", error.message());
    let root = repository.find_tree(root).map_err(failed)?;
    let folder = if root.get_name("globals.json").is_some() {
        root.id()
    } else {
        let sub = root.get_name("static");
        sub.filter(|entry| entry.kind() == Some(ObjectType::Tree))
            .ok_or_else(|| {
                Problems::whole(
                    "static/globals.json",
                    "the repository has no globals.json, neither below static/ nor at its root",
                )
            })?
            .id()
    };
    let mut walk = Walk {
        repository,
        root: folder,
        files: tree::Limited::default(),
    };
    walk.folder(folder, "", 0)?;
    let mut tree = walk.files.into_tree();
    tree.insert("last_commit", commit.log_entry());
    tree.insert("build_date", commit.date.clone());
    Ok(tree)
}

struct Walk<'r> {
    repository: &'r Repository,
    root: Oid,
    files: tree::Limited,
}

impl Walk<'_> {
    fn folder(&mut self, id: Oid, prefix: &str, depth: usize) -> Result<(), Problems> {
        tree::check_depth(prefix, depth)?;
        let failed = |error: git2::Error| Problems::whole(prefix, error.message());
        let folder = self.repository.find_tree(id).map_err(failed)?;
        for entry in &folder {
            let Ok(name) = entry.name() else {
                return Err(Problems::whole(prefix, "a file name here is not UTF-8"));
            };
            let path = format!("{prefix}{name}");
            let is_link = entry.filemode() == i32::from(FileMode::Link);
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    self.folder(entry.id(), &format!("{path}/"), depth + 1)?;
                }
                Some(ObjectType::Blob) if is_link => self.link(entry.id(), &path, depth)?,
                Some(ObjectType::Blob) => self.file(entry.id(), &path)?,
                // Other repositories (submodules) are not followed.
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, id: Oid, path: &str) -> Result<(), Problems> {
        let failed = |error: git2::Error| Problems::whole(path, error.message());
        let odb = self.repository.odb().map_err(failed)?;
        // The size first: a file of gigabytes must not be read to be refused.
        let (size, _) = odb.read_header(id).map_err(failed)?;
        self.files.announce(path, size as u64)?;
        let blob = self.repository.find_blob(id).map_err(failed)?;
        self.files.add(path, Bytes::copy_from_slice(blob.content()));
        Ok(())
    }

    /// What a link inside the configuration points to, as if it stood here.
    fn link(&mut self, id: Oid, path: &str, depth: usize) -> Result<(), Problems> {
        let failed = |error: git2::Error| Problems::whole(path, error.message());
        let blob = self.repository.find_blob(id).map_err(failed)?;
        let target = std::str::from_utf8(blob.content())
            .ok()
            .and_then(|target| resolve(path, target))
            .ok_or_else(|| Problems::whole(path, "this link leads out of the configuration"))?;
        let root = self.repository.find_tree(self.root).map_err(failed)?;
        let entry = root
            .get_path(std::path::Path::new(&target))
            .map_err(|_| Problems::whole(path, "this link leads nowhere"))?;
        match entry.kind() {
            // A link to a folder above itself ends at the limit of depth.
            Some(ObjectType::Tree) => self.folder(entry.id(), &format!("{path}/"), depth + 1),
            Some(ObjectType::Blob) if entry.filemode() != i32::from(FileMode::Link) => {
                self.file(entry.id(), path)
            }
            _ => Err(Problems::whole(path, "this link leads to another link")),
        }
    }
}

/// `target` as seen from the folder of `path`; `None` if it leaves the configuration.
fn resolve(path: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn links_are_resolved_inside_the_configuration_only() {
        let resolved = |target| resolve("apis/orders/desc.md", target);
        assert_eq!(
            resolved("../petstore/desc.md").as_deref(),
            Some("apis/petstore/desc.md")
        );
        assert_eq!(
            resolved("./other.md").as_deref(),
            Some("apis/orders/other.md")
        );
        assert_eq!(resolved("../../../etc/passwd"), None);
        assert_eq!(resolved("/etc/passwd"), None);
    }
}
