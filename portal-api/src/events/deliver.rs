//! Delivering: one courier per listener that has something due, so that a dead listener delays
//! nobody.
//!
//! At least once: a delivery is pending until the listener has acknowledged it, whatever happens to
//! this process in between. Which instance sends to a listener is written in its row
//! ([`leases`]), so each event is sent by one of them, in order.

mod answer;
mod body;
mod claim;
mod courier;
mod effects;
mod leases;
mod request;
mod schedule;
mod settle;
mod test;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{DbErr, sqlx::postgres::PgListener};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use body::{Context, alone, media_type, source, wire};
pub use schedule::Pace;
pub use settle::label;
pub use test::{health_url, ping, test};

use super::{Bell, OPEN};
use crate::{AppState, compat, sql};
use leases::Lease;

/// Before the lost channel to the other instances is tried again.
const RECONNECT: Duration = Duration::from_secs(1);
/// Listeners that are worked for at the same time; each holds a batch or two in memory.
const COURIERS: usize = 64;
/// Open requests of the process (events-and-adapters B3).
const REQUESTS: usize = 64;

/// What the couriers of a process share.
#[derive(Clone)]
struct Office {
    state: AppState,
    lease: Lease,
    requests: Arc<Semaphore>,
    /// Whether listeners wait for a courier: then those who have been at work for long leave.
    crowded: Arc<AtomicBool>,
}

/// Delivers events until `shutdown`; then running requests are finished.
pub async fn deliver(state: AppState, shutdown: CancellationToken) {
    let office = Office {
        lease: Lease::new(&state),
        requests: Arc::new(Semaphore::new(REQUESTS)),
        crowded: Arc::default(),
        state,
    };
    let mut helpers = JoinSet::new();
    if office.state.db.is_shared() {
        helpers.spawn(hear_other_instances(office.state.clone(), shutdown.clone()));
    }
    let mut staff = Staff::default();
    let mut rings = office.state.bell.listen();
    while !shutdown.is_cancelled() {
        match due(&office).await {
            Ok(due) => staff.send_out(&office, due, &shutdown),
            Err(error) => tracing::warn!(%error, "cannot look for deliveries"),
        }
        tokio::select! {
            _ = rings.changed() => {}
            () = tokio::time::sleep(office.state.events.pace.poll) => {}
            () = staff.until_needed() => {}
            () = shutdown.cancelled() => {}
        }
    }
    while staff.tasks.join_next().await.is_some() {}
    office.lease.give_back().await;
    while helpers.join_next().await.is_some() {}
}

/// The couriers at work.
#[derive(Default)]
struct Staff {
    tasks: JoinSet<()>,
    at_work: HashMap<tokio::task::Id, String>,
    busy: HashSet<String>,
    /// Listeners that were found due while a courier was there, who may have been about to leave,
    /// or while there was none left.
    missed: bool,
}

impl Staff {
    fn send_out(&mut self, office: &Office, mut due: Vec<String>, shutdown: &CancellationToken) {
        // Nobody is always the last.
        fastrand::shuffle(&mut due);
        let mut waiting = false;
        for id in due {
            if self.busy.contains(&id) {
                self.missed = true;
            } else if self.busy.len() >= COURIERS {
                waiting = true;
            } else {
                self.busy.insert(id.clone());
                let work = courier::run(office.clone(), id.clone(), shutdown.clone());
                let task = self.tasks.spawn(work);
                self.at_work.insert(task.id(), id);
            }
        }
        self.missed |= waiting;
        office.crowded.store(waiting, Ordering::Relaxed);
    }

    /// Until a courier is back, and somebody may have been missed.
    async fn until_needed(&mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let task = match ended {
                Ok((task, ())) => task,
                Err(error) => error.id(),
            };
            if let Some(id) = self.at_work.remove(&task) {
                self.busy.remove(&id);
            }
            if std::mem::take(&mut self.missed) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

/// The listeners that may be sent something now, by this instance.
async fn due(office: &Office) -> Result<Vec<String>, DbErr> {
    use sea_orm::ConnectionTrait;
    let state = &office.state;
    office.lease.renew().await?;
    let db = state.db.read();
    let can_be_ours = office.lease.condition();
    let open = OPEN.replace("state", "d.state");
    let statement = format!(
        "select l.id, l.sender from listeners l where l.enabled and l.mode <> 'pull' {can_be_ours} \
         and (l.next_attempt_at is null or l.next_attempt_at <= $1) \
         and exists (select 1 from deliveries d where d.listener_id = l.id and {open} \
                     and d.next_attempt_at <= $1)"
    );
    let now = service::clock::now();
    let rows = db
        .query_all_raw(sql::statement(db, &statement, [now.into()]))
        .await?;
    let due = rows
        .iter()
        .map(|row| Ok((row.try_get("", "id")?, row.try_get("", "sender")?)))
        .collect::<Result<_, DbErr>>()?;
    office.lease.take(due).await
}

/// Rings the bell of this instance when another one has committed events.
async fn hear_other_instances(state: AppState, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let heard = tokio::select! {
            heard = hear(&state, &state.bell) => heard,
            () = shutdown.cancelled() => return,
        };
        if let Err(error) = heard {
            // The poll goes on meanwhile.
            compat::statements::lost_channel();
            tracing::warn!(%error, "lost the notification channel of the database");
            tokio::time::sleep(RECONNECT).await;
        }
    }
}

async fn hear(state: &AppState, bell: &Bell) -> Result<(), sea_orm::sqlx::Error> {
    let Some(pool) = state.db.postgres_pool() else {
        return Ok(());
    };
    let mut channel = PgListener::connect_with(pool).await?;
    channel
        .listen_all(["wicketgate_events", "wicketgate_configuration"])
        .await?;
    loop {
        let heard = channel.recv().await?;
        if heard.channel() == "wicketgate_configuration" {
            state.in_force.heard_of(heard.payload());
        } else {
            bell.ring();
        }
    }
}
