//! Letters that wait, in the state folder where there is one. Every letter leaves the queue as sent
//! or as given up; nothing is forgotten in between.

mod schedule;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use service::{
    clock,
    keys::Key,
    state::{Done, Spool},
};
use tokio::sync::{Notify, oneshot};

use crate::letter::{Letter, Other};
pub use schedule::Schedule;

/// Letters that wait; further events stay in the queue at portal-api.
const CAPACITY: usize = 10_000;
/// Letters given up that are shown; the oldest are forgotten.
const MAX_FAILED: usize = 1000;
const FAILED_FOR: TimeDelta = TimeDelta::days(7);
/// How long a letter lives on when an operator sends it again.
const SECOND_LIFE: TimeDelta = TimeDelta::hours(48);

/// What became of a letter: sent, or given up for this reason.
pub type Final = Result<(), String>;

#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    spool: Option<Spool>,
    done: Done,
    /// Rung when there is something new.
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    letters: BTreeMap<String, Entry>,
    /// Letters that nobody works on, by the time of their next attempt.
    due: BTreeSet<(DateTime<Utc>, String)>,
    /// Letters given up, by time.
    failed: BTreeSet<(DateTime<Utc>, String)>,
}

#[derive(Debug)]
struct Entry {
    letter: Letter,
    /// Who waits for the result; nobody where letters are on disk.
    waiters: Vec<oneshot::Sender<Final>>,
}

/// What taking over a letter led to.
#[derive(Debug)]
pub enum Taken {
    /// It was sent before, or it is on disk.
    Done,
    /// It lives in memory only; this tells what becomes of it.
    Waits(oneshot::Receiver<Final>),
}

/// No more letters can be taken.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("{CAPACITY} mails wait already")]
    Full,
    #[error("the mail cannot be stored: {0}")]
    Store(#[from] io::Error),
}

impl Queue {
    /// A queue that lives as long as the process.
    pub fn in_memory() -> Self {
        Self::new(None, Done::in_memory())
    }

    /// The queue in a folder, with what an earlier process has left there.
    pub fn open(folder: &Path, key: Key) -> io::Result<Self> {
        let spool = Spool::open(&folder.join("queue"), key)?;
        let records: Vec<(String, Letter)> = spool.load()?;
        let queue = Self::new(Some(spool), Done::open(&folder.join("sent"))?);
        let told: BTreeSet<String> = records
            .iter()
            .flat_map(|(_, letter)| letter.more.iter().map(|other| other.id.clone()))
            .collect();
        for (id, letter) in records {
            // Sent, or told of in another mail, just before the process ended.
            if !queue.done.contains(&id) && !told.contains(&id) {
                queue.lock().insert(letter, Vec::new());
            }
        }
        Ok(queue)
    }

    fn new(spool: Option<Spool>, done: Done) -> Self {
        Self {
            waiting: Mutex::default(),
            spool,
            done,
            bell: Notify::new(),
        }
    }

    /// Whether letters survive a restart.
    pub const fn is_durable(&self) -> bool {
        self.spool.is_some()
    }

    /// Takes a letter over. One that was sent before is not sent again; one that was given up is.
    pub async fn take(&self, letter: Letter) -> Result<Taken, QueueError> {
        if self.done.contains(&letter.id) {
            return Ok(Taken::Done);
        }
        let (told, result) = oneshot::channel();
        {
            let mut waiting = self.lock();
            let known = waiting.letters.get_mut(&letter.id);
            if let Some(entry) = known.filter(|entry| entry.letter.failed_at.is_none()) {
                entry.waiters.push(told);
                return Ok(self.taken(result));
            }
            if waiting.letters.len() - waiting.failed.len() >= CAPACITY {
                return Err(QueueError::Full);
            }
        }
        if let Some(spool) = &self.spool {
            spool.put(&letter.id, &letter).await?;
        }
        self.lock().insert(letter, vec![told]);
        self.bell.notify_waiters();
        Ok(self.taken(result))
    }

    fn taken(&self, result: oneshot::Receiver<Final>) -> Taken {
        if self.is_durable() {
            Taken::Done
        } else {
            Taken::Waits(result)
        }
    }

    /// The next letter whose time has come. Who gets it has to say what became of it. Waits at most
    /// `patience`.
    pub async fn next(&self, patience: Duration) -> Option<Letter> {
        let end = tokio::time::Instant::now() + patience;
        loop {
            let bell = self.bell.notified();
            tokio::pin!(bell);
            bell.as_mut().enable();
            let pause = match self.lock().pop_due(clock::now()) {
                Ok(letter) => return Some(letter),
                Err(pause) => pause.unwrap_or(patience),
            };
            let wake = end.min(tokio::time::Instant::now() + pause);
            tokio::select! {
                () = bell => {}
                () = tokio::time::sleep_until(wake) => {
                    if wake == end {
                        return None;
                    }
                }
            }
        }
    }

    /// Takes all other letters out that are collected for the same receiver, to be told of in
    /// `letter`. They are one with it from now on.
    pub async fn collect(&self, letter: &mut Letter) -> io::Result<()> {
        let mut others = Vec::new();
        {
            let mut waiting = self.lock();
            let is_like = |other: &Letter| other.is_collected && other.goes_with(letter);
            let ids: Vec<String> = waiting
                .due
                .iter()
                .filter(|(_, id)| {
                    waiting
                        .letters
                        .get(id)
                        .is_some_and(|one| is_like(&one.letter))
                })
                .map(|(_, id)| id.clone())
                .collect();
            for id in ids {
                if let Some(entry) = waiting.remove(&id) {
                    others.push(entry);
                }
            }
        }
        letter.is_collected = false;
        let mut waiters = Vec::new();
        let mut ids = Vec::new();
        for entry in others {
            ids.push(entry.letter.id.clone());
            letter.more.push(Other {
                id: entry.letter.id,
                mail: entry.letter.mail,
                content: entry.letter.content,
            });
            letter.more.extend(entry.letter.more);
            waiters.extend(entry.waiters);
        }
        if let Some(entry) = self.lock().letters.get_mut(&letter.id) {
            entry.letter = letter.clone();
            entry.waiters.extend(waiters);
        }
        if let Some(spool) = &self.spool {
            spool.put(&letter.id, letter).await?;
            for id in ids {
                spool.remove(&id).await?;
            }
        }
        Ok(())
    }

    /// The letter has left.
    pub async fn sent(&self, letter: &Letter) {
        for id in letter.ids() {
            if let Err(error) = self.done.insert(id).await {
                tracing::error!("a sent mail cannot be taken down, it may be sent twice: {error}");
            }
        }
        if let Some(spool) = &self.spool
            && let Err(error) = spool.remove(&letter.id).await
        {
            tracing::error!("a sent mail cannot be removed from the queue: {error}");
        }
        let entry = self.lock().remove(&letter.id);
        tell(entry, &Ok(()));
    }

    /// The letter shall be tried again at `next`.
    pub async fn later(&self, mut letter: Letter, reason: String, next: DateTime<Utc>) {
        letter.attempts += 1;
        letter.next_attempt_at = next;
        letter.last_error = Some(reason);
        self.store(&letter).await;
        self.lock().put_back(letter);
        self.bell.notify_waiters();
    }

    /// The letter is given up.
    pub async fn failed(&self, mut letter: Letter, reason: String, now: DateTime<Utc>) {
        letter.attempts += 1;
        letter.failed_at = Some(now);
        letter.last_error = Some(reason.clone());
        self.store(&letter).await;
        let entry = self.lock().remove(&letter.id);
        tell(entry, &Err(reason));
        let forgotten = {
            let mut waiting = self.lock();
            waiting.insert(letter, Vec::new());
            waiting.forget_failed(now)
        };
        if let Some(spool) = &self.spool {
            for id in forgotten {
                if let Err(error) = spool.remove(&id).await {
                    tracing::warn!("a mail given up cannot be removed: {error}");
                }
            }
        }
    }

    /// Gives a letter another try now, also one that was given up. False when there is none.
    pub async fn retry(&self, id: &str) -> bool {
        let letter = {
            let mut waiting = self.lock();
            let Some(entry) = waiting.letters.get(id) else {
                return false;
            };
            let mut letter = entry.letter.clone();
            let is_free = letter.failed_at.is_some()
                || waiting
                    .due
                    .contains(&(letter.next_attempt_at, letter.id.clone()));
            if !is_free {
                // It is on its way right now.
                return true;
            }
            let now = clock::now();
            if letter.failed_at.take().is_some() {
                letter.attempts = 0;
                letter.expires_at = letter.expires_at.max(now + SECOND_LIFE);
            }
            letter.next_attempt_at = now;
            let waiters = waiting.remove(id).map(|entry| entry.waiters);
            waiting.insert(letter.clone(), waiters.unwrap_or_default());
            letter
        };
        self.store(&letter).await;
        self.bell.notify_waiters();
        true
    }

    /// All letters, those that are tried next first, then those given up.
    pub fn list(&self) -> Vec<Letter> {
        let mut letters: Vec<Letter> = self
            .lock()
            .letters
            .values()
            .map(|entry| entry.letter.clone())
            .collect();
        letters.sort_by_key(|letter| (letter.failed_at, letter.next_attempt_at));
        letters
    }

    /// How many wait, and how many were given up.
    pub fn lengths(&self) -> (usize, usize) {
        let waiting = self.lock();
        let failed = waiting.failed.len();
        (waiting.letters.len() - failed, failed)
    }

    async fn store(&self, letter: &Letter) {
        if let Some(spool) = &self.spool
            && let Err(error) = spool.put(&letter.id, letter).await
        {
            tracing::error!("the state of a mail cannot be stored: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of this lock panics")
    }
}

fn tell(entry: Option<Entry>, result: &Final) {
    for waiter in entry.into_iter().flat_map(|entry| entry.waiters) {
        // Nobody may wait any more; the letter has its end all the same.
        let _ = waiter.send(result.clone());
    }
}

impl Waiting {
    fn insert(&mut self, letter: Letter, waiters: Vec<oneshot::Sender<Final>>) {
        self.remove(&letter.id);
        match letter.failed_at {
            Some(at) => self.failed.insert((at, letter.id.clone())),
            None => self.due.insert((letter.next_attempt_at, letter.id.clone())),
        };
        let id = letter.id.clone();
        self.letters.insert(id, Entry { letter, waiters });
    }

    /// As [`Self::insert`], for a letter that was taken out by [`Self::pop_due`].
    fn put_back(&mut self, letter: Letter) {
        let waiters = self.remove(&letter.id).map(|entry| entry.waiters);
        self.insert(letter, waiters.unwrap_or_default());
    }

    fn remove(&mut self, id: &str) -> Option<Entry> {
        let entry = self.letters.remove(id)?;
        let letter = &entry.letter;
        self.due.remove(&(letter.next_attempt_at, id.to_owned()));
        if let Some(at) = letter.failed_at {
            self.failed.remove(&(at, id.to_owned()));
        }
        Some(entry)
    }

    /// The first letter that is due, or how long there is none.
    fn pop_due(&mut self, now: DateTime<Utc>) -> Result<Letter, Option<Duration>> {
        let Some((at, _)) = self.due.first() else {
            return Err(None);
        };
        if let Ok(pause) = (*at - now).to_std()
            && !pause.is_zero()
        {
            return Err(Some(pause));
        }
        let id = self.due.pop_first().map(|(_, id)| id);
        let entry = id.and_then(|id| self.letters.get(&id)).ok_or(None)?;
        Ok(entry.letter.clone())
    }

    fn forget_failed(&mut self, now: DateTime<Utc>) -> Vec<String> {
        let mut forgotten = Vec::new();
        while let Some((at, id)) = self.failed.first().cloned() {
            if self.failed.len() <= MAX_FAILED && now - at < FAILED_FOR {
                break;
            }
            self.remove(&id);
            forgotten.push(id);
        }
        forgotten
    }
}
