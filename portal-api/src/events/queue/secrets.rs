//! Sealed members of events, and their end (events-and-adapters B8): when everybody who may see them
//! has them, or when what they open is no more.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use crate::{events::OPEN, sql};

/// Erases the sealed members of these events, unless another listener that may see them waits.
pub async fn erase(txn: &DatabaseTransaction, seqs: &[i64]) -> Result<(), DbErr> {
    if seqs.is_empty() {
        return Ok(());
    }
    erase_where(
        txn,
        &format!("seq in {}", sql::members(txn, 1)),
        sql::numbers(seqs),
    )
    .await
}

/// The same for the events that a listener has just acknowledged by their ids.
pub async fn erase_named(txn: &DatabaseTransaction, ids: &[&str]) -> Result<(), DbErr> {
    erase_where(
        txn,
        &format!("id in {}", sql::texts(txn, 1)),
        sql::json(&ids),
    )
    .await
}

async fn erase_where(
    txn: &impl ConnectionTrait,
    which: &str,
    value: sea_orm::Value,
) -> Result<(), DbErr> {
    let open = OPEN.replace("state", "d.state");
    let statement = format!(
        "update events set sealed = null where {which} and sealed is not null \
         and not exists (select 1 from deliveries d join listeners l on l.id = d.listener_id \
                         where d.event_seq = events.seq and l.sensitive and {open})"
    );
    sql::run(txn, &statement, [value]).await?;
    Ok(())
}

/// Erases what opens the thing with this digest, which was used or withdrawn.
pub async fn erase_opened(txn: &DatabaseTransaction, digest: &str) -> Result<(), DbErr> {
    let statement =
        "update events set sealed = null where sealed_digest = $1 and sealed is not null";
    sql::run(txn, statement, [digest.into()]).await?;
    Ok(())
}
