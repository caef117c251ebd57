//! The entities: the truth behind what the workers see.
//!
//! One thread owns them. Writers queue up; everything that waits is applied, written to disk with
//! one sync, shown to the workers, and only then answered. So an answered write is both durable
//! and visible, and many writes at a time cost one sync.

mod cell;
mod certificates;
mod file;
mod log_folders;
mod row;
mod tables;
mod unique;
mod write;

use std::path::Path;

use kong::ApiError;
use tokio::sync::oneshot;

pub use certificates::{certificates, certified_key};
pub use file::{Damage, StateFile};
pub use log_folders::LogFolders;
pub use row::Row;
pub use tables::{Change, Tables};
pub use write::{Key, examine, not_found, present};

/// Writes that one sync covers at most.
const BATCH: usize = 256;

type Settle = Box<dyn FnOnce(Result<(), ApiError>) + Send>;
/// A job applies itself and says how to answer once the outcome is on disk.
type Job = Box<dyn FnOnce(&mut Tables) -> Settle + Send>;

enum Order {
    Job(Job),
    /// Another process is to write the file from now on.
    Release(oneshot::Sender<Result<(), ApiError>>),
    /// It does not, after all.
    Resume(oneshot::Sender<Result<(), ApiError>>),
}

/// Access to the entities. Clones reach the same store.
#[derive(Clone)]
pub struct Store {
    jobs: std::sync::mpsc::Sender<Order>,
}

/// The thread's side of [`Store`].
pub struct Writer {
    jobs: std::sync::mpsc::Receiver<Order>,
    is_released: bool,
    tables: Tables,
    /// Nothing in mode memory.
    file: Option<StateFile>,
}

impl Store {
    /// Reads the state file in `directory`. The writer must be given a thread ([`Writer::run`]).
    pub fn open(directory: &Path) -> anyhow::Result<(Self, Writer, Option<Damage>)> {
        let (file, tables, damage) = StateFile::open(directory)?;
        let (sender, jobs) = std::sync::mpsc::channel();
        let writer = Writer {
            jobs,
            is_released: false,
            tables,
            file: Some(file),
        };
        Ok((Self { jobs: sender }, writer, damage))
    }

    /// Entities that nobody keeps.
    pub fn in_memory() -> (Self, Writer) {
        let (sender, jobs) = std::sync::mpsc::channel();
        let writer = Writer {
            jobs,
            is_released: false,
            tables: Tables::default(),
            file: None,
        };
        (Self { jobs: sender }, writer)
    }

    /// Looks at the entities. Sees every write that was answered before, and none that is not on
    /// disk and shown to the workers when this returns.
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Tables) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            let seen = look(tables);
            Box::new(move |stored| {
                let _ = sender.send(stored.map(|()| seen));
            })
        });
        self.send(Order::Job(job), receiver).await
    }

    /// Changes the entities; on an error nothing is changed. Returns when the change is on disk
    /// and all workers see it.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tables) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            let mark = tables.mark();
            let outcome = change(tables);
            if outcome.is_err() {
                tables.roll_back(mark);
            }
            Box::new(move |stored| {
                let _ = sender.send(stored.and(outcome));
            })
        });
        self.send(Order::Job(job), receiver).await
    }

    /// Writes no more, so that another process may. What was answered before is on disk.
    pub async fn release(&self) -> Result<(), ApiError> {
        let (done, receiver) = oneshot::channel();
        self.send(Order::Release(done), receiver).await
    }

    /// Writes again.
    pub async fn resume(&self) -> Result<(), ApiError> {
        let (done, receiver) = oneshot::channel();
        self.send(Order::Resume(done), receiver).await
    }

    async fn send<T>(
        &self,
        order: Order,
        answer: oneshot::Receiver<Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        self.jobs.send(order).map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }
}

fn stopping() -> ApiError {
    ApiError::plain(503, "the gateway is stopping")
}

/// For writes while another process takes over.
pub fn moving() -> ApiError {
    let mut error = ApiError::plain(503, "another process is taking over; ask again");
    error.retry_after = Some(1);
    error
}

impl Writer {
    /// The entities as read from the file, before [`run`](Self::run).
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Another one at each start where nothing is kept.
    pub fn node_id(&self) -> uuid::Uuid {
        let kept = self.file.as_ref().map(StateFile::node_id);
        kept.unwrap_or_else(uuid::Uuid::new_v4)
    }

    /// Changes before anybody looks.
    pub fn tables_mut(&mut self) -> &mut Tables {
        &mut self.tables
    }

    /// Works until the last [`Store`] is gone. `publish` shows changes to the workers.
    pub fn run(mut self, mut publish: impl FnMut(&Tables, &[Change])) {
        while let Ok(order) = self.jobs.recv() {
            let (mut settlers, mut next) = (Vec::new(), Some(order));
            while let Some(Order::Job(job)) = next {
                settlers.push(job(&mut self.tables));
                let is_full = settlers.len() >= BATCH;
                next = (!is_full).then(|| self.jobs.try_recv().ok()).flatten();
            }
            if !settlers.is_empty() {
                let outcome = self.persist(&mut publish);
                for settle in settlers {
                    settle(outcome.clone());
                }
            }
            match next {
                Some(Order::Release(done)) => drop(done.send(self.release())),
                Some(Order::Resume(done)) => drop(done.send(self.resume())),
                Some(Order::Job(_)) | None => {}
            }
        }
    }

    fn release(&mut self) -> Result<(), ApiError> {
        if let Some(file) = &mut self.file {
            file.release().map_err(|error| {
                ApiError::plain(500, format!("the state file stays locked: {error}"))
            })?;
        }
        self.is_released = true;
        Ok(())
    }

    fn resume(&mut self) -> Result<(), ApiError> {
        if !self.is_released {
            return Ok(());
        }
        if let Some(file) = &mut self.file {
            file.resume()
                .map_err(|error| ApiError::plain(500, format!("{error:#}")))?;
        }
        self.is_released = false;
        Ok(())
    }

    fn persist(&mut self, publish: &mut impl FnMut(&Tables, &[Change])) -> Result<(), ApiError> {
        if self.tables.changes().is_empty() {
            return Ok(());
        }
        if self.is_released {
            self.tables.roll_back(0);
            return Err(moving());
        }
        if let Some(file) = &mut self.file
            && let Err(error) = file.append(self.tables.changes())
        {
            tracing::error!("cannot write the gateway's state file: {error:#}");
            self.tables.roll_back(0);
            return Err(ApiError::plain(500, "the change could not be stored"));
        }
        let changes = self.tables.take_changes();
        publish(&self.tables, &changes);
        if let Some(file) = &mut self.file
            && let Err(error) = file.compact_if_grown(&self.tables)
        {
            tracing::warn!("cannot compact the gateway's state file: {error:#}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use futures_util::FutureExt;
    use kong::Kind;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_is_read_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let (store, writer, _) = Store::open(folder.path()).unwrap();
        let consumer = json!({"username": "ada"}).as_object().unwrap().clone();
        let write = store.write(move |tables| tables.create(Kind::Consumer, consumer, 0));
        let read = store.read(|tables| tables.all(Kind::Consumer, None).count());
        let (mut write, mut read) = (Box::pin(write), Box::pin(read));
        // Both wait for the thread, so it takes them together.
        assert!(write.as_mut().now_or_never().is_none());
        assert!(read.as_mut().now_or_never().is_none());
        let (entered, publishing) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let thread = thread::spawn(move || {
            writer.run(|_, _| {
                entered.send(()).unwrap();
                released.recv().unwrap();
            });
        });
        publishing.recv().unwrap();
        assert!(read.as_mut().now_or_never().is_none(), "not yet in force");
        release.send(()).unwrap();
        assert_eq!(read.await.unwrap(), 1);
        write.await.unwrap();
        drop(store);
        thread.join().unwrap();
    }
}
