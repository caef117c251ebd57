//! What an import did, and everything it did not do.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Added,
    Updated,
    Unchanged,
    /// What is here was changed later than what is there.
    Kept,
}

/// The records of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub found: u64,
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub kept: u64,
    pub left_out: u64,
}

/// Something that somebody should read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    pub kind: &'static str,
    pub id: String,
    pub what: String,
}

/// The report of an import.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    counts: BTreeMap<&'static str, Count>,
    pub notes: Vec<Note>,
}

impl Report {
    pub fn counts(&self) -> &BTreeMap<&'static str, Count> {
        &self.counts
    }

    /// The whole report for programs.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers are JSON")
    }

    /// The count of one kind.
    pub fn count(&self, kind: &str) -> Count {
        self.counts.get(kind).copied().unwrap_or_default()
    }

    pub(super) fn found(&mut self, kind: &'static str, number: usize) {
        self.counts.entry(kind).or_default().found += number as u64;
    }

    pub(super) fn did(&mut self, kind: &'static str, id: &str, fate: Fate) {
        let count = self.counts.entry(kind).or_default();
        match fate {
            Fate::Added => count.added += 1,
            Fate::Updated => count.updated += 1,
            Fate::Unchanged => count.unchanged += 1,
            Fate::Kept => {
                count.kept += 1;
                self.note(kind, id, "was changed here since and stays as it is");
            }
        }
    }

    /// A record that is not taken over.
    pub(super) fn left_out(&mut self, kind: &'static str, id: &str, why: impl Into<String>) {
        self.counts.entry(kind).or_default().left_out += 1;
        self.note(kind, id, format!("left out: {}", why.into()));
    }

    pub(super) fn note(&mut self, kind: &'static str, id: &str, what: impl Into<String>) {
        self.notes.push(Note {
            kind,
            id: id.to_owned(),
            what: what.into(),
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14}{:>8}{:>8}{:>9}{:>11}{:>6}{:>10}",
            "", "found", "added", "updated", "unchanged", "kept", "left out"
        )?;
        for (kind, count) in &self.counts {
            writeln!(
                f,
                "{kind:<14}{:>8}{:>8}{:>9}{:>11}{:>6}{:>10}",
                count.found,
                count.added,
                count.updated,
                count.unchanged,
                count.kept,
                count.left_out
            )?;
        }
        for note in &self.notes {
            let id = if note.id.is_empty() { "" } else { " " };
            writeln!(f, "{}{id}{}: {}", note.kind, note.id, note.what)?;
        }
        Ok(())
    }
}
