//! Edits on top of a version of the configuration: what they would be, and saving them as a commit or
//! in the folder. Blocks: call it on the blocking pool.
//!
//! Nothing is ever overwritten: whoever saves names the version that the edits were made on, and
//! another one in between refuses them.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use git2::Patch;

use crate::{
    Origin, Problems, Tree,
    git::{Author, Commit, Draft, Edit, FetchError, Mirror, PushError},
    tree,
};

/// Edits applied to a version of the configuration, not saved yet.
#[derive(Debug)]
pub struct Proposal {
    /// What the origin has now. In a folder its id is that of the files.
    pub newest: Commit,
    /// The edits were made on another version than the newest.
    pub is_outdated: bool,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Git {
        mirror: Box<Mirror>,
        base: Commit,
        draft: Draft,
    },
    Folder {
        folder: PathBuf,
        files: Tree,
        edits: Vec<Edit>,
    },
}

/// Why there is no proposal.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    #[error("the configuration is part of the program and cannot be changed")]
    ReadOnly,
    #[error("there is no version `{0}`")]
    UnknownBase(String),
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl Origin {
    /// Applies edits to the version `base`.
    pub fn propose(&self, base: &str, edits: Vec<Edit>) -> Result<Proposal, ProposeError> {
        match self {
            Self::Memory { .. } => Err(ProposeError::ReadOnly),
            Self::Folder(folder) => {
                let files = read(folder)?;
                let newest = version(&files);
                Ok(Proposal {
                    is_outdated: newest.id != base,
                    newest,
                    place: Place::Folder {
                        folder: folder.clone(),
                        files,
                        edits,
                    },
                })
            }
            Self::Git(mirror) => {
                let newest = mirror.fetch()?;
                let unknown = || ProposeError::UnknownBase(base.to_owned());
                let base = mirror.commit(base)?.ok_or_else(unknown)?;
                let draft = mirror.draft(&base, &edits)?;
                Ok(Proposal {
                    is_outdated: newest.id != base.id,
                    newest,
                    place: Place::Git {
                        mirror: Box::new(mirror.clone()),
                        base,
                        draft,
                    },
                })
            }
        }
    }

    /// Id of the version of a folder's files as they are now.
    pub fn folder_version(&self) -> Result<Option<String>, FetchError> {
        match self {
            Self::Folder(folder) => Ok(Some(version(&read(folder)?).id)),
            Self::Memory { .. } | Self::Git(_) => Ok(None),
        }
    }
}

impl Proposal {
    /// A file of the version that the edits were made on. Of a folder only the newest is there.
    pub fn file_before(&self, path: &str) -> Result<Option<Bytes>, FetchError> {
        match &self.place {
            Place::Git { mirror, base, .. } => mirror.file(base, path),
            Place::Folder { files, .. } => Ok(files.get(path).cloned()),
        }
    }

    /// All files as they would be.
    pub fn files(&self) -> Result<Tree, Problems> {
        match &self.place {
            Place::Git { mirror, draft, .. } => mirror.draft_files(draft),
            Place::Folder { files, edits, .. } => {
                let mut files = files.clone();
                for edit in edits {
                    match &edit.content {
                        Some(content) => files.insert(&edit.path, content.clone()),
                        None => files.remove(&edit.path),
                    }
                }
                Ok(files)
            }
        }
    }

    /// What changes, as a unified diff.
    pub fn diff(&self) -> Result<String, FetchError> {
        match &self.place {
            Place::Git { mirror, draft, .. } => mirror.diff(draft),
            Place::Folder {
                folder,
                files,
                edits,
            } => diff(files, edits).map_err(|error| unusable(folder, &error)),
        }
    }

    /// Files that differ between the version that the edits were made on and the newest; all that
    /// are edited where nobody knows.
    pub fn changed_since(&self) -> Result<Vec<String>, FetchError> {
        match &self.place {
            _ if !self.is_outdated => Ok(Vec::new()),
            Place::Git { mirror, base, .. } => mirror.changed_files(base, &self.newest),
            Place::Folder { edits, .. } => Ok(edits.iter().map(|edit| edit.path.clone()).collect()),
        }
    }

    /// Saves the edits: as a commit on `branch`, the followed one if none is named, or in the folder.
    pub fn save(
        &self,
        message: &str,
        author: &Author,
        branch: Option<&str>,
    ) -> Result<Commit, PushError> {
        match &self.place {
            Place::Git { mirror, draft, .. } => mirror.push(draft, message, author, branch),
            Place::Folder { folder, edits, .. } => {
                if self.is_outdated {
                    return Err(PushError::MovedOn);
                }
                write(folder, &self.newest.id, edits)?;
                Ok(Commit {
                    author: format!("{} <{}>", author.name, author.email),
                    message: message.trim_end().to_owned(),
                    ..version(&read(folder)?)
                })
            }
        }
    }

    /// Whether there are branches, history and authors.
    pub fn is_in_git(&self) -> bool {
        matches!(self.place, Place::Git { .. })
    }
}

fn read(folder: &Path) -> Result<Tree, FetchError> {
    Tree::from_folder(folder).map_err(|problems| unusable(folder, &problems))
}

fn version(files: &Tree) -> Commit {
    Commit {
        id: crate::hash::of_files(files),
        author: String::new(),
        date: String::new(),
        message: String::new(),
    }
}

fn unusable(folder: &Path, reason: &dyn std::fmt::Display) -> FetchError {
    FetchError::Remote {
        address: folder.display().to_string(),
        reason: reason.to_string().trim_end().to_owned(),
    }
}

fn diff(files: &Tree, edits: &[Edit]) -> Result<String, git2::Error> {
    let mut text = String::new();
    for edit in edits {
        let before = files.get(&edit.path).map_or(&[][..], |bytes| bytes);
        let after = edit.content.as_deref().unwrap_or_default().as_bytes();
        if before == after {
            continue;
        }
        let path = Path::new(&edit.path);
        let mut changes = Patch::from_buffers(before, Some(path), after, Some(path), None)?;
        text.push_str(&String::from_utf8_lossy(&changes.to_buf()?));
    }
    Ok(text)
}

/// Writes the edits if the files are still those of `base`. One process at a time.
fn write(folder: &Path, base: &str, edits: &[Edit]) -> Result<(), PushError> {
    let root = tree::root(folder);
    let failed = |error: io::Error| {
        PushError::Refused(format!("{} cannot be written: {error}", root.display()))
    };
    let lock = File::open(&root).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if version(&read(folder)?).id != base {
        return Err(PushError::MovedOn);
    }
    // Lists last: an entry must not be there before its files are.
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| edit.path.matches('/').count() < 2);
    for edit in ordered {
        let file = root.join(&edit.path);
        match &edit.content {
            Some(content) => replace(&file, content),
            None => remove(&file),
        }
        .map_err(failed)?;
    }
    Ok(())
}

/// Nobody ever reads half of it.
fn replace(file: &Path, content: &str) -> io::Result<()> {
    let parent = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    // Names that begin so are not read as part of the configuration. The lock makes it ours.
    let path = parent.join("..wicketgate-new");
    let mut new = File::create(&path)?;
    new.write_all(content.as_bytes())?;
    if let Ok(facts) = fs::metadata(file) {
        new.set_permissions(facts.permissions())?;
    }
    new.sync_all()?;
    fs::rename(path, file)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(path: &str, content: Option<&str>) -> Edit {
        Edit {
            path: path.to_owned(),
            content: content.map(str::to_owned),
        }
    }

    fn author() -> Author {
        Author {
            name: "Ada".to_owned(),
            email: "ada@example.org".to_owned(),
        }
    }

    fn sample() -> (tempfile::TempDir, Origin) {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in Tree::sample().iter() {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        let origin = Origin::Folder(folder.path().to_owned());
        (folder, origin)
    }

    #[test]
    fn a_folder_takes_edits_of_its_newest_version_alone() {
        let (folder, origin) = sample();
        let base = origin.folder_version().unwrap().unwrap();
        let edits = vec![
            edit("apis/petstore/desc.md", Some("New\n")),
            edit("apis/petstore/docs/deep/new.md", Some("# New\n")),
            edit("content/gone.md", None),
        ];
        let proposal = origin.propose(&base, edits.clone()).unwrap();
        let diff = proposal.diff().unwrap();
        assert!(
            diff.contains("+New\n") && diff.contains("+++ b/apis/petstore/desc.md"),
            "{diff}"
        );
        assert_eq!(
            proposal.files().unwrap().text("apis/petstore/desc.md"),
            Some("New\n")
        );
        let saved = proposal.save("A text", &author(), None).unwrap();
        let text = fs::read_to_string(folder.path().join("apis/petstore/desc.md"));
        assert_eq!(text.unwrap(), "New\n");
        assert_eq!(Some(saved.id), origin.folder_version().unwrap());
        let left = fs::read_dir(folder.path().join("apis/petstore")).unwrap();
        let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(!names.into_iter().any(|name| name.starts_with("..")));

        let late = origin.propose(&base, edits).unwrap();
        assert!(late.is_outdated);
        assert_eq!(late.changed_since().unwrap().len(), 3);
        assert!(matches!(
            late.save("x", &author(), None),
            Err(PushError::MovedOn)
        ));
    }

    #[test]
    fn whoever_saves_between_looking_and_writing_is_not_overwritten() {
        let (folder, origin) = sample();
        let base = origin.folder_version().unwrap().unwrap();
        let edits = vec![edit("apis/petstore/desc.md", Some("Mine\n"))];
        let proposal = origin.propose(&base, edits).unwrap();
        let file = folder.path().join("apis/petstore/desc.md");
        fs::write(&file, "Theirs\n").unwrap();
        assert!(matches!(
            proposal.save("x", &author(), None),
            Err(PushError::MovedOn)
        ));
        assert_eq!(fs::read_to_string(file).unwrap(), "Theirs\n");
    }

    #[test]
    fn the_built_in_sample_takes_no_edits() {
        let refused = Origin::sample().propose("", Vec::new());
        assert!(matches!(refused, Err(ProposeError::ReadOnly)));
    }
}
