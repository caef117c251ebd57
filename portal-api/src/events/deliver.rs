//! Delivering: one worker per listener, so that a dead listener delays nobody.
//!
//! At least once: a delivery is pending until the listener has acknowledged it, whatever happens to
//! this process in between.

mod request;
mod schedule;
mod worker;

use std::{collections::HashMap, time::Duration};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sqlx::postgres::PgListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use request::wire;

use super::{Bell, row::listener};
use crate::{AppState, compat};

/// How often listeners and due deliveries are looked for without a ring: the safety net for lost
/// wake-ups.
const POLL: Duration = Duration::from_secs(1);

/// Delivers events until `shutdown`; then running requests are finished.
pub async fn deliver(state: AppState, shutdown: CancellationToken) {
    let mut workers: HashMap<String, CancellationToken> = HashMap::new();
    let mut tasks = JoinSet::new();
    if state.db.is_shared() {
        tasks.spawn(hear_other_instances(state.clone(), shutdown.clone()));
    }
    let mut rings = state.bell.listen();
    loop {
        match enabled_listeners(&state).await {
            Ok(enabled) => {
                workers.retain(|id, stop| {
                    let keep = enabled.contains(id);
                    if !keep {
                        stop.cancel();
                    }
                    keep
                });
                for id in enabled {
                    workers.entry(id.clone()).or_insert_with(|| {
                        let stop = shutdown.child_token();
                        tasks.spawn(worker::run(state.clone(), id, stop.clone()));
                        stop
                    });
                }
            }
            Err(error) => tracing::warn!(%error, "cannot read the listeners"),
        }
        tokio::select! {
            _ = rings.changed() => {}
            () = tokio::time::sleep(POLL) => {}
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            () = shutdown.cancelled() => break,
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn enabled_listeners(state: &AppState) -> Result<Vec<String>, sea_orm::DbErr> {
    listener::Entity::find()
        .select_only()
        .column(listener::Column::Id)
        .filter(listener::Column::Enabled.eq(true))
        .into_tuple()
        .all(state.db.read())
        .await
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
            tokio::time::sleep(POLL).await;
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
