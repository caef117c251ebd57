//! APIs that are closed for a while: each call of such a service is answered with 503 and a text,
//! before any plugin. Kept in a file beside the entities, which it does not touch: whoever
//! provisions those need not know of it.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use anyhow::Context;
use arc_swap::ArcSwap;
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::proxy::Answer;

const NAME: &str = "gateway.maintenance";
const MAX_MESSAGE: usize = 2000;

/// What callers of a closed service are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    #[serde(default = "default_message")]
    pub message: String,
    /// Seconds.
    #[serde(default)]
    pub retry_after: Option<u32>,
}

fn default_message() -> String {
    "This API is closed for maintenance".to_owned()
}

impl Notice {
    /// What is wrong with it.
    pub fn fault(&self) -> Option<String> {
        let is_fine = !self.message.trim().is_empty() && self.message.len() <= MAX_MESSAGE;
        (!is_fine).then(|| format!("message: has to have 1 to {MAX_MESSAGE} bytes"))
    }

    pub fn answer(&self) -> Answer {
        let answer = Answer::new(StatusCode::SERVICE_UNAVAILABLE, self.message.clone());
        match self.retry_after {
            Some(seconds) => answer.header(RETRY_AFTER, HeaderValue::from(seconds)),
            None => answer,
        }
    }
}

type Notices = BTreeMap<Uuid, Notice>;

/// The closed services.
#[derive(Default)]
pub struct Maintenance {
    /// Nearly always false, so requests look no further.
    any: AtomicBool,
    closed: ArcSwap<Notices>,
    path: Mutex<PathBuf>,
}

impl Maintenance {
    /// Reads the file in `directory`. One that cannot be read ends the start: an API that was closed
    /// must not open by itself.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(NAME);
        let closed: Notices = match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("cannot understand `{}`", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Notices::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
            }
        };
        Ok(Self {
            any: AtomicBool::new(!closed.is_empty()),
            closed: ArcSwap::from_pointee(closed),
            path: Mutex::new(path),
        })
    }

    /// What callers of this service are told, if it is closed.
    pub fn notice(&self, service: Uuid) -> Option<Notice> {
        if !self.any.load(Relaxed) {
            return None;
        }
        self.closed.load().get(&service).cloned()
    }

    pub fn all(&self) -> Arc<Notices> {
        self.closed.load_full()
    }

    /// Closes the service, or opens it again; in force and on disk when this returns.
    pub fn set(&self, service: Uuid, notice: Option<Notice>) -> io::Result<()> {
        // Held while the file is written: one at a time.
        let path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        let mut closed = Notices::clone(&self.closed.load());
        match notice {
            Some(notice) => {
                closed.insert(service, notice);
            }
            None => {
                closed.remove(&service);
            }
        }
        store(&path, &closed)?;
        let any = !closed.is_empty();
        self.closed.store(Arc::new(closed));
        self.any.store(any, Relaxed);
        Ok(())
    }
}

fn store(path: &Path, closed: &Notices) -> io::Result<()> {
    let new = path.with_extension("maintenance.new");
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    let mut file = options.open(&new)?;
    file.write_all(&serde_json::to_vec(closed)?)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
