use std::{
    collections::VecDeque,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use kong::usage::Batch;

/// Batches on disk while their receiver is away, oldest first.
pub struct Spool {
    directory: PathBuf,
    files: VecDeque<(PathBuf, u64)>,
    bytes: u64,
    next: u64,
}

impl Spool {
    /// Takes up what a former process left behind.
    pub fn open(state_directory: &Path) -> std::io::Result<Self> {
        let directory = state_directory.join("usage-spool");
        fs::create_dir_all(&directory)?;
        let files = files(&directory)?;
        let number = |path: &Path| path.file_stem()?.to_str()?.parse::<u64>().ok();
        let next = files
            .last()
            .and_then(|(path, _)| number(path))
            .map_or(0, |last| last + 1);
        Ok(Self {
            directory,
            bytes: files.iter().map(|(_, length)| length).sum(),
            files: files.into(),
            next,
        })
    }

    /// Stores a batch; the oldest ones give way when there is no room. Returns how many records
    /// were given up.
    pub fn push(&mut self, batch: &Batch, limit: u64) -> std::io::Result<u64> {
        let json = serde_json::to_vec(batch)?;
        let mut dropped = 0;
        while !self.files.is_empty() && self.bytes + json.len() as u64 > limit {
            dropped += self.front().map_or(0, |batch| batch.records.len() as u64);
            self.pop();
        }
        if json.len() as u64 > limit {
            return Ok(dropped + batch.records.len() as u64);
        }
        // While a successor takes over, it numbers its files in the same folder.
        let mut path = self.path(self.next);
        while path.exists() {
            self.next += 1;
            path = self.path(self.next);
        }
        let temporary = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(&json)?;
        fs::rename(&temporary, &path)?;
        self.next += 1;
        self.bytes += json.len() as u64;
        self.files.push_back((path, json.len() as u64));
        Ok(dropped)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:016}.json"))
    }

    /// The oldest batch. A file that cannot be read is skipped: it would block all later ones.
    pub fn front(&mut self) -> Option<Batch> {
        if self.files.is_empty()
            && let Ok(found) = files(&self.directory)
        {
            // Those of a predecessor that has ended only now.
            self.bytes = found.iter().map(|(_, length)| length).sum();
            self.files = found.into();
        }
        while let Some((path, _)) = self.files.front() {
            match fs::read(path)
                .map_err(std::io::Error::other)
                .and_then(|json| Ok(serde_json::from_slice(&json)?))
            {
                Ok(batch) => return Some(batch),
                Err(error) => {
                    tracing::warn!(
                        "usage batch `{}` cannot be read and is skipped: {error}",
                        path.display()
                    );
                    self.pop();
                }
            }
        }
        None
    }

    pub fn pop(&mut self) {
        if let Some((path, length)) = self.files.pop_front() {
            self.bytes -= length;
            let _ = fs::remove_file(path);
        }
    }
}

/// The batches of a folder, oldest first.
fn files(directory: &Path) -> std::io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push((path, entry.metadata()?.len()));
        }
    }
    files.sort();
    Ok(files)
}
