//! What is known about the commit in use.

use chrono::{DateTime, FixedOffset};
use git2::{Oid, Repository, Time};
use serde::Serialize;

/// A commit of the configuration repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// Full hash.
    #[serde(rename = "commit")]
    pub id: String,
    /// Name and mail address.
    pub author: String,
    /// `YYYY-MM-DD hh:mm:ss ±zzzz`
    pub date: String,
    #[serde(skip)]
    pub message: String,
}

impl Commit {
    pub(super) fn oid(&self) -> Result<Oid, git2::Error> {
        Oid::from_str(&self.id)
    }

    pub(super) fn read(repository: &Repository, id: Oid) -> Result<Self, git2::Error> {
        let commit = repository.find_commit(id)?;
        let author = commit.author();
        Ok(Self {
            id: commit.id().to_string(),
            author: format!(
                "{} <{}>",
                String::from_utf8_lossy(author.name_bytes()),
                String::from_utf8_lossy(author.email_bytes())
            ),
            date: date(commit.time()),
            message: String::from_utf8_lossy(commit.message_bytes())
                .trim_end()
                .to_owned(),
        })
    }

    /// Reads what [`Commit::log_entry`] or `git log` wrote.
    pub(crate) fn from_log_entry(text: &str) -> Option<Self> {
        let (head, message) = text.split_once("\n\n").unwrap_or((text, ""));
        let member = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        Some(Self {
            id: member("commit ")?,
            author: member("Author:").unwrap_or_default(),
            date: member("Date:").unwrap_or_default(),
            message: message
                .lines()
                .map(str::trim_start)
                .collect::<Vec<_>>()
                .join("\n"),
        })
    }

    /// In the form of `git log`, as wicked writes it to `last_commit`.
    pub(super) fn log_entry(&self) -> String {
        let message: Vec<_> = self
            .message
            .lines()
            .map(|line| format!("    {line}"))
            .collect();
        format!(
            "commit {}\nAuthor: {}\nDate:   {}\n\n{}\n",
            self.id,
            self.author,
            self.date,
            message.join("\n")
        )
    }
}

fn date(time: Time) -> String {
    let utc = DateTime::from_timestamp(time.seconds(), 0);
    let offset = FixedOffset::east_opt(time.offset_minutes() * 60);
    match (utc, offset) {
        (Some(utc), Some(offset)) => utc
            .with_timezone(&offset)
            .format("%Y-%m-%d %H:%M:%S %z")
            .to_string(),
        _ => String::new(),
    }
}
