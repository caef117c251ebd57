//! Which instance sends to which listener, where several share a database.
//!
//! An instance writes itself into the rows of listeners that nobody sends to, as soon as there is
//! something for them, and renews that every second, all of them in one statement. An instance that
//! dies loses them after a few seconds; its open deliveries were never taken out of the queue, so
//! the next one sends them again. One write a second, instead of one per batch and two per event,
//! and never two senders that overtake each other.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, DbErr};

use crate::{AppState, sql};

/// Nobody sends to it. The clock of the database is the same for all.
const FREE: &str = "sender is null or sender_until < now()";
const RENEW: Duration = Duration::from_secs(1);
const LIFETIME: Duration = Duration::from_secs(4);
/// Of that, the part in which requests may be begun.
const SAFE: Duration = Duration::from_secs(3);

/// The hold of this instance on its listeners.
#[derive(Clone)]
pub struct Lease {
    state: AppState,
    /// Nothing on a database with one owner.
    holder: Option<String>,
    renewed: Arc<Mutex<Option<Instant>>>,
}

impl Lease {
    pub fn new(state: &AppState) -> Self {
        Self {
            holder: state
                .db
                .is_shared()
                .then(|| uuid::Uuid::now_v7().to_string()),
            state: state.clone(),
            renewed: Arc::default(),
        }
    }

    /// What a listener `l` has to be like for this instance to send to it, or to [`take`] it, as a
    /// part of a condition.
    ///
    /// [`take`]: Self::take
    pub fn condition(&self) -> String {
        self.holder.as_ref().map_or_else(String::new, |holder| {
            format!(
                "and (l.sender = '{holder}' or {})",
                FREE.replace("sender", "l.sender")
            )
        })
    }

    /// Whether requests may be begun.
    pub fn holds(&self) -> bool {
        self.holder.is_none() || self.age().is_some_and(|age| age < SAFE)
    }

    fn age(&self) -> Option<Duration> {
        let renewed = self.renewed.lock().expect("no holder of this lock panics");
        renewed.map(|at| at.elapsed())
    }

    /// Keeps what this instance has and takes what nobody has, if the last time was a second ago.
    pub async fn renew(&self) -> Result<(), DbErr> {
        let Some(holder) = &self.holder else {
            return Ok(());
        };
        if self.age().is_some_and(|age| age < RENEW) {
            return Ok(());
        }
        let begun = Instant::now();
        let txn = self.state.db.write().await?;
        let statement = format!(
            "update listeners set {} where enabled and mode <> 'pull' and (sender = $1 or {FREE})",
            held()
        );
        sql::run(&txn, &statement, [holder.clone().into()]).await?;
        txn.commit().await?;
        *self.renewed.lock().expect("no holder of this lock panics") = Some(begun);
        Ok(())
    }

    /// Those of `due`, listeners with their senders, that are this instance's. It takes the free ones:
    /// the first event of a new listener need not wait for the next [`Lease::renew`].
    pub async fn take(&self, due: Vec<(String, Option<String>)>) -> Result<Vec<String>, DbErr> {
        let is_own = |(_, sender): &(String, Option<String>)| *sender == self.holder;
        let (own, free): (Vec<_>, Vec<_>) = due.into_iter().partition(is_own);
        let mut ours: Vec<String> = own.into_iter().map(|(id, _)| id).collect();
        let Some(holder) = self.holder.as_ref().filter(|_| !free.is_empty()) else {
            return Ok(ours);
        };
        let free: Vec<String> = free.into_iter().map(|(id, _)| id).collect();
        let txn = self.state.db.write().await?;
        let statement = format!(
            "update listeners set {} where id in {} and ({FREE}) returning id",
            held(),
            sql::texts(&txn, 2)
        );
        let values = [holder.clone().into(), sql::json(&free)];
        for row in txn
            .query_all_raw(sql::statement(&txn, &statement, values))
            .await?
        {
            ours.push(row.try_get("", "id")?);
        }
        txn.commit().await?;
        Ok(ours)
    }

    /// So that another instance goes on at once.
    pub async fn give_back(&self) {
        let Some(holder) = &self.holder else {
            return;
        };
        let given = async {
            let txn = self.state.db.write().await?;
            let statement =
                "update listeners set sender = null, sender_until = null where sender = $1";
            sql::run(&txn, statement, [holder.clone().into()]).await?;
            txn.commit().await
        };
        if let Err(error) = given.await {
            tracing::debug!(%error, "listeners are not given back; they are free in some seconds");
        }
    }
}

/// Written into a row of which `$1` takes hold.
fn held() -> String {
    let seconds = LIFETIME.as_secs();
    format!("sender = $1, sender_until = now() + interval '{seconds} seconds'")
}
