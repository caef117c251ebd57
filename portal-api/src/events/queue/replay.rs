//! `POST /webhooks/replay/{listener}`: what is still there, once more (events-and-adapters B6).

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use sdk::types::{
    events::matches,
    listeners::{Position, Replay, Requeued},
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, FromQueryResult, entity::prelude::*};
use serde_json::Value;

use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    events::{
        filter,
        listeners::Writable,
        row::{event, listener},
    },
    extract::{Body, from_value},
    sql,
};

/// Events that one call queues; the caller goes on from where it ended.
const MOST: u64 = 100_000;
const MAX_IDS: usize = 1000;
/// Events that are looked at, and queued, in one transaction.
const CHUNK: i64 = 1000;

/// `POST …/replay`
pub async fn replay(
    State(state): State<AppState>,
    Writable { listener, caller }: Writable,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Requeued>), ApiError> {
    let request: Replay = from_value(body)?;
    let wanted = serde_json::to_value(&request).unwrap_or_default();
    let done = match (request.from, request.ids) {
        (Some(_), Some(_)) | (None, None) => {
            let message = "Name the events in `ids`, or the first of them in `from`.";
            return Err(ApiError::invalid("from", "required", message));
        }
        (None, Some(ids)) => named(&state, &listener, &ids).await?,
        (Some(from), None) => {
            let events = request.events.as_deref();
            range(&state, &listener, from, request.to, events).await?
        }
    };
    let txn = state.db.write().await?;
    let entry = Entry::new(caller.actor(), "listener", "replay")
        .about(&listener.id)
        .with_data(wanted);
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok((StatusCode::ACCEPTED, Json(done)))
}

async fn named(
    state: &AppState,
    listener: &listener::Model,
    ids: &[String],
) -> Result<Requeued, ApiError> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        let message = "`ids` has to name 1 to 1000 events.";
        return Err(ApiError::invalid("ids", "size", message));
    }
    let db = state.db.read();
    let statement = format!(
        "select seq, entity, action, application_id from events where id in {}",
        sql::texts(db, 1)
    );
    let found = Candidate::find_by_statement(sql::statement(db, &statement, [sql::json(&ids)]))
        .all(db)
        .await?;
    let chosen = chosen(listener, None, &found);
    queue(state, listener, &chosen).await?;
    Ok(Requeued {
        count: chosen.len() as u64,
        next: None,
    })
}

async fn range(
    state: &AppState,
    listener: &listener::Model,
    from: Position,
    to: Option<Position>,
    kinds: Option<&[String]>,
) -> Result<Requeued, ApiError> {
    let db = state.db.read();
    let mut next = first(db, from).await?;
    let end = match to {
        Some(Position::Seq(seq)) => seq,
        Some(Position::Time(time)) => first_after(db, time.0)
            .await?
            .map_or(i64::MAX, |seq| seq - 1),
        None => i64::MAX,
    };
    let mut count = 0;
    loop {
        let statement = "select seq, entity, action, application_id from events \
             where seq >= $1 and seq <= $2 order by seq limit $3";
        let values = [next.into(), end.into(), CHUNK.into()];
        let found = Candidate::find_by_statement(sql::statement(db, statement, values))
            .all(db)
            .await?;
        let Some(last) = found.last() else {
            return Ok(Requeued { count, next: None });
        };
        next = last.seq + 1;
        let chosen = chosen(listener, kinds, &found);
        queue(state, listener, &chosen).await?;
        count += chosen.len() as u64;
        if count >= MOST {
            return Ok(Requeued {
                count,
                next: Some(next),
            });
        }
    }
}

/// What has to be known of an event to queue it.
#[derive(Debug, FromQueryResult)]
struct Candidate {
    seq: i64,
    entity: String,
    action: String,
    application_id: Option<String>,
}

/// Those that the listener may see and would get.
fn chosen<'a>(
    listener: &listener::Model,
    kinds: Option<&[String]>,
    found: &'a [Candidate],
) -> Vec<&'a Candidate> {
    let is_wanted = |one: &&Candidate| {
        let named = kinds.is_none_or(|kinds| {
            kinds
                .iter()
                .any(|kind| matches(kind, &one.entity, &one.action))
        });
        let application = one.application_id.as_deref();
        named
            && one.entity != "queue"
            && filter::wants_kind(listener, &one.entity, &one.action, application)
    };
    found.iter().filter(is_wanted).collect()
}

async fn queue(
    state: &AppState,
    listener: &listener::Model,
    chosen: &[&Candidate],
) -> Result<(), ApiError> {
    if chosen.is_empty() {
        return Ok(());
    }
    let seqs: Vec<i64> = chosen.iter().map(|one| one.seq).collect();
    let txn = state.db.write().await?;
    let key = if listener.is_ordered() {
        "ordering_key"
    } else {
        "null"
    };
    let statement = format!(
        "insert into deliveries (listener_id, event_seq, state, attempts, next_attempt_at, \
         ordering_key, replay) \
         select $1, seq, 'pending', 0, $2, {key}, true from events where seq in {} \
         on conflict (listener_id, event_seq) do update set state = 'pending', attempts = 0, \
         next_attempt_at = $2, replay = true, last_error = null, ended_at = null",
        sql::members(&txn, 3)
    );
    let now = service::clock::now();
    let values = [listener.id.clone().into(), now.into(), sql::numbers(&seqs)];
    sql::run(&txn, &statement, values).await?;
    state.commit(txn).await
}

async fn first(db: &impl ConnectionTrait, from: Position) -> Result<i64, DbErr> {
    match from {
        Position::Seq(seq) => Ok(seq),
        Position::Time(time) => {
            let just_before = time.0 - chrono::TimeDelta::milliseconds(1);
            Ok(first_after(db, just_before).await?.unwrap_or(i64::MAX))
        }
    }
}

/// The number of the first event after a time.
async fn first_after(db: &impl ConnectionTrait, time: DateTime<Utc>) -> Result<Option<i64>, DbErr> {
    use sea_orm::{QueryOrder, QuerySelect};
    event::Entity::find()
        .select_only()
        .column(event::Column::Seq)
        .filter(event::Column::OccurredAt.gt(time))
        .order_by_asc(event::Column::OccurredAt)
        .order_by_asc(event::Column::Seq)
        .limit(1)
        .into_tuple()
        .one(db)
        .await
}
