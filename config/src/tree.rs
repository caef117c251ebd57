//! The files of a configuration folder in memory, with limits.
//!
//! Everything later works on this, so a configuration can come from a folder, from the sample that
//! is part of the program, or from a test. Links may not lead out of the folder: a git repository
//! of somebody else must not be able to publish `/etc/passwd` as a content page.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::problem::Problems;

const MAX_FILES: usize = 20_000;
const MAX_DEPTH: usize = 32;
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
const MAX_TOTAL_BYTES: u64 = 512 * 1024 * 1024;

/// All files below one folder, by path with `/`, sorted.
#[derive(Clone, Debug, Default)]
pub struct Tree(BTreeMap<String, Bytes>);

impl Tree {
    /// Reads a folder with `globals.json` in it or in its subfolder `static`.
    pub fn from_folder(folder: &Path) -> Result<Self, Problems> {
        let root = root(folder);
        let name = folder.display().to_string();
        if !root.join("globals.json").is_file() {
            let reason = if folder.is_dir() {
                "the folder has no globals.json, neither directly nor below static/"
            } else {
                "there is no such folder"
            };
            return Err(Problems::whole(name, reason));
        }
        let canonical = root
            .canonicalize()
            .map_err(|error| Problems::whole(&name, error.to_string()))?;
        let mut walk = Walk {
            root: &canonical,
            files: Limited::default(),
        };
        walk.folder(&canonical, "", 0)?;
        Ok(walk.files.into_tree())
    }

    /// The sample configuration that is part of the program.
    pub fn sample() -> Self {
        crate::sample::FILES
            .iter()
            .map(|(path, bytes)| ((*path).to_owned(), Bytes::from_static(bytes)))
            .collect()
    }

    /// The content of a file, by its path below `static`.
    pub fn get(&self, path: &str) -> Option<&Bytes> {
        self.0.get(path)
    }

    /// The file as text; `None` if it is missing or not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0
            .get(path)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), bytes))
    }

    /// The files below a folder (`"content/"`), with their paths relative to it.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a Bytes)> {
        self.0
            .range(folder.to_owned()..)
            .map_while(move |(path, bytes)| Some((path.strip_prefix(folder)?, bytes)))
    }

    /// Adds a file, or replaces it.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Bytes>) {
        self.0.insert(path.into(), bytes.into());
    }

    /// Takes a file away.
    pub fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }
}

impl FromIterator<(String, Bytes)> for Tree {
    fn from_iter<T: IntoIterator<Item = (String, Bytes)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}

/// The folder of `globals.json`.
pub(crate) fn root(folder: &Path) -> PathBuf {
    if folder.join("globals.json").is_file() {
        folder.to_owned()
    } else {
        folder.join("static")
    }
}

/// Files that are collected one after the other, until there are too many.
#[derive(Default)]
pub(crate) struct Limited {
    files: BTreeMap<String, Bytes>,
    bytes: u64,
}

impl Limited {
    /// Refuses the next file if it is too large, or there are too many. Asked before it is read.
    pub fn announce(&mut self, name: &str, size: u64) -> Result<(), Problems> {
        self.bytes += size;
        if size > MAX_FILE_BYTES {
            return Err(Problems::whole(name, "the file is larger than 16 MiB"));
        }
        if self.bytes > MAX_TOTAL_BYTES || self.files.len() >= MAX_FILES {
            return Err(Problems::whole(
                name,
                format!("the configuration has more than {MAX_FILES} files or 512 MiB"),
            ));
        }
        Ok(())
    }

    pub fn add(&mut self, name: &str, bytes: Bytes) {
        self.files.insert(name.to_owned(), bytes);
    }

    pub fn into_tree(self) -> Tree {
        Tree(self.files)
    }
}

/// Refuses folders that are nested too deeply.
pub(crate) fn check_depth(folder: &str, depth: usize) -> Result<(), Problems> {
    if depth > MAX_DEPTH {
        return Err(Problems::whole(
            folder,
            format!("more than {MAX_DEPTH} folders deep"),
        ));
    }
    Ok(())
}

struct Walk<'a> {
    root: &'a Path,
    files: Limited,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Problems> {
        check_depth(prefix, depth)?;
        let failed = |error: std::io::Error| Problems::whole(prefix, error.to_string());
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(Problems::whole(prefix, "a file name here is not UTF-8"));
            };
            // `..data` and its likes are how Kubernetes swaps mounted volumes; the files appear a
            // second time beside them.
            if name == ".git" || name.starts_with("..") {
                continue;
            }
            self.entry(&entry.path(), &format!("{prefix}{name}"), depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &str, depth: usize) -> Result<(), Problems> {
        let failed = |error: std::io::Error| Problems::whole(name, error.to_string());
        let real = path.canonicalize().map_err(failed)?;
        if !real.starts_with(self.root) {
            return Err(Problems::whole(
                name,
                "this link leads out of the configuration",
            ));
        }
        let facts = fs::metadata(&real).map_err(failed)?;
        if facts.is_dir() {
            return self.folder(&real, &format!("{name}/"), depth + 1);
        }
        if !facts.is_file() {
            return Ok(());
        }
        self.files.announce(name, facts.len())?;
        let bytes = fs::read(&real).map_err(failed)?;
        self.files.add(name, bytes.into());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn a_folder_above_static_is_accepted_too() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("static/content")).unwrap();
        std::fs::write(folder.path().join("static/globals.json"), "{}").unwrap();
        std::fs::write(folder.path().join("static/content/a.md"), "A").unwrap();
        let tree = Tree::from_folder(folder.path()).unwrap();
        assert_eq!(
            tree.below("content/")
                .map(|(path, _)| path)
                .collect::<Vec<_>>(),
            ["a.md"]
        );
    }

    #[test]
    fn a_folder_that_is_not_there_says_so() {
        let problems = Tree::from_folder(std::path::Path::new("/no/such/folder")).unwrap_err();
        assert!(problems.to_string().contains("no such folder"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("globals.json"), "{}").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("page.md")).unwrap();
        assert!(Tree::from_folder(folder.path()).is_err());
    }
}
