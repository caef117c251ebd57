use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use kong::usage::Batch;

/// A file is closed when it is longer or older than this.
const MAX_BYTES: u64 = 16 << 20;
const MAX_AGE: Duration = Duration::from_hours(1);

/// Batches as lines of files, named by the time of their first one. Unlike the spool they are
/// nobody's to take away again but the operator's.
pub struct Files {
    directory: PathBuf,
    open: Option<Open>,
}

struct Open {
    file: File,
    bytes: u64,
    since: Instant,
}

impl Files {
    pub fn new(state_directory: &Path) -> Self {
        Self {
            directory: state_directory.join("usage"),
            open: None,
        }
    }

    /// Writes a batch; the oldest files give way when there is no room. Returns how many records
    /// were given up.
    pub fn append(&mut self, batch: &Batch, limit: u64) -> io::Result<u64> {
        let mut line = serde_json::to_vec(batch)?;
        line.push(b'\n');
        let mut dropped = 0;
        let mut open = if let Some(open) = self.open.take().filter(Open::has_room) {
            open
        } else {
            fs::create_dir_all(&self.directory)?;
            dropped = self.make_room(limit)?;
            self.begin()?
        };
        open.file.write_all(&line)?;
        open.bytes += line.len() as u64;
        self.open = Some(open);
        Ok(dropped)
    }

    fn begin(&self) -> io::Result<Open> {
        let now = service::clock::now().timestamp_millis();
        // Two within a millisecond do not share a file: whoever is second tries the next one.
        for millisecond in now.. {
            let path = self.directory.join(format!("{millisecond:013}.jsonl"));
            let mut options = OpenOptions::new();
            match options.append(true).create_new(true).mode(0o600).open(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => {
                    return Ok(Open {
                        file: opened?,
                        bytes: 0,
                        since: Instant::now(),
                    });
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Room for one whole file more.
    fn make_room(&self, limit: u64) -> io::Result<u64> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            files.push((entry.path(), entry.metadata()?.len()));
        }
        files.retain(|(path, _)| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        });
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        let mut dropped = 0;
        for (path, length) in files {
            if bytes + MAX_BYTES <= limit {
                break;
            }
            dropped += records(&path)?;
            fs::remove_file(&path)?;
            bytes -= length;
        }
        Ok(dropped)
    }
}

impl Open {
    fn has_room(&self) -> bool {
        self.bytes < MAX_BYTES && self.since.elapsed() < MAX_AGE
    }
}

fn records(path: &Path) -> io::Result<u64> {
    let lines = BufReader::new(File::open(path)?).lines();
    let count = |line: String| serde_json::from_str::<Batch>(&line).map_or(0, |b| b.records.len());
    let counts = lines.map(|line| line.map(count));
    Ok(counts.sum::<io::Result<usize>>()? as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        Batch {
            batch_id: uuid::Uuid::new_v4(),
            node: "edge".to_owned(),
            records: Vec::new(),
        }
    }

    #[test]
    fn batches_are_lines_and_old_files_give_way() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::new(folder.path());
        let written = [batch(), batch()];
        for batch in &written {
            assert_eq!(files.append(batch, 256 << 20).unwrap(), 0);
        }
        let names = || -> Vec<_> {
            let entries = fs::read_dir(folder.path().join("usage")).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect()
        };
        let first = names();
        let text = fs::read_to_string(&first[0]).unwrap();
        let read: Vec<Batch> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!((first.len(), read.as_slice()), (1, written.as_slice()));
        files.open = None;
        let last = batch();
        files.append(&last, MAX_BYTES).unwrap();
        let left = names();
        let text = fs::read_to_string(&left[0]).unwrap();
        assert!(left.len() == 1 && text.contains(&last.batch_id.to_string()));
    }
}
