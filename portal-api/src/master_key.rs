//! A database belongs to the master key it was made with. With another key every stored credential
//! would be unreadable and unfindable, so the start is refused instead.

use anyhow::{Context, bail};
use migrations::Database;
use sea_orm::{ConnectionTrait, DbErr};
use service::keys::{Key, Keys, OpenError, Purpose};

use crate::meta;

const NAME: &str = "master-key-check";
const PLAIN: &[u8] = b"wicketgate";

/// Whether the database is of the current master key, and not of the other one of a rotation.
pub async fn is_current(db: &impl ConnectionTrait, key: &Key) -> Result<bool, DbErr> {
    let stored = meta::get(db, NAME).await?;
    Ok(stored.is_none_or(|stored| stored.starts_with(&key.mark())))
}

/// Stores a check value at first start and compares it at each further one.
pub async fn check(db: &Database, keys: &Keys) -> anyhow::Result<()> {
    let key = keys.derive(&Purpose::Credential)?;
    let txn = db.write().await?;
    meta::set_once(&txn, NAME, &key.seal(PLAIN, NAME.as_bytes())).await?;
    let stored = meta::get(&txn, NAME)
        .await?
        .context("the check value of the master key has vanished")?;
    txn.commit().await?;
    match key.open(&stored, NAME.as_bytes()) {
        Ok(plain) if plain == PLAIN => Ok(()),
        Ok(_) | Err(OpenError::Malformed) => bail!("the check value of the master key is damaged"),
        Err(OpenError::OtherKey) => bail!(
            "the master key is not the one this database was made with; set \
             WICKETGATE_MASTER_KEY (or WICKETGATE_MASTER_KEY_FILE) to that key, or during a \
             rotation WICKETGATE_MASTER_KEY_PREVIOUS"
        ),
    }
}
