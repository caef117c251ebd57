//! Values at rest get another key, row by row, while everything goes on.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::Database;

/// Rows per transaction; keeps each short.
const BATCH: u64 = 200;

/// A column with sealed values.
#[derive(Clone, Copy, Debug)]
pub struct Sealed {
    pub table: &'static str,
    /// The primary key, a text.
    pub id: &'static str,
    pub column: &'static str,
    /// What a value is bound to, by the id of its row.
    pub context: fn(&str) -> String,
}

impl Sealed {
    /// Gives every value that does not begin with `mark` to `reseal`, and stores what that makes of
    /// it. What it cannot open stays as it is. Answers how many were changed.
    pub async fn reseal(
        &self,
        db: &Database,
        mark: &str,
        reseal: impl Fn(&str, &str) -> Option<String>,
    ) -> Result<u64, DbErr> {
        let Self {
            table, id, column, ..
        } = self;
        let select = format!(
            "select {id}, {column} from {table} where {id} > $1 and {column} is not null \
             and {column} not like $2 order by {id} limit {BATCH}"
        );
        let update = format!("update {table} set {column} = $1 where {id} = $2 and {column} = $3");
        let (mut after, mut changed) = (String::new(), 0);
        loop {
            let txn = db.write().await?;
            let statement = |sql: &str, values: Vec<sea_orm::Value>| {
                Statement::from_sql_and_values(txn.get_database_backend(), sql, values)
            };
            let known = format!("{mark}%");
            let question = statement(&select, vec![after.clone().into(), known.into()]);
            let rows = txn.query_all_raw(question).await?;
            let Some(last) = rows.last() else {
                txn.rollback().await?;
                return Ok(changed);
            };
            let next = last.try_get_by_index(0)?;
            for row in rows {
                let (id, sealed): (String, String) =
                    (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                if let Some(resealed) = reseal(&id, &sealed) {
                    let values = vec![resealed.into(), id.into(), sealed.into()];
                    let done = txn.execute_raw(statement(&update, values)).await?;
                    changed += done.rows_affected();
                }
            }
            txn.commit().await?;
            after = next;
        }
    }
}
