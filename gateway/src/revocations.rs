//! The list of access tokens that ended before their time. It is in force at once, and kept in a
//! file beside the entities, so that a token that was refused stays refused after a restart.
//!
//! The file holds one feed per line: everything first, then what was told since. What cannot be read
//! is told anew: the next feed does not join on then, and its sender begins from the start.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::UNIX_EPOCH,
};

use anyhow::Context;
use kong::ApiError;
use service::{
    clock,
    revocations::{Feed, RevocationList},
};

use crate::live::Live;

const NAME: &str = "gateway.revocations";
/// A full list is far below; a longer file is none of ours.
const MAX_FILE: u64 = 256 << 20;
/// Rewriting pays off only for files of some size.
const COMPACT_FROM: u64 = 1 << 20;

pub struct Revocations {
    live: Arc<Live>,
    journal: Mutex<Journal>,
}

struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    /// Length after it was last rewritten.
    compacted: u64,
}

impl Revocations {
    /// Reads the file in `directory` and puts it in force.
    pub fn open(directory: &Path, live: Arc<Live>) -> anyhow::Result<Self> {
        let path = directory.join(NAME);
        let list = read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let journal = Journal::write(path, &list).context("cannot write the revocations")?;
        live.revoked.store(Arc::new(list));
        Ok(Self {
            live,
            journal: Mutex::new(journal),
        })
    }

    /// Takes over what an auth server told; answers when it is in force and on disk.
    pub async fn put(self: Arc<Self>, feed: Feed) -> Result<(), ApiError> {
        let work = tokio::task::spawn_blocking(move || self.put_now(&feed));
        work.await
            .unwrap_or_else(|_| Err(ApiError::plain(500, "the list could not be changed")))
    }

    fn put_now(&self, feed: &Feed) -> Result<(), ApiError> {
        // One at a time: each begins with what the one before left.
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list = RevocationList::clone(&self.live.revoked.load());
        let known = list.seq(&feed.issuer);
        list.apply(feed, clock::now().timestamp())
            .map_err(|gap| ApiError::plain(409, gap.to_string()))?;
        let list = Arc::new(list);
        // First in force: if the disk fails, the token is refused all the same.
        self.live.revoked.store(list.clone());
        if feed.revocations.is_empty() && feed.seq == known {
            return Ok(());
        }
        journal.append(feed, &list).map_err(|error| {
            tracing::error!("cannot write the revocations: {error:#}");
            ApiError::plain(500, "the list is in force, but could not be stored")
        })
    }
}

impl Journal {
    fn write(path: PathBuf, list: &RevocationList) -> anyhow::Result<Self> {
        let new = path.with_extension("revocations.new");
        let mut text = Vec::new();
        for feed in list.feeds() {
            line(&feed, &mut text)?;
        }
        let mut file = private().truncate(true).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        let length = text.len() as u64;
        Ok(Self {
            path,
            file,
            length,
            compacted: length,
        })
    }

    fn append(&mut self, feed: &Feed, list: &RevocationList) -> anyhow::Result<()> {
        if self.length > COMPACT_FROM && self.length > 2 * self.compacted {
            *self = Self::write(self.path.clone(), list)?;
            return Ok(());
        }
        let mut text = Vec::new();
        line(feed, &mut text)?;
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.length += text.len() as u64;
        Ok(())
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).mode(0o600);
    options
}

fn line(feed: &Feed, text: &mut Vec<u8>) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *text, feed)?;
    text.push(b'\n');
    Ok(())
}

/// What the file says. Its last line may have been cut off; whatever follows something unreadable
/// is left out.
fn read(path: &Path) -> io::Result<RevocationList> {
    let mut list = RevocationList::default();
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(list),
        Err(error) => return Err(error),
    };
    if about.len() > MAX_FILE {
        tracing::error!("`{}` is too long and is left out", path.display());
        return Ok(list);
    }
    // As old as the file: that is when something was last told.
    let told = about.modified()?.duration_since(UNIX_EPOCH);
    let told = told.map_or(0, |since| since.as_secs().cast_signed());
    for line in fs::read(path)?.split(|byte| *byte == b'\n') {
        if line.is_empty() {
            continue;
        }
        let applied = serde_json::from_slice::<Feed>(line)
            .map_err(|error| error.to_string())
            .and_then(|feed| list.apply(&feed, told).map_err(|gap| gap.to_string()));
        if let Err(reason) = applied {
            tracing::warn!("the list of revoked tokens ends early ({reason}); it is told anew");
            break;
        }
    }
    Ok(list)
}
