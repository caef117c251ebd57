use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use kong::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Change, Row, Tables};

const NAME: &str = "gateway.state";
/// Compaction pays off only for files of some size.
const COMPACT_FROM: u64 = 4 * 1024 * 1024;

/// The last-known-good file: every line is a checksum and what changed, so it is a journal that
/// begins with a snapshot. Mode 0600, since it holds credentials.
///
/// A broken last line is a write that was never answered and is cut off. A broken line elsewhere
/// means the file is damaged: then it is put aside, because half a configuration could leave an
/// API unprotected.
pub struct StateFile {
    directory: PathBuf,
    file: File,
    length: u64,
    /// Length after the last compaction.
    compacted: u64,
    node_id: Uuid,
    /// Held as long as this process writes: two gateways on one folder would lose writes.
    lock: File,
}

/// A file that could not be read and was put aside.
#[derive(Clone, Debug)]
pub struct Damage {
    pub aside: PathBuf,
    pub reason: String,
}

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    /// The first one; `format` changes when older releases could not read the file.
    Gateway { format: u32, node: Uuid },
    /// Changes that belong together.
    Write(Vec<Step>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    Put {
        kind: Kind,
        entity: Map<String, Value>,
    },
    Delete {
        kind: Kind,
        id: Uuid,
    },
}

const FORMAT: u32 = 1;

impl StateFile {
    pub fn open(directory: &Path) -> anyhow::Result<(Self, Tables, Option<Damage>)> {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the folder `{}`", directory.display()))?;
        let lock = private()
            .open(directory.join("gateway.lock"))
            .with_context(|| format!("cannot write to the folder `{}`", directory.display()))?;
        lock.try_lock().with_context(|| {
            format!("another gateway uses the folder `{}`", directory.display())
        })?;
        let path = directory.join(NAME);
        let mut content = Vec::new();
        match File::open(&path) {
            Ok(mut file) => {
                file.read_to_end(&mut content)
                    .with_context(|| format!("cannot read `{}`", path.display()))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot open `{}`", path.display()));
            }
        }
        let (loaded, damage) = match load(&content) {
            Ok(loaded) => (loaded, None),
            Err(reason) => (Loaded::default(), Some(put_aside(directory, reason)?)),
        };
        let node_id = loaded.node_id.unwrap_or_else(Uuid::new_v4);
        let file = private()
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        file.set_len(loaded.good_length)?;
        let mut state = Self {
            directory: directory.to_owned(),
            file,
            length: loaded.good_length,
            compacted: loaded.good_length,
            node_id,
            lock,
        };
        if loaded.good_length == 0 {
            state.compact(&loaded.tables)?;
        }
        Ok((state, loaded.tables, damage))
    }

    pub fn node_id(&self) -> Uuid {
        self.node_id
    }

    /// Writes the changes and waits until they are on disk.
    pub fn append(&mut self, changes: &[Change]) -> anyhow::Result<()> {
        let line = encode(&Line::Write(changes.iter().map(step).collect()))?;
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // A torn line in the middle would make the whole file unreadable.
            self.file
                .set_len(self.length)
                .context("cannot cut off a half-written line")?;
            return Err(error.into());
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Lets another process write.
    pub fn release(&self) -> io::Result<()> {
        self.lock.unlock()
    }

    /// Takes the file back from a process that has not written.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.lock
            .try_lock()
            .context("another gateway uses the state file")?;
        let path = self.directory.join(NAME);
        let length = fs::metadata(&path)?.len();
        anyhow::ensure!(
            length == self.length,
            "another gateway has written to the state file"
        );
        Ok(())
    }

    /// Rewrites the file when most of it is history.
    pub fn compact_if_grown(&mut self, tables: &Tables) -> anyhow::Result<()> {
        if self.length > COMPACT_FROM && self.length > 2 * self.compacted {
            self.compact(tables)?;
        }
        Ok(())
    }

    fn compact(&mut self, tables: &Tables) -> anyhow::Result<()> {
        let new = self.directory.join(format!("{NAME}.new"));
        let file = private().truncate(true).open(&new)?;
        let mut writer = BufWriter::new(file);
        writer.write_all(&encode(&Line::Gateway {
            format: FORMAT,
            node: self.node_id,
        })?)?;
        for row in tables.rows() {
            let put = Step::Put {
                kind: row.kind,
                entity: row.fields(),
            };
            writer.write_all(&encode(&Line::Write(vec![put]))?)?;
        }
        let file = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let path = self.directory.join(NAME);
        fs::rename(&new, &path)?;
        File::open(&self.directory)?.sync_all()?;
        self.length = file.metadata()?.len();
        self.compacted = self.length;
        self.file = OpenOptions::new().append(true).open(&path)?;
        Ok(())
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).mode(0o600);
    options
}

fn step(change: &Change) -> Step {
    match &change.after {
        Some(row) => Step::Put {
            kind: row.kind,
            entity: row.fields(),
        },
        None => Step::Delete {
            kind: change.kind,
            id: change.id,
        },
    }
}

fn checksum(json: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, json);
    hex::encode(&digest.as_ref()[..8])
}

/// `<checksum> <json>\n`
fn encode(line: &Line) -> anyhow::Result<Vec<u8>> {
    let json = serde_json::to_vec(line)?;
    let mut encoded = checksum(&json).into_bytes();
    encoded.push(b' ');
    encoded.extend_from_slice(&json);
    encoded.push(b'\n');
    Ok(encoded)
}

fn decode(line: &[u8]) -> Option<Line> {
    let (sum, json) = (line.get(..16)?, line.get(17..)?);
    if checksum(json).as_bytes() != sum {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[derive(Default)]
struct Loaded {
    tables: Tables,
    node_id: Option<Uuid>,
    /// Length up to the last whole line.
    good_length: u64,
}

fn load(content: &[u8]) -> Result<Loaded, String> {
    let mut loaded = Loaded::default();
    let mut rest = content;
    let mut number = 0;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        number += 1;
        let (line, tail) = (&rest[..end], &rest[end + 1..]);
        match decode(line) {
            Some(Line::Gateway {
                format: FORMAT,
                node,
            }) if number == 1 => loaded.node_id = Some(node),
            Some(Line::Write(steps)) if number > 1 => {
                for step in steps {
                    apply(&mut loaded.tables, step)
                        .ok_or(format!("line {number} holds no valid entity"))?;
                }
            }
            Some(_) => return Err(format!("line {number} is of an unknown format")),
            // Without a line behind it, it is a write that was cut off.
            None if tail.is_empty() && number > 1 => break,
            None => return Err(format!("line {number} fails its checksum")),
        }
        loaded.good_length += end as u64 + 1;
        rest = tail;
    }
    loaded.tables.take_changes();
    Ok(loaded)
}

fn apply(tables: &mut Tables, step: Step) -> Option<()> {
    match step {
        Step::Put { kind, entity } => {
            let id = entity.get("id")?.as_str()?.parse().ok()?;
            tables.put(Row::new(kind, id, 0, &entity));
        }
        Step::Delete { kind, id } => tables.remove(kind, id),
    }
    Some(())
}

fn put_aside(directory: &Path, reason: String) -> anyhow::Result<Damage> {
    let aside = directory.join(format!(
        "{NAME}.damaged-{}",
        service::clock::now().format("%Y%m%dT%H%M%S")
    ));
    fs::rename(directory.join(NAME), &aside).context("cannot put the damaged state file aside")?;
    Ok(Damage { aside, reason })
}
