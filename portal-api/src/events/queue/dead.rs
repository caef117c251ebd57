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
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult};

use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::Caller,
    events::{
        deliver,
        listeners::known,
        row::{event, listener},
        sql,
    },
    paging::ListQuery,
};

const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1000;
/// Rows that are touched in one transaction.
const CHUNK: u64 = 1000;

/// `GET /webhooks/dead/{listener}`
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Json<Page<DeadLetter>>, ApiError> {
    let listener = known(&state, &caller, &id).await?;
    Ok(Json(page(&state, &listener, &query).await?))
}

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

/// For a caller who may.
pub async fn page(
    state: &AppState,
    listener: &listener::Model,
    query: &ListQuery,
) -> Result<Page<DeadLetter>, ApiError> {
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
            event: deliver::wire(&row.event, listener, row.replay, &state.keys)?,
            attempts: row.attempts.unsigned_abs(),
            last_status: row.last_status.and_then(|status| status.try_into().ok()),
            last_error: row.last_error,
            died_at: row.ended_at.map(Into::into),
        });
    }
    Ok(Page {
        items,
        count: count(db, &listener.id).await?,
        count_cached: false,
        offset: Some(query.offset),
        limit: Some(limit),
    })
}

pub async fn count(db: &impl ConnectionTrait, listener: &str) -> Result<u64, DbErr> {
    let statement =
        "select count(*) as length from deliveries where listener_id = $1 and state = 'dead'";
    let row = db
        .query_one_raw(sql::statement(db, statement, [listener.into()]))
        .await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "length"))?;
    Ok(count.unsigned_abs())
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

/// One of them, or all as they are now.
pub async fn act(
    state: &AppState,
    caller: &Caller,
    listener: &str,
    event: Option<&str>,
    act: Act,
) -> Result<u64, ApiError> {
    let mut count = 0;
    loop {
        let txn = state.db.write().await?;
        let touched = match event {
            Some(event) => act_on_one(&txn, listener, event, act).await?,
            None => act_on_some(&txn, listener, act).await?,
        };
        count += touched;
        if event.is_some() || touched < CHUNK {
            let mut entry = Entry::new(caller.actor(), "listener", act.name()).about(listener);
            entry.data = event.map(|event| serde_json::json!({"eventId": event}));
            audit::record(&txn, state, entry).await?;
            state.commit(txn).await?;
            return Ok(count);
        }
        state.commit(txn).await?;
    }
}

async fn act_on_one(
    txn: &DatabaseTransaction,
    listener: &str,
    event: &str,
    act: Act,
) -> Result<u64, ApiError> {
    let statement = act.sql("event_seq = (select seq from events where id = $3)");
    let now = service::clock::now();
    let values = [listener.into(), now.into(), event.into()];
    match sql::run(txn, &statement, values).await? {
        0 => Err(ApiError::not_found(format!(
            "The listener `{listener}` has no dead letter `{event}`."
        ))),
        touched => Ok(touched),
    }
}

async fn act_on_some(txn: &DatabaseTransaction, listener: &str, act: Act) -> Result<u64, DbErr> {
    let statement = act.sql(&format!(
        "event_seq in (select event_seq from deliveries \
         where listener_id = $1 and state = 'dead' order by event_seq limit {CHUNK})"
    ));
    let now = service::clock::now();
    sql::run(txn, &statement, [listener.into(), now.into()]).await
}

/// `POST /webhooks/dead/{listener}/{event}/retry`
pub async fn retry_one(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, event)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    known(&state, &caller, &id).await?;
    act(&state, &caller, &id, Some(&event), Act::Retry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /webhooks/dead/{listener}/retry`
pub async fn retry_all(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Requeued>, ApiError> {
    known(&state, &caller, &id).await?;
    let count = act(&state, &caller, &id, None, Act::Retry).await?;
    Ok(Json(Requeued { count, next: None }))
}

/// `DELETE /webhooks/dead/{listener}/{event}`
pub async fn drop_one(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, event)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    known(&state, &caller, &id).await?;
    act(&state, &caller, &id, Some(&event), Act::Drop).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /webhooks/dead/{listener}`
pub async fn drop_all(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    known(&state, &caller, &id).await?;
    act(&state, &caller, &id, None, Act::Drop).await?;
    Ok(StatusCode::NO_CONTENT)
}
