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
        let mut files = Vec::new();
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push((entry.path(), entry.metadata()?.len()));
            }
        }
        files.sort();
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
        let path = self.directory.join(format!("{:016}.json", self.next));
        let temporary = path.with_extension("new");
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

    /// The oldest batch. A file that cannot be read is skipped: it would block all later ones.
    pub fn front(&mut self) -> Option<Batch> {
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
