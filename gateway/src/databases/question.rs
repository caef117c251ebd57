//! A statement with values, and what comes back.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use kong::plugins::data_service::{Rows, Statement, Typed};
use sqlx::{Column, Row};

use super::Fault;

/// What is answered at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub rows: u32,
    pub bytes: usize,
    pub timeout: Duration,
}

impl Limits {
    /// Rows that are worth reading: one more tells that there are more.
    pub const fn most(&self, rows: Rows) -> u32 {
        match rows {
            Rows::Many => self.rows + 1,
            Rows::One | Rows::None => 1,
        }
    }
}

/// How a database wants its statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    Sqlite,
    #[cfg(feature = "mysql")]
    MySql,
}

impl Dialect {
    /// In the order of their numbers.
    pub const ALL: &[Self] = &[
        Self::Postgres,
        Self::Sqlite,
        #[cfg(feature = "mysql")]
        Self::MySql,
    ];
}

/// A statement as its database takes it.
#[derive(Debug)]
pub struct Prepared {
    pub sql: Arc<str>,
    /// The values that its parameters stand for, in their order.
    pub order: Vec<usize>,
    pub rows: Rows,
    pub writes: bool,
    pub limits: Limits,
}

impl Prepared {
    pub fn new(
        statement: &Statement,
        dialect: Dialect,
        rows: Rows,
        writes: bool,
        limits: Limits,
    ) -> Self {
        let most = limits.most(rows);
        let order = (0..statement.names().len()).collect();
        let (sql, order) = match (dialect, rows, writes) {
            #[cfg(feature = "mysql")]
            (Dialect::MySql, ..) => statement.marked(),
            (Dialect::Sqlite, ..) => (statement.numbered('?'), order),
            (Dialect::Postgres, Rows::None, _) => (statement.numbered('$'), order),
            // The database knows best how its types are written; and it stops by itself.
            (Dialect::Postgres, _, false) => {
                let sql = statement.numbered('$');
                let sql = format!(
                    "select row_to_json(\"row\")::text from ({sql}) as \"row\" limit {most}"
                );
                (sql, order)
            }
            (Dialect::Postgres, _, true) => {
                let sql = statement.numbered('$');
                let sql = format!(
                    "with \"row\" as ({sql}) select row_to_json(\"row\")::text from \"row\""
                );
                (sql, order)
            }
        };
        Self {
            sql: sql.into(),
            order,
            rows,
            writes,
            limits,
        }
    }
}

/// One call.
pub struct Question {
    pub prepared: Arc<Prepared>,
    /// In the order of their names in the statement.
    pub values: Vec<Typed>,
}

impl Question {
    /// What each parameter of the statement stands for.
    pub fn bound(&self) -> impl Iterator<Item = &Typed> {
        self.prepared
            .order
            .iter()
            .map(|number| &self.values[*number])
    }
}

/// An object with the columns in their order.
pub fn write_row<R: Row>(
    text: &mut Vec<u8>,
    row: &R,
    mut write_value: impl FnMut(&mut Vec<u8>, usize) -> Result<(), Fault>,
) -> Result<(), Fault> {
    text.push(b'{');
    for (position, column) in row.columns().iter().enumerate() {
        if position > 0 {
            text.push(b',');
        }
        serde_json::to_writer(&mut *text, column.name()).map_err(|_| Fault::Wrong)?;
        text.push(b':');
        write_value(text, position)?;
    }
    text.push(b'}');
    Ok(())
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    Rows {
        /// A list, or one object.
        json: Bytes,
        is_truncated: bool,
    },
    /// No row was found or changed.
    Nothing,
    /// Rows were changed, and none are answered.
    Done,
}

impl Reply {
    pub const fn of_changes(count: u64) -> Self {
        if count == 0 {
            Self::Nothing
        } else {
            Self::Done
        }
    }
}

/// Puts rows together as they come.
pub struct Collected<'a> {
    prepared: &'a Prepared,
    json: Vec<u8>,
    count: u32,
    is_truncated: bool,
}

impl<'a> Collected<'a> {
    pub fn new(prepared: &'a Prepared) -> Self {
        Self {
            prepared,
            json: Vec::new(),
            count: 0,
            is_truncated: false,
        }
    }

    /// Adds a row, written by `write`. Answers whether further ones are wanted.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<bool, Fault> {
        let limits = &self.prepared.limits;
        if self.count >= limits.rows {
            self.is_truncated = true;
            return Ok(false);
        }
        if self.prepared.rows == Rows::Many {
            self.json.push(if self.count == 0 { b'[' } else { b',' });
        }
        write(&mut self.json);
        self.count += 1;
        if self.json.len() >= limits.bytes {
            return Err(Fault::TooLarge);
        }
        Ok(self.prepared.rows == Rows::Many)
    }

    pub fn finish(mut self) -> Reply {
        match (self.prepared.rows, self.count) {
            (Rows::Many, 0) => self.json.extend_from_slice(b"[]"),
            (Rows::Many, _) => self.json.push(b']'),
            (_, 0) => return Reply::Nothing,
            _ => {}
        }
        Reply::Rows {
            json: self.json.into(),
            is_truncated: self.is_truncated,
        }
    }
}
