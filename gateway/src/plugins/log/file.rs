use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

/// A file that records are appended to, one line each.
pub struct LogFile {
    path: PathBuf,
    /// Opens the file anew for each batch, so that it may be moved away.
    reopens: bool,
    open: Arc<Mutex<Option<File>>>,
}

impl LogFile {
    pub fn new(path: String, reopens: bool) -> Self {
        Self {
            path: path.into(),
            reopens,
            open: Arc::default(),
        }
    }

    pub async fn write(&self, batch: &[Bytes]) -> Result<(), String> {
        let mut lines = Vec::new();
        for record in batch {
            lines.extend_from_slice(record);
            lines.push(b'\n');
        }
        let (path, reopens, open) = (self.path.clone(), self.reopens, self.open.clone());
        tokio::task::spawn_blocking(move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            let mut file = match open.take().filter(|_| !reopens) {
                Some(file) => file,
                None => OpenOptions::new()
                    .create(true)
                    .append(true)
                    .mode(0o640)
                    .open(&path)?,
            };
            file.write_all(&lines)?;
            *open = Some(file);
            Ok(())
        })
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|error| format!("cannot write `{}`: {error}", self.path.display()))
    }
}
