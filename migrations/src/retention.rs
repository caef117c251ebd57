use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DbErr;

use crate::Database;

/// How long the rows of a table stay.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    table: &'static str,
    key: &'static str,
    since: &'static str,
    kept: TimeDelta,
}

impl Retention {
    /// `key` are the columns of the primary key, with commas between them; from the time in the column
    /// `since` a row is kept for so long, and without a time for ever.
    pub const fn new(
        table: &'static str,
        key: &'static str,
        since: &'static str,
        kept: TimeDelta,
    ) -> Self {
        Self {
            table,
            key,
            since,
            kept,
        }
    }

    /// Removes rows that have served their time, in small batches, so that no request waits for it.
    pub async fn apply(&self, database: &Database, now: DateTime<Utc>) -> Result<(), DbErr> {
        let Self {
            table, key, since, ..
        } = self;
        let statement = format!(
            "delete from {table} where ({key}) in \
             (select {key} from {table} where {since} <= $1 limit $2)"
        );
        let before = now - self.kept;
        database.in_chunks(&statement, &[before.into()]).await?;
        Ok(())
    }
}
