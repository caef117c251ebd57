//! The worker of one listener: takes what is due, sends it, notes what came of it.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockType},
};
use tokio_util::sync::CancellationToken;

use super::{
    POLL,
    request::{self, Outcome},
    schedule,
};
use crate::{
    AppState,
    events::row::{delivery, event, listener},
};

/// Added to the time limit of a request: after that an instance that died while sending has lost
/// its claim.
const LEASE_MARGIN: Duration = Duration::from_secs(30);
/// Further rows of a listener that is away are left alone for this long after a failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Not acknowledged, not given up.
const OPEN: [&str; 2] = ["pending", "in_flight"];

type Due = (delivery::Model, event::Model);

/// Works for the listener `id` until `stop`.
pub async fn run(state: AppState, id: String, stop: CancellationToken) {
    let mut rings = state.bell.listen();
    while !stop.is_cancelled() {
        rings.mark_unchanged();
        let next = match round(&state, &id).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, listener.id = id, "cannot work on the deliveries");
                Next::Wait(POLL)
            }
        };
        match next {
            Next::Again => {}
            Next::Wait(time) => tokio::select! {
                () = tokio::time::sleep(time) => {}
                _ = rings.changed() => {}
                () = stop.cancelled() => {}
            },
            Next::Pause(time) => tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = stop.cancelled() => {}
            },
        }
    }
}

enum Next {
    /// There may be more that is due.
    Again,
    /// Nothing is due; a ring ends the wait.
    Wait(Duration),
    /// The listener is away; new events do not help.
    Pause(Duration),
}

async fn round(state: &AppState, id: &str) -> Result<Next, DbErr> {
    let Some(listener) = listener::Entity::find_by_id(id)
        .one(state.db.read())
        .await?
    else {
        return Ok(Next::Wait(POLL));
    };
    let due = claim(state, &listener).await?;
    if due.is_empty() {
        return Ok(Next::Wait(POLL));
    }
    let outcome = request::send(state, &listener, &due).await;
    let failed = matches!(outcome, Outcome::Failed { .. });
    settle(state, &listener, &due, outcome).await?;
    Ok(if failed {
        Next::Pause(PAUSE_AFTER_FAILURE)
    } else {
        Next::Again
    })
}

/// The next batch. On a shared database it is marked as ours for a while, and only one instance
/// at a time sends to a listener, so that batches keep their order. `SQLite` has one owner; there
/// a claim would only cost a write.
async fn claim(state: &AppState, listener: &listener::Model) -> Result<Vec<Due>, DbErr> {
    let now = service::clock::now();
    if !state.db.is_shared() {
        return due(state.db.read(), listener, now).await;
    }
    // Without a transaction first: most looks find nothing.
    if due(state.db.read(), listener, now).await?.is_empty() {
        return Ok(Vec::new());
    }
    let txn = state.db.write().await?;
    listener::Entity::find_by_id(&listener.id)
        .lock(LockType::Update)
        .one(&txn)
        .await?;
    let in_flight = delivery::Entity::find()
        .filter(delivery::Column::ListenerId.eq(&listener.id))
        .filter(delivery::Column::State.eq("in_flight"))
        .filter(delivery::Column::LeaseUntil.gt(now))
        .one(&txn)
        .await?;
    if in_flight.is_some() {
        return Ok(Vec::new());
    }
    let mut due = due(&txn, listener, now).await?;
    let lease = now + timeout(listener) + LEASE_MARGIN;
    let claimed = delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value("in_flight"))
        .col_expr(delivery::Column::LeaseUntil, Expr::value(lease))
        .filter(delivery::Column::ListenerId.eq(&listener.id))
        .filter(delivery::Column::EventSeq.is_in(seqs(&due)))
        // The listener may have acknowledged some since they were read.
        .filter(delivery::Column::State.is_in(OPEN))
        .exec_with_returning(&txn)
        .await?;
    txn.commit().await?;
    let claimed: HashSet<i64> = claimed.iter().map(|delivery| delivery.event_seq).collect();
    due.retain(|(delivery, _)| claimed.contains(&delivery.event_seq));
    Ok(due)
}

pub(super) fn timeout(listener: &listener::Model) -> Duration {
    Duration::from_millis(u64::try_from(listener.timeout_ms).unwrap_or(15_000))
}

async fn due(
    db: &impl sea_orm::ConnectionTrait,
    listener: &listener::Model,
    now: DateTime<Utc>,
) -> Result<Vec<Due>, DbErr> {
    let deliveries = delivery::Entity::find()
        .filter(delivery::Column::ListenerId.eq(&listener.id))
        .filter(delivery::Column::State.is_in(OPEN))
        .filter(delivery::Column::NextAttemptAt.lte(now))
        .order_by_asc(delivery::Column::EventSeq)
        .limit(u64::try_from(listener.batch_size).unwrap_or(100))
        .all(db)
        .await?;
    if deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = deliveries.iter().map(|delivery| delivery.event_seq);
    let events = event::Entity::find()
        .filter(event::Column::Seq.is_in(wanted))
        .order_by_asc(event::Column::Seq)
        .all(db)
        .await?;
    // Both are sorted by number, and the foreign key says that no event is missing.
    Ok(deliveries.into_iter().zip(events).collect())
}

fn seqs(due: &[Due]) -> Vec<i64> {
    due.iter().map(|(delivery, _)| delivery.event_seq).collect()
}

/// Notes what came of a batch.
async fn settle(
    state: &AppState,
    listener: &listener::Model,
    due: &[Due],
    outcome: Outcome,
) -> Result<(), DbErr> {
    let explicit = !listener.acknowledges_by_response();
    let now = service::clock::now();
    let attempts = due
        .iter()
        .map(|(delivery, _)| delivery.attempts)
        .max()
        .unwrap_or(0)
        + 1;
    let tries = attempts.unsigned_abs();
    let result = if matches!(outcome, Outcome::Failed { .. }) {
        "failed"
    } else {
        "delivered"
    };
    metrics::counter!(
        "wicketgate_event_deliveries_total", "listener" => listener.id.clone(), "result" => result,
    )
    .increment(due.len() as u64);
    let txn = state.db.write().await?;
    match outcome {
        Outcome::Delivered { status } if explicit => {
            let next = now + schedule::reminder(tries);
            retry(
                &txn,
                listener,
                &seqs(due),
                attempts,
                next,
                Some(status),
                None,
            )
            .await?;
        }
        Outcome::Delivered { status } => acknowledge(&txn, listener, &seqs(due), status).await?,
        Outcome::Partial {
            status,
            acked,
            dead,
        } => {
            let chosen = |ids: &HashSet<String>| -> Vec<i64> {
                due.iter()
                    .filter(|(_, event)| ids.contains(&event.id))
                    .map(|(_, e)| e.seq)
                    .collect()
            };
            acknowledge(&txn, listener, &chosen(&acked), status).await?;
            bury(&txn, listener, &chosen(&dead), status).await?;
            let rest: Vec<i64> = due
                .iter()
                .filter(|(_, event)| !acked.contains(&event.id) && !dead.contains(&event.id))
                .map(|(_, event)| event.seq)
                .collect();
            let next = now + schedule::after_failure(tries, explicit, fastrand::f64());
            let reason = Some("not acknowledged");
            retry(&txn, listener, &rest, attempts, next, Some(status), reason).await?;
        }
        Outcome::Failed {
            status,
            reason,
            retry_after,
        } => {
            tracing::warn!(
                listener.id = listener.id,
                attempt = attempts,
                events = due.len(),
                "a delivery failed: {reason}",
            );
            let delay = retry_after
                .unwrap_or_else(|| schedule::after_failure(tries, explicit, fastrand::f64()));
            retry(
                &txn,
                listener,
                &seqs(due),
                attempts,
                now + delay,
                status,
                Some(&reason),
            )
            .await?;
        }
    }
    txn.commit().await
}

fn rows_of(listener: &listener::Model, seqs: &[i64]) -> sea_orm::UpdateMany<delivery::Entity> {
    delivery::Entity::update_many()
        .filter(delivery::Column::ListenerId.eq(&listener.id))
        .filter(delivery::Column::EventSeq.is_in(seqs.iter().copied()))
        // An explicit acknowledgement may have come in while the request was open.
        .filter(delivery::Column::State.is_in(OPEN))
        .col_expr(
            delivery::Column::LeaseUntil,
            Expr::value(None::<DateTime<Utc>>),
        )
        .col_expr(
            delivery::Column::LastAttemptAt,
            Expr::value(service::clock::now()),
        )
}

async fn acknowledge(
    txn: &sea_orm::DatabaseTransaction,
    listener: &listener::Model,
    seqs: &[i64],
    status: u16,
) -> Result<(), DbErr> {
    if seqs.is_empty() {
        return Ok(());
    }
    rows_of(listener, seqs)
        .col_expr(delivery::Column::State, Expr::value("acked"))
        .col_expr(
            delivery::Column::Attempts,
            Expr::col(delivery::Column::Attempts).add(1),
        )
        .col_expr(delivery::Column::LastStatus, Expr::value(i32::from(status)))
        .col_expr(delivery::Column::LastError, Expr::value(None::<String>))
        .exec(txn)
        .await?;
    Ok(())
}

async fn bury(
    txn: &sea_orm::DatabaseTransaction,
    listener: &listener::Model,
    seqs: &[i64],
    status: u16,
) -> Result<(), DbErr> {
    if seqs.is_empty() {
        return Ok(());
    }
    rows_of(listener, seqs)
        .col_expr(delivery::Column::State, Expr::value("dead"))
        .col_expr(delivery::Column::LastStatus, Expr::value(i32::from(status)))
        .col_expr(
            delivery::Column::LastError,
            Expr::value("refused for good by the listener"),
        )
        .exec(txn)
        .await?;
    Ok(())
}

async fn retry(
    txn: &sea_orm::DatabaseTransaction,
    listener: &listener::Model,
    seqs: &[i64],
    attempts: i32,
    next: DateTime<Utc>,
    status: Option<u16>,
    reason: Option<&str>,
) -> Result<(), DbErr> {
    if seqs.is_empty() {
        return Ok(());
    }
    let reason = reason.map(|reason| reason.chars().take(500).collect::<String>());
    rows_of(listener, seqs)
        .col_expr(delivery::Column::State, Expr::value("pending"))
        .col_expr(delivery::Column::Attempts, Expr::value(attempts))
        .col_expr(delivery::Column::NextAttemptAt, Expr::value(next))
        .col_expr(
            delivery::Column::LastStatus,
            Expr::value(status.map(i32::from)),
        )
        .col_expr(delivery::Column::LastError, Expr::value(reason))
        .exec(txn)
        .await?;
    Ok(())
}
