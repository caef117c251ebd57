//! Acknowledgements of single events, written together: a transaction waits for the disk, so those
//! that come in meanwhile share the next one.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use sea_orm::{DatabaseTransaction, DbErr};
use tokio::sync::oneshot;

use super::secrets;
use crate::{
    ApiError, AppState,
    events::{OPEN, listeners::stats, row::listener},
    sql,
};

/// Acknowledgements that are written in one transaction, at most.
const MOST: usize = 64;

/// What waits to be written down.
#[derive(Default)]
pub struct Acks {
    waiting: Mutex<Vec<Ack>>,
    /// Held by the one who writes.
    turn: tokio::sync::Mutex<()>,
}

struct Ack {
    listener: listener::Model,
    ids: Vec<String>,
    written: oneshot::Sender<Result<(), DbErr>>,
}

impl Acks {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Ack>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes events out of the queue of a listener. They stay out when this returns. Those that are not
/// in it are no error.
pub async fn acknowledge(
    state: &AppState,
    listener: listener::Model,
    ids: Vec<String>,
) -> Result<(), ApiError> {
    let (written, result) = oneshot::channel();
    state.acks.waiting().push(Ack {
        listener,
        ids,
        written,
    });
    // A task of its own: a caller who hangs up takes nobody else's acknowledgement along.
    tokio::spawn(write_waiting(state.clone()));
    result.await.unwrap_or_else(|_| {
        let message = "the acknowledgement was not written";
        Err(DbErr::Custom(message.to_owned()))
    })?;
    Ok(())
}

/// Writes what waits, if nobody else has done so meanwhile.
async fn write_waiting(state: AppState) {
    let _turn = state.acks.turn.lock().await;
    let acks: Vec<Ack> = {
        let mut waiting = state.acks.waiting();
        let count = waiting.len().min(MOST);
        waiting.drain(..count).collect()
    };
    if acks.is_empty() {
        return;
    }
    let result = write(&state, &acks).await;
    for ack in acks {
        // Nobody listens any more: that changes nothing.
        let _ = ack.written.send(result.clone());
    }
    // There is room for the next events of their queues.
    state.bell.ring();
}

async fn write(state: &AppState, acks: &[Ack]) -> Result<(), DbErr> {
    let mut of_listener: BTreeMap<&str, (&listener::Model, Vec<&str>)> = BTreeMap::new();
    for ack in acks {
        let (_, ids) = of_listener
            .entry(&ack.listener.id)
            .or_insert((&ack.listener, Vec::new()));
        ids.extend(ack.ids.iter().map(String::as_str));
    }
    let txn = state.db.write().await?;
    for (listener, ids) in of_listener.values() {
        write_of(&txn, listener, ids).await?;
    }
    txn.commit().await
}

async fn write_of(
    txn: &DatabaseTransaction,
    listener: &listener::Model,
    ids: &[&str],
) -> Result<(), DbErr> {
    let now = service::clock::now();
    let statement = format!(
        "update deliveries set state = 'acked', ended_at = $3, lease_until = null \
         where listener_id = $1 and {OPEN} \
         and event_seq in (select seq from events where id in {})",
        sql::texts(txn, 2)
    );
    let values = [listener.id.clone().into(), sql::json(&ids), now.into()];
    let acked = sql::run(txn, &statement, values).await?;
    if acked > 0 {
        let acked = usize::try_from(acked).unwrap_or_default();
        stats::add(txn, &listener.id, now, acked, 0).await?;
        if listener.sensitive {
            secrets::erase_named(txn, ids).await?;
        }
    }
    Ok(())
}
