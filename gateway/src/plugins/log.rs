//! `http-log` and `file-log`: a record of every request, for a server or a file. A request never
//! waits for them; what cannot be delivered in time is dropped and counted.

mod file;
mod guard;
mod http;
mod queue;
mod record;

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

pub use guard::{client as guarded_client, is_link_local};
pub use http::{QueueConfig, Server};
pub use queue::{DROPPED, Destination, Queue};
pub use record::{Logged, Outcome, Try};

/// Where the records of one plugin go.
pub struct Log {
    queue: Arc<Queue>,
}

#[derive(Deserialize)]
pub struct FileConfig {
    path: String,
    reopen: bool,
}

impl Log {
    pub fn to_server(config: http::Config) -> Result<Self, String> {
        let limits = config.limits();
        let server = http::Server::new(config)?;
        Ok(Self {
            queue: Queue::new(limits, queue::Destination::Server(server)),
        })
    }

    pub fn to_file(config: FileConfig) -> Self {
        let file = file::LogFile::new(config.path, config.reopen);
        Self {
            queue: Queue::new(queue::Limits::of_files(), queue::Destination::File(file)),
        }
    }

    /// Takes a record; the first one starts the delivery.
    pub fn add(&self, record: Bytes, runtime: &tokio::runtime::Handle) {
        self.queue.add(record, runtime);
    }
}

impl Drop for Log {
    /// What waits is still delivered.
    fn drop(&mut self) {
        self.queue.close();
    }
}
