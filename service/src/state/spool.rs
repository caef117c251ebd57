//! A folder of small records, each sealed and in a file of its own.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{files, keys::Key};

const SUFFIX: &str = "job";

/// Records by id, on disk when [`Spool::put`] returns. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    key: Key,
    /// Held as long as this process lives.
    _lock: File,
}

impl Spool {
    /// Opens the folder, or makes it. Only one process at a time may have it.
    pub fn open(folder: &Path, key: Key) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = "another process uses this folder";
                return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            key,
            _lock: lock,
        })))
    }

    /// All records. One that cannot be read is put aside and logged; the others do not suffer.
    pub fn load<T: DeserializeOwned>(&self) -> io::Result<Vec<(String, T)>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.0.folder)? {
            let path = entry?.path();
            match path.extension().and_then(|suffix| suffix.to_str()) {
                Some(SUFFIX) => {}
                // Begun and not finished when the process ended; its sender was told nothing.
                Some("part") => {
                    fs::remove_file(&path)?;
                    continue;
                }
                _ => continue,
            }
            let id = path.file_stem().and_then(|name| name.to_str());
            if let Some(record) = id.and_then(|id| Some((id.to_owned(), self.read(id, &path)?))) {
                records.push(record);
            } else {
                tracing::error!("{} cannot be read and is put aside", path.display());
                fs::rename(&path, path.with_extension("unreadable"))?;
            }
        }
        Ok(records)
    }

    fn read<T: DeserializeOwned>(&self, id: &str, path: &Path) -> Option<T> {
        let sealed = fs::read_to_string(path).ok()?;
        let plain = self.0.key.open(&sealed, id.as_bytes()).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// Stores the record `id`, replacing an older one. `id` consists of letters, digits and `-`.
    pub async fn put<T: Serialize>(&self, id: &str, record: &T) -> io::Result<()> {
        let plain = serde_json::to_vec(record).map_err(io::Error::other)?;
        let sealed = self.0.key.seal(&plain, id.as_bytes());
        let path = self.path(id);
        blocking(move || files::replace(&path, sealed.as_bytes())).await
    }

    /// Forgets the record `id`.
    pub async fn remove(&self, id: &str) -> io::Result<()> {
        let path = self.path(id);
        blocking(move || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }

    fn path(&self, id: &str) -> PathBuf {
        self.0.folder.join(id).with_extension(SUFFIX)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ServiceName,
        keys::{Keys, MasterKey, Purpose},
    };

    #[tokio::test]
    async fn records_survive_sealed_and_damaged_ones_are_put_aside() {
        let folder = std::env::temp_dir().join(crate::random::hex_id());
        let keys = Keys::from_master(MasterKey::generate());
        let open = || {
            let key = keys.derive(&Purpose::Queue(ServiceName::Mailer)).unwrap();
            Spool::open(&folder, key)
        };
        let spool = open().unwrap();
        assert!(open().is_err(), "one process at a time");
        spool.put("a", &"verification link").await.unwrap();
        spool.put("b", &"gone").await.unwrap();
        spool.remove("b").await.unwrap();
        fs::write(folder.join("c.job"), "nonsense").unwrap();
        fs::write(folder.join("d.part"), "half").unwrap();
        let text = fs::read_to_string(folder.join("a.job")).unwrap();
        assert!(!text.contains("link"));
        drop(spool);
        let records: Vec<(String, String)> = open().unwrap().load().unwrap();
        assert_eq!(records, [("a".to_owned(), "verification link".to_owned())]);
        assert!(folder.join("c.unreadable").exists() && !folder.join("d.part").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
