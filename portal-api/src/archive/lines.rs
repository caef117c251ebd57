//! The lines of an archive: written into encrypted pieces, and read out of them.

use sdk::types::Timestamp;
use serde_json::{Map, Value, json};
use service::keys::{CHUNK, HEAD, Key, OpenError, Opener, SEALED_CHUNK, Sealer};

use super::tables::{Kind, TABLES, Table};
use crate::ApiError;

/// Version of the lines. Another one is refused.
const FORMAT: u64 = 1;
/// No row is longer; the longest are drafts of the configuration.
const MAX_LINE: usize = 64 * 1024 * 1024;

/// Why an archive is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("this is no archive, or it is damaged or cut off")]
    Damaged,
    #[error("the archive was made with another master key")]
    OtherKey,
    #[error("the archive was made by a newer release: {0}")]
    Newer(String),
    #[error("the archive is not as this release writes them: {0}")]
    Malformed(String),
}

impl From<OpenError> for Broken {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Malformed => Self::Damaged,
            OpenError::OtherKey => Self::OtherKey,
        }
    }
}

impl From<Broken> for ApiError {
    fn from(error: Broken) -> Self {
        let kind = match error {
            Broken::Damaged => "archive-damaged",
            Broken::OtherKey => "archive-other-key",
            Broken::Newer(_) => "archive-newer",
            Broken::Malformed(_) => "archive-malformed",
        };
        Self::bad_request(kind, format!("Nothing was changed: {error}."))
    }
}

/// Encrypts lines as they come.
pub struct Writer {
    sealer: Sealer,
    plain: Vec<u8>,
    sealed: Vec<u8>,
}

impl Writer {
    /// Begins with the head.
    pub fn new(key: &Key) -> Self {
        let (head, sealer) = key.seal_stream();
        let mut writer = Self {
            sealer,
            plain: Vec::with_capacity(2 * CHUNK),
            sealed: head.to_vec(),
        };
        writer.line(&json!({
            "format": FORMAT, "version": service::VERSION,
            "createdAt": Timestamp(service::clock::now()),
        }));
        writer
    }

    pub fn table(&mut self, table: &Table) {
        let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        self.line(&json!({"table": table.name, "columns": columns}));
    }

    pub fn row(&mut self, row: Vec<Value>) {
        self.line(&Value::Array(row));
    }

    fn line(&mut self, line: &Value) {
        self.plain.extend_from_slice(line.to_string().as_bytes());
        self.plain.push(b'\n');
        // The last piece is written at the end, so one is always kept.
        let mut done = 0;
        while self.plain.len() - done > CHUNK {
            let piece = self.sealer.next(&self.plain[done..][..CHUNK]);
            self.sealed.extend_from_slice(&piece);
            done += CHUNK;
        }
        self.plain.drain(..done);
    }

    /// What is ready to be sent.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sealed)
    }

    /// The rest, with the number of rows per table.
    pub fn end(mut self, rows: &Map<String, Value>) -> Vec<u8> {
        self.line(&json!({"end": rows}));
        self.sealed.extend(self.sealer.last(&self.plain));
        self.sealed
    }
}

/// Decrypts pieces as they come and gives out whole lines.
pub struct Reader {
    key: Key,
    opener: Option<Opener>,
    sealed: Vec<u8>,
    plain: Vec<u8>,
    /// Up to here `plain` was given out.
    taken: usize,
}

impl Reader {
    pub fn new(key: Key) -> Self {
        Self {
            key,
            opener: None,
            sealed: Vec::new(),
            plain: Vec::new(),
            taken: 0,
        }
    }

    /// More bytes of the archive.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.sealed.extend_from_slice(bytes);
        let mut done = 0;
        if self.opener.is_none()
            && let Some(head) = self.sealed.first_chunk::<HEAD>()
        {
            self.opener = Some(self.key.open_stream(head)?);
            done = HEAD;
        }
        if let Some(opener) = &mut self.opener {
            // Only when there is more behind it a piece is known not to be the last.
            while self.sealed.len() - done > SEALED_CHUNK {
                let plain = opener.next(&self.sealed[done..][..SEALED_CHUNK])?;
                self.plain.extend_from_slice(&plain);
                done += SEALED_CHUNK;
            }
        }
        self.sealed.drain(..done);
        if self.plain.len() - self.taken > MAX_LINE {
            return Err(Broken::Malformed("a row is too long".to_owned()));
        }
        Ok(())
    }

    /// There are no more bytes.
    pub fn end(&mut self) -> Result<(), Broken> {
        let opener = self.opener.take().ok_or(Broken::Damaged)?;
        let plain = opener.last(&self.sealed)?;
        self.sealed.clear();
        self.plain.extend_from_slice(&plain);
        Ok(())
    }

    /// The next whole line, if it is there already.
    pub fn line(&mut self) -> Option<&[u8]> {
        let rest = &self.plain[self.taken..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            self.plain.drain(..self.taken);
            self.taken = 0;
            return None;
        };
        let start = self.taken;
        self.taken += length + 1;
        Some(&self.plain[start..start + length])
    }
}

/// What the lines mean, one after the other.
#[derive(Debug, Default)]
pub struct Script {
    /// Place of the running table in [`TABLES`], with the places of its columns.
    table: Option<(usize, Vec<usize>)>,
    has_head: bool,
    has_ended: bool,
    rows: Map<String, Value>,
}

/// One line understood.
#[derive(Debug)]
pub enum Line {
    /// Nothing to be stored.
    Nothing,
    /// Values in the order of the table's columns; those that an older release did not know are
    /// null.
    Row(&'static Table, Vec<Value>),
}

impl Script {
    pub fn read(&mut self, line: &[u8]) -> Result<Line, Broken> {
        let malformed = |what: &str| Broken::Malformed(what.to_owned());
        let line: Value = serde_json::from_slice(line).map_err(|_| malformed("not JSON"))?;
        if self.has_ended {
            return Err(malformed("something stands behind the end"));
        }
        if !self.has_head {
            if line["format"] != FORMAT {
                let version = line["version"].as_str().unwrap_or("unknown").to_owned();
                return Err(Broken::Newer(format!("version {version}")));
            }
            self.has_head = true;
            return Ok(Line::Nothing);
        }
        match line {
            Value::Array(row) => self.row(row),
            Value::Object(members) if members.contains_key("table") => {
                self.begin(&members)?;
                Ok(Line::Nothing)
            }
            Value::Object(mut members) if members.contains_key("end") => {
                if members.remove("end") != Some(Value::Object(self.rows.clone())) {
                    return Err(malformed("the numbers of rows differ"));
                }
                self.has_ended = true;
                Ok(Line::Nothing)
            }
            _ => Err(malformed("a line is neither a table nor a row")),
        }
    }

    fn begin(&mut self, members: &Map<String, Value>) -> Result<(), Broken> {
        let name = members["table"].as_str().unwrap_or_default();
        let place = TABLES.iter().position(|table| table.name == name);
        let place = place.ok_or_else(|| Broken::Newer(format!("table `{name}`")))?;
        if self.table.as_ref().is_some_and(|(last, _)| *last >= place) {
            let message = format!("table `{name}` is in the wrong place");
            return Err(Broken::Malformed(message));
        }
        let mut columns = Vec::new();
        for column in members["columns"].as_array().into_iter().flatten() {
            let column = column.as_str().unwrap_or_default();
            let known = TABLES[place].columns.iter();
            let at = known.clone().position(|(name, _)| *name == column);
            let at = at.ok_or_else(|| Broken::Newer(format!("column `{name}.{column}`")))?;
            columns.push(at);
        }
        self.rows.insert(name.to_owned(), 0.into());
        self.table = Some((place, columns));
        Ok(())
    }

    fn row(&mut self, row: Vec<Value>) -> Result<Line, Broken> {
        let malformed = |what: &str| Broken::Malformed(what.to_owned());
        let (place, columns) = self.table.as_ref().ok_or_else(|| malformed("no table"))?;
        let table = &TABLES[*place];
        if row.len() != columns.len() {
            return Err(malformed("a row has another length than its table"));
        }
        let mut values = vec![Value::Null; table.columns.len()];
        for (at, value) in columns.iter().zip(row) {
            let (name, kind) = table.columns[*at];
            if !fits(kind, &value) {
                let message = format!("a value of `{}.{name}` has the wrong type", table.name);
                return Err(Broken::Malformed(message));
            }
            values[*at] = value;
        }
        if let Some(count) = self.rows.get_mut(table.name) {
            *count = (count.as_u64().unwrap_or_default() + 1).into();
        }
        Ok(Line::Row(table, values))
    }

    /// The numbers of rows, if that was the end.
    pub fn finish(self) -> Result<Map<String, Value>, Broken> {
        if self.has_ended {
            return Ok(self.rows);
        }
        Err(Broken::Malformed("the end is missing".to_owned()))
    }
}

fn fits(kind: Kind, value: &Value) -> bool {
    value.is_null()
        || match kind {
            Kind::Text | Kind::Time => value.is_string(),
            Kind::Number => value.is_i64(),
            Kind::Flag => value.is_boolean(),
            Kind::Json => true,
        }
}

#[cfg(test)]
mod tests {
    use service::keys::{Keys, MasterKey, Purpose};

    use super::*;

    fn key() -> Key {
        let keys = Keys::from_master(MasterKey::generate());
        keys.derive(&Purpose::Archive).unwrap()
    }

    /// An archive with so many rows, taken in pieces of odd sizes.
    fn round(key: &Key, rows: u64, damage: impl FnOnce(&mut Vec<u8>)) -> Result<u64, Broken> {
        let mut writer = Writer::new(key);
        writer.table(&TABLES[0]);
        for number in 0..rows {
            writer.row(vec![number.to_string().into(), "x".repeat(100).into()]);
        }
        let counts = json!({"meta": rows}).as_object().unwrap().clone();
        let mut archive = writer.take();
        archive.extend(writer.end(&counts));
        damage(&mut archive);
        let (mut reader, mut script) = (Reader::new(key.clone()), Script::default());
        let mut read = 0;
        let mut take = |reader: &mut Reader| {
            while let Some(line) = reader.line() {
                read += u64::from(matches!(script.read(line)?, Line::Row(..)));
            }
            Ok::<_, Broken>(())
        };
        for piece in archive.chunks(10_007) {
            reader.push(piece)?;
            take(&mut reader)?;
        }
        reader.end()?;
        take(&mut reader)?;
        script.finish()?;
        Ok(read)
    }

    #[test]
    fn lines_come_out_as_they_went_in() {
        let key = key();
        for rows in [0, 1, 3000] {
            assert_eq!(round(&key, rows, |_| ()).unwrap(), rows);
        }
    }

    #[test]
    fn what_was_damaged_or_cut_off_is_refused() {
        let key = key();
        for cut in [1, SEALED_CHUNK, 2 * SEALED_CHUNK + 100] {
            let cut_off = round(&key, 3000, |archive| archive.truncate(archive.len() - cut));
            assert!(matches!(cut_off, Err(Broken::Damaged)), "{cut_off:?}");
        }
        let cut = round(&key, 3000, |archive| archive.truncate(HEAD + SEALED_CHUNK));
        assert!(matches!(cut, Err(Broken::Damaged)), "between two pieces");
        let changed = round(&key, 3000, |archive| archive[100_000] ^= 1);
        assert!(matches!(changed, Err(Broken::Damaged)));
        let foreign = round(&key, 1, |archive| archive[9] ^= 1);
        assert!(matches!(foreign, Err(Broken::OtherKey)));
        assert!(matches!(round(&key, 1, Vec::clear), Err(Broken::Damaged)));
    }

    #[test]
    fn lines_in_the_wrong_place_are_refused() {
        let read = |lines: &[Value]| {
            let mut script = Script::default();
            for line in lines {
                script.read(line.to_string().as_bytes())?;
            }
            script.finish()
        };
        let head = json!({"format": 1});
        let meta = json!({"table": "meta", "columns": ["value", "name"]});
        let end = |rows: u64| json!({"end": {"meta": rows}});
        let row = json!(["v", "n"]);
        assert!(read(&[head.clone(), meta.clone(), row.clone(), end(1)]).is_ok());
        for wrong in [
            vec![json!({"format": 2})],
            vec![head.clone(), row.clone()],
            vec![head.clone(), meta.clone(), row.clone()],
            vec![head.clone(), meta.clone(), row.clone(), end(2)],
            vec![head.clone(), meta.clone(), json!(["v"])],
            vec![head.clone(), meta.clone(), json!([1, "n"])],
            vec![head.clone(), meta.clone(), meta.clone()],
            vec![head.clone(), json!({"table": "other", "columns": []})],
            vec![
                head.clone(),
                json!({"table": "meta", "columns": ["secret"]}),
            ],
            vec![head, meta, end(0), row],
        ] {
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
