//! Sums that portal-api could not take, as files until it can (`STATE_DIR`).

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use sdk::types::usage::UsageBatch;
use service::{clock, files};

/// What may wait: more than a day of a busy installation.
const MAX_FILES: usize = 20_000;

/// A folder of batches, oldest first.
pub struct Spool {
    folder: PathBuf,
    /// Tells files of the same millisecond apart.
    next: AtomicU64,
}

impl Spool {
    pub fn open(state_dir: &Path) -> io::Result<Self> {
        let folder = state_dir.join("usage");
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            next: AtomicU64::new(0),
        })
    }

    /// Keeps a batch. The file is complete or not there.
    pub fn put(&self, batch: &UsageBatch) -> io::Result<()> {
        if self.files()?.len() >= MAX_FILES {
            return Err(io::Error::other("too many batches are waiting"));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{:014}-{number:06}", clock::now().timestamp_millis());
        let path = self.folder.join(name).with_extension("json");
        files::replace(&path, &serde_json::to_vec(batch)?)
    }

    /// The oldest batch and its file. One that cannot be read is put aside.
    pub fn oldest(&self) -> io::Result<Option<(PathBuf, UsageBatch)>> {
        for path in self.files()? {
            match serde_json::from_slice(&fs::read(&path)?) {
                Ok(batch) => return Ok(Some((path, batch))),
                Err(error) => {
                    tracing::error!("usage lost: {} is damaged: {error}", path.display());
                    fs::rename(&path, path.with_extension("damaged"))?;
                }
            }
        }
        Ok(None)
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_come_back_in_their_order_and_damaged_files_are_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let batch = |id: &str| UsageBatch {
            batch_id: id.to_owned(),
            node: "n".to_owned(),
            cells: Vec::new(),
        };
        let spool = Spool::open(folder.path()).unwrap();
        spool.put(&batch("a")).unwrap();
        spool.put(&batch("b")).unwrap();
        fs::write(folder.path().join("usage/0.json"), "{").unwrap();
        // A new process finds what the old one has left.
        let spool = Spool::open(folder.path()).unwrap();
        for expected in ["a", "b"] {
            let (path, found) = spool.oldest().unwrap().unwrap();
            assert_eq!(found.batch_id, expected);
            fs::remove_file(&path).unwrap();
        }
        assert!(spool.oldest().unwrap().is_none());
    }
}
