//! Which work is done, for a week: an event that comes again makes nothing twice.

use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{clock, crypto::sha256, files};

/// Seconds for which done work is remembered.
const MEMORY: i64 = 7 * 24 * 3600;
/// The oldest beyond this number are forgotten earlier.
const CAPACITY: usize = 200_000;

/// The id of a piece of work, from what makes it what it is. Always the same for the same parts.
pub fn id(parts: &[&str]) -> String {
    let text = parts.join("\n");
    hex::encode(&sha256(text.as_bytes())[..16])
}

/// Ids of done work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Done(Arc<Mutex<Memory>>);

#[derive(Debug)]
struct Memory {
    known: HashMap<u128, i64>,
    order: VecDeque<u128>,
    file: Option<(PathBuf, File)>,
    /// Lines in the file that say nothing any more.
    stale: usize,
}

impl Done {
    /// Remembers as long as the process lives.
    pub fn in_memory() -> Self {
        Self(Arc::new(Mutex::new(Memory {
            known: HashMap::new(),
            order: VecDeque::new(),
            file: None,
            stale: 0,
        })))
    }

    /// Remembers in a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let done = Self::in_memory();
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other?,
        };
        let oldest = clock::now().timestamp() - MEMORY;
        // A line that was cut off by a crash is left out.
        for (at, id) in text.lines().filter_map(parse) {
            if at >= oldest {
                done.memory().remember(id, at);
            }
        }
        {
            let mut memory = done.memory();
            memory.rewrite(path)?;
        }
        Ok(done)
    }

    pub fn contains(&self, id: &str) -> bool {
        let known = number(id).and_then(|id| self.memory().known.get(&id).copied());
        known.is_some_and(|at| at >= clock::now().timestamp() - MEMORY)
    }

    /// Takes down that `id` is done. On disk when this returns.
    pub async fn insert(&self, id: &str) -> io::Result<()> {
        let Some(id) = number(id) else {
            return Err(io::Error::other("not an id of work"));
        };
        let now = clock::now().timestamp();
        let memory = self.0.clone();
        tokio::task::spawn_blocking(move || lock(&memory).insert(id, now))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.0)
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().expect("no holder of this lock panics")
}

impl Memory {
    fn insert(&mut self, id: u128, now: i64) -> io::Result<()> {
        if !self.remember(id, now) {
            return Ok(());
        }
        if let Some((_, file)) = &mut self.file {
            file.write_all(format!("{now} {id:032x}\n").as_bytes())?;
            file.sync_data()?;
        }
        self.forget_old(now);
        if self.stale > self.order.len() + 1000
            && let Some((path, _)) = self.file.take()
        {
            self.rewrite(&path)?;
        }
        Ok(())
    }

    fn remember(&mut self, id: u128, at: i64) -> bool {
        let is_new = self.known.insert(id, at).is_none();
        if is_new {
            self.order.push_back(id);
        }
        is_new
    }

    fn forget_old(&mut self, now: i64) {
        while let Some(oldest) = self.order.front() {
            let at = self.known.get(oldest).copied().unwrap_or_default();
            if self.order.len() <= CAPACITY && at >= now - MEMORY {
                return;
            }
            self.known.remove(oldest);
            self.order.pop_front();
            self.stale += 1;
        }
    }

    /// Writes the file anew, without what is forgotten.
    fn rewrite(&mut self, path: &Path) -> io::Result<()> {
        let lines: String = self
            .order
            .iter()
            .filter_map(|id| Some(format!("{} {id:032x}\n", self.known.get(id)?)))
            .collect();
        files::replace(path, lines.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path)?;
        self.file = Some((path.to_owned(), file));
        self.stale = 0;
        Ok(())
    }
}

fn parse(line: &str) -> Option<(i64, u128)> {
    let (at, id) = line.split_once(' ')?;
    Some((at.parse().ok()?, number(id)?))
}

fn number(id: &str) -> Option<u128> {
    (id.len() == 32).then(|| u128::from_str_radix(id, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn done_work_is_known_after_a_restart_and_forgotten_after_a_week() {
        let path = std::env::temp_dir().join(crate::random::hex_id());
        let (new, old) = (id(&["event", "mail"]), id(&["event", "other"]));
        Done::open(&path).unwrap().insert(&new).await.unwrap();
        let week_ago = clock::now().timestamp() - MEMORY - 1;
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{week_ago} {old}\n17 cut off")).unwrap();
        let done = Done::open(&path).unwrap();
        assert!(done.contains(&new) && !done.contains(&old));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        fs::remove_file(path).unwrap();
    }
}
