//! Messages on their way to targets: on disk where there is a state folder, and which of them have
//! arrived or were given up, so that an event that comes again reaches nobody twice.

use std::{io, path::Path};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::{
    keys::Key,
    state::{self, Done, Spool},
};

/// A message for one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Made of event and target; also the id under which receivers know the message.
    pub id: String,
    /// [`crate::target::Target::key`]
    pub target: String,
    pub message: String,
    pub body: Value,
    pub created_at: DateTime<Utc>,
}

/// The id of the message about an event for a target.
pub fn id(event: &str, target: &str) -> String {
    state::id(&[event, target])
}

/// What the chatbot remembers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {
    spool: Option<Spool>,
    done: Done,
}

impl Queue {
    pub fn in_memory() -> Self {
        Self {
            spool: None,
            done: Done::in_memory(),
        }
    }

    pub fn open(folder: &Path, key: Key) -> io::Result<Self> {
        Ok(Self {
            spool: Some(Spool::open(&folder.join("queue"), key)?),
            done: Done::open(&folder.join("sent"))?,
        })
    }

    /// Whether messages survive a restart.
    pub const fn is_durable(&self) -> bool {
        self.spool.is_some()
    }

    pub fn is_done(&self, id: &str) -> bool {
        self.done.contains(id)
    }

    /// Puts a message on disk, where there is one.
    pub async fn keep(&self, job: &Job) -> io::Result<()> {
        match &self.spool {
            Some(spool) => spool.put(&job.id, job).await,
            None => Ok(()),
        }
    }

    /// The message was not taken after all.
    pub async fn forget(&self, id: &str) -> io::Result<()> {
        match &self.spool {
            Some(spool) => spool.remove(id).await,
            None => Ok(()),
        }
    }

    /// The message has its end.
    pub async fn finish(&self, id: &str) {
        let mut result = self.done.insert(id).await;
        if let (Ok(()), Some(spool)) = (&result, &self.spool) {
            result = spool.remove(id).await;
        }
        if let Err(error) = result {
            tracing::error!("a message cannot be taken down, it may be sent twice: {error}");
        }
    }

    /// What an earlier process has left, oldest first.
    pub async fn left(&self) -> io::Result<Vec<Job>> {
        let Some(spool) = self.spool.clone() else {
            return Ok(Vec::new());
        };
        let jobs = tokio::task::spawn_blocking(move || spool.load::<Job>()).await;
        let jobs = jobs.unwrap_or_else(|error| Err(io::Error::other(error)))?;
        let mut jobs: Vec<Job> = jobs.into_iter().map(|(_, job)| job).collect();
        jobs.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(jobs)
    }
}
