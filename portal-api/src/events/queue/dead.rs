//! `/webhooks/dead/{listener}`: deliveries that were given up (events-and-adapters B6).

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use sdk::types::{
    Page,
    listeners::{DeadLetter, Requeued},
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use serde_json::json;

use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    events::{
        deliver,
        listeners::{Readable, Writable, named::OfEvent},
        row::event,
    },
    paging::ListQuery,
    sql,
};

const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1000;

#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    event: event::Model,
    attempts: i32,
    replay: bool,
    last_status: Option<i32>,
    last_error: Option<String>,
    ended_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// `GET …/dead`
pub async fn list(
    State(state): State<AppState>,
    Readable(listener): Readable,
    query: ListQuery,
) -> Result<Json<Page<DeadLetter>>, ApiError> {
    let db = state.db.read();
    let limit = match query.limit {
        0 => DEFAULT_LIMIT,
        limit => limit.min(MAX_LIMIT),
    };
    let statement = "select e.*, d.attempts, d.replay, d.last_status, d.last_error, d.ended_at \
         from deliveries d join events e on e.seq = d.event_seq \
         where d.listener_id = $1 and d.state = 'dead' order by d.event_seq limit $2 offset $3";
    let values = [
        listener.id.clone().into(),
        limit.cast_signed().into(),
        query.offset.cast_signed().into(),
    ];
    let rows = Row::find_by_statement(sql::statement(db, statement, values))
        .all(db)
        .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(DeadLetter {
            event: deliver::wire(&row.event, &listener, row.replay, &state.keys)?,
            attempts: row.attempts.unsigned_abs(),
            last_status: row.last_status.and_then(|status| status.try_into().ok()),
            last_error: row.last_error,
            died_at: row.ended_at.map(Into::into),
        });
    }
    Ok(Json(Page {
        items,
        count: count(db, &listener.id).await?,
        count_cached: false,
        offset: Some(query.offset),
        limit: Some(limit),
    }))
}

pub async fn count(db: &impl ConnectionTrait, listener: &str) -> Result<u64, DbErr> {
    let statement = "select count(*) from deliveries where listener_id = $1 and state = 'dead'";
    let count = sql::number(db, statement, [listener.into()]).await?;
    Ok(count.unwrap_or_default().unsigned_abs())
}

/// How many each listener has that has any.
#[derive(Debug, FromQueryResult)]
pub struct Count {
    pub listener_id: String,
    pub events: i64,
}

/// All of them.
pub async fn counts(db: &impl ConnectionTrait) -> Result<Vec<Count>, DbErr> {
    let statement = "select listener_id, count(*) as events from deliveries \
                     where state = 'dead' group by listener_id";
    Count::find_by_statement(sql::statement(db, statement, []))
        .all(db)
        .await
}

/// What is done with dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Retry,
    Drop,
}

impl Act {
    const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry-dead",
            Self::Drop => "drop-dead",
        }
    }

    fn sql(self, which: &str) -> String {
        let whose = format!("where listener_id = $1 and state = 'dead' and {which}");
        match self {
            Self::Retry => format!(
                "update deliveries set state = 'pending', attempts = 0, last_error = null, \
                 next_attempt_at = $2, ended_at = null {whose}"
            ),
            // Kept like what was acknowledged, for a replay.
            Self::Drop => {
                format!("update deliveries set state = 'acked', ended_at = $2 {whose}")
            }
        }
    }
}

async fn one(
    state: &AppState,
    at: &Writable,
    event: &str,
    act: Act,
) -> Result<StatusCode, ApiError> {
    let id = &at.listener.id;
    let statement = act.sql("event_seq = (select seq from events where id = $3)");
    let values = [
        id.clone().into(),
        service::clock::now().into(),
        event.into(),
    ];
    let txn = state.db.write().await?;
    if sql::run(&txn, &statement, values).await? == 0 {
        let message = format!("The listener `{id}` has no dead letter `{event}`.");
        return Err(ApiError::not_found(message));
    }
    let entry = entry(at, act).with_data(json!({"eventId": event}));
    audit::record(&txn, state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All as they are now; how many they were.
async fn all(state: &AppState, at: &Writable, act: Act) -> Result<u64, ApiError> {
    let statement = act.sql(
        "event_seq in (select event_seq from deliveries \
         where listener_id = $1 and state = 'dead' order by event_seq limit $3)",
    );
    let values = [at.listener.id.clone().into(), service::clock::now().into()];
    let count = state.db.in_chunks(&statement, &values).await?;
    let txn = state.db.write().await?;
    audit::record(&txn, state, entry(at, act)).await?;
    state.commit(txn).await?;
    Ok(count)
}

fn entry(at: &Writable, act: Act) -> Entry {
    Entry::new(at.caller.actor(), "listener", act.name()).about(&at.listener.id)
}

/// `POST …/dead/{event}/retry`
pub async fn retry_one(
    State(state): State<AppState>,
    at: Writable,
    Path(OfEvent { event }): Path<OfEvent>,
) -> Result<StatusCode, ApiError> {
    one(&state, &at, &event, Act::Retry).await
}

/// `POST …/dead/retry`
pub async fn retry_all(
    State(state): State<AppState>,
    at: Writable,
) -> Result<Json<Requeued>, ApiError> {
    let count = all(&state, &at, Act::Retry).await?;
    Ok(Json(Requeued { count, next: None }))
}

/// `DELETE …/dead/{event}`
pub async fn drop_one(
    State(state): State<AppState>,
    at: Writable,
    Path(OfEvent { event }): Path<OfEvent>,
) -> Result<StatusCode, ApiError> {
    one(&state, &at, &event, Act::Drop).await
}

/// `DELETE …/dead`
pub async fn drop_all(State(state): State<AppState>, at: Writable) -> Result<StatusCode, ApiError> {
    all(&state, &at, Act::Drop).await?;
    Ok(StatusCode::NO_CONTENT)
}
