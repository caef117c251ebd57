//! A database belongs to the master key it was made with. With another key every stored credential
//! would be unreadable and unfindable, so the start is refused instead.

use anyhow::{Context, bail};
use migrations::Database;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use service::keys::{Keys, OpenError, Purpose};

const NAME: &str = "master-key-check";
const PLAIN: &[u8] = b"wicketgate";

#[derive(FromQueryResult)]
struct Stored {
    value: String,
}

/// Stores a check value at first start and compares it at each further one.
pub async fn check(db: &Database, keys: &Keys) -> anyhow::Result<()> {
    let key = keys.derive(&Purpose::Credential)?;
    let txn = db.write().await?;
    let backend = txn.get_database_backend();
    // Insert first: of two instances that start together exactly one stores its value.
    let insert = Statement::from_sql_and_values(
        backend,
        "insert into meta (name, value) values ($1, $2) on conflict (name) do nothing",
        [NAME.into(), key.seal(PLAIN, NAME.as_bytes()).into()],
    );
    txn.execute_raw(insert).await?;
    let select = Statement::from_sql_and_values(
        backend,
        "select value from meta where name = $1",
        [NAME.into()],
    );
    let stored = Stored::find_by_statement(select)
        .one(&txn)
        .await?
        .context("the check value of the master key has vanished")?;
    txn.commit().await?;
    match key.open(&stored.value, NAME.as_bytes()) {
        Ok(plain) if plain == PLAIN => Ok(()),
        Ok(_) | Err(OpenError::Malformed) => bail!("the check value of the master key is damaged"),
        Err(OpenError::OtherKey) => bail!(
            "the master key is not the one this database was made with; set \
             WICKETGATE_MASTER_KEY (or WICKETGATE_MASTER_KEY_FILE) to that key, or during a \
             rotation WICKETGATE_MASTER_KEY_PREVIOUS"
        ),
    }
}
