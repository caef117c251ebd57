//! Writing down what came of requests: some statements, however many events there were.

use chrono::SecondsFormat;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, sea_query::Expr};
use serde_json::json;

use super::{
    answer::{Answered, Outcome},
    effects::{self, Effects, Fate, Group, Now},
};
use crate::{
    ApiError, AppState,
    events::{
        OPEN,
        listeners::{stats, store},
        own, queue,
        row::listener,
    },
    sql,
};

/// What the courier has to know.
pub struct After {
    /// No longer being worked on.
    pub seqs: Vec<i64>,
    /// As the listener's row has it now.
    pub failures: i32,
    /// Whether to leave the listener alone.
    pub pause: bool,
}

pub async fn settle(
    state: &AppState,
    listener: &listener::Model,
    answers: Vec<Answered>,
) -> Result<After, ApiError> {
    let now = Now {
        at: service::clock::now(),
        pace: &state.events.pace,
        jitter: fastrand::f64,
    };
    let effects = effects::effects(listener, &answers, now);
    count(listener, &answers, &effects);
    let txn = state.db.write().await?;
    for group in &effects.groups {
        apply(&txn, listener, group, now).await?;
    }
    mark(&txn, listener, &effects, now).await?;
    log(&txn, listener, &answers).await?;
    let acked = effects.with(|fate| *fate == Fate::Acked);
    let failed = answers
        .iter()
        .filter(|one| one.outcome.error().is_some())
        .map(|one| one.due.len())
        .sum();
    stats::add(&txn, &listener.id, now.at, acked.len(), failed).await?;
    erase(&txn, listener, &answers, &effects).await?;
    match &effects.disable {
        Some(reason) => {
            store::set_enabled(&txn, &listener.id, Some(reason)).await?;
            queue::tell_disabled(&txn, state, listener, reason).await?;
            state.commit(txn).await?;
        }
        None => txn.commit().await?,
    }
    Ok(After {
        seqs: answers.iter().flat_map(Answered::seqs).collect(),
        failures: effects.failures,
        pause: effects.pause(),
    })
}

async fn apply(
    txn: &DatabaseTransaction,
    listener: &listener::Model,
    group: &Group,
    now: Now<'_>,
) -> Result<(), DbErr> {
    let members = sql::members(txn, 2);
    // An explicit acknowledgement may have come in while the request was open.
    let whose = format!("where listener_id = $1 and event_seq in {members} and {OPEN}");
    let tried =
        "attempts = attempts + 1, lease_until = null, last_attempt_at = $3, last_status = $4";
    let mut values: Vec<sea_orm::Value> = vec![
        listener.id.clone().into(),
        sql::numbers(&group.seqs),
        now.at.into(),
        group.status.map(i32::from).into(),
    ];
    let change = match &group.fate {
        Fate::Acked => "state = 'acked', ended_at = $3, last_error = null".to_owned(),
        Fate::Dead { reason } => {
            values.push(short(reason).into());
            "state = 'dead', ended_at = $3, last_error = $5".to_owned()
        }
        Fate::Later { next, error } => {
            values.push(error.as_deref().map(short).into());
            match next {
                Some(next) => {
                    values.push((*next).into());
                    "state = 'pending', last_error = $5, next_attempt_at = $6".to_owned()
                }
                None => "state = 'pending', last_error = $5".to_owned(),
            }
        }
    };
    let statement = format!("update deliveries set {tried}, {change} {whose}");
    sql::run(txn, &statement, values).await?;
    Ok(())
}

/// Errors fit into their column.
fn short(reason: &str) -> String {
    reason.chars().take(500).collect()
}

/// How the listener as a whole is doing, if that changed.
async fn mark(
    txn: &DatabaseTransaction,
    listener: &listener::Model,
    effects: &Effects,
    now: Now<'_>,
) -> Result<(), DbErr> {
    use listener::Column;
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
    let is_as_before = listener.failures == effects.failures
        && listener.next_attempt_at.is_none()
        && effects.next_attempt_at.is_none();
    if is_as_before {
        return Ok(());
    }
    let since = (effects.failures > 0).then(|| listener.failing_since.unwrap_or(now.at));
    listener::Entity::update_many()
        .col_expr(Column::Failures, Expr::value(effects.failures))
        .col_expr(Column::FailingSince, Expr::value(since))
        .col_expr(Column::NextAttemptAt, Expr::value(effects.next_attempt_at))
        .filter(Column::Id.eq(&listener.id))
        .exec(txn)
        .await?;
    Ok(())
}

/// One row per request. All of them in one parameter: so the statement is the same however many
/// they are.
async fn log(
    txn: &DatabaseTransaction,
    listener: &listener::Model,
    answers: &[Answered],
) -> Result<(), DbErr> {
    let rows: Vec<_> = answers.iter().map(logged).collect();
    let made = match txn.get_database_backend() {
        DbBackend::Postgres => {
            "first_seq, last_seq, seqs, message_id, started_at, duration_ms, status, error, answer \
             from jsonb_to_recordset($2::jsonb) as made(first_seq bigint, last_seq bigint, \
             seqs jsonb, message_id text, started_at timestamptz, duration_ms integer, \
             status integer, error text, answer text)"
        }
        _ => {
            "value ->> 'first_seq', value ->> 'last_seq', value ->> 'seqs', \
             value ->> 'message_id', value ->> 'started_at', value ->> 'duration_ms', \
             value ->> 'status', value ->> 'error', value ->> 'answer' from json_each($2)"
        }
    };
    let statement = format!(
        "insert into delivery_attempts (listener_id, first_seq, last_seq, seqs, message_id, \
         started_at, duration_ms, status, error, answer) select $1, {made}"
    );
    let values = [listener.id.clone().into(), sql::json(&rows)];
    sql::run(txn, &statement, values).await?;
    Ok(())
}

fn logged(one: &Answered) -> serde_json::Value {
    let seqs = one.seqs();
    json!({
        "first_seq": seqs.iter().min(),
        "last_seq": seqs.iter().max(),
        "seqs": seqs,
        "message_id": one.message_id,
        // As the drivers write it.
        "started_at": one.at.to_rfc3339_opts(SecondsFormat::AutoSi, false),
        "duration_ms": i32::try_from(one.took.as_millis()).unwrap_or(i32::MAX),
        "status": one.outcome.status(),
        "error": one.outcome.error().map(short),
        "answer": one.snippet,
    })
}

/// Secrets that this listener has had, or will not get, are of no further use.
async fn erase(
    txn: &DatabaseTransaction,
    listener: &listener::Model,
    answers: &[Answered],
    effects: &Effects,
) -> Result<(), DbErr> {
    if !listener.sensitive {
        return Ok(());
    }
    let done = effects.with(|fate| !matches!(fate, Fate::Later { .. }));
    let dues = answers.iter().flat_map(|one| &one.due);
    let sealed: Vec<i64> = dues
        .filter(|due| due.event.sealed.is_some() && done.contains(&due.event.seq))
        .map(|due| due.event.seq)
        .collect();
    queue::erase_sealed(txn, &sealed).await
}

fn count(listener: &listener::Model, answers: &[Answered], effects: &Effects) {
    let label = label(listener);
    for one in answers {
        metrics::histogram!("wicketgate_event_delivery_seconds", "listener" => label.clone())
            .record(one.took);
        let result = match &one.outcome {
            Outcome::Failed { reason, .. } => {
                tracing::warn!(
                    listener.id = listener.id,
                    events = one.due.len(),
                    failures = effects.failures,
                    "a delivery failed: {reason}",
                );
                "failed"
            }
            _ => "delivered",
        };
        metrics::counter!(
            "wicketgate_event_deliveries_total", "listener" => label.clone(), "result" => result,
        )
        .increment(one.due.len() as u64);
    }
    let dead = effects.with(|fate| matches!(fate, Fate::Dead { .. })).len() as u64;
    if dead > 0 {
        metrics::counter!("wicketgate_event_dead_total", "listener" => label).increment(dead);
    }
}

/// Under which name a listener is measured. Those of applications are together: anybody can make
/// some.
pub fn label(listener: &listener::Model) -> String {
    if listener.application_id.is_some() && !own::is_component(&listener.id) {
        return "applications".to_owned();
    }
    listener.id.clone()
}
