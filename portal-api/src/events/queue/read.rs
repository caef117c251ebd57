//! `GET /webhooks/events/{listener}`: what is not acknowledged, in order of occurrence.

use std::time::Duration;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::HeaderValue;
use sdk::types::Event;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use service::http::TimeLimit;
use tokio::time::{Instant, timeout_at};

use crate::{
    ApiError, AppState,
    events::{
        OPEN, deliver,
        listeners::Readable,
        row::{event, listener},
    },
    paging::{self, Parameters},
    sql,
};

/// Events that are shown of one queue at a time.
const MAX_SHOWN: u64 = 1000;
/// Bytes of them; then the rest is left for the next call.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Requests that wait for an event end after this.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// While it waits, a request looks for itself this often: the bell may be that of another instance.
const LOOK: Duration = Duration::from_secs(1);

pub async fn list(
    State(state): State<AppState>,
    Readable(listener): Readable,
    parameters: Parameters,
    Extension(time): Extension<TimeLimit>,
) -> Result<Response, ApiError> {
    let limit = match parameters.get("limit") {
        // `limit` belongs to the page then.
        _ if parameters.get("cursor").is_some() => MAX_SHOWN,
        None => MAX_SHOWN,
        Some(text) => match text.parse() {
            Ok(limit) if (1..=MAX_SHOWN).contains(&limit) => limit,
            _ => {
                let message = "`limit` is a number from 1 to 1000.";
                return Err(ApiError::invalid("limit", "range", message));
            }
        },
    };
    let wait = match parameters.get("wait") {
        None => Duration::ZERO,
        Some(text) => {
            let seconds = text.parse().map_err(|_| {
                ApiError::invalid("wait", "format", "`wait` is a number of seconds.")
            })?;
            Duration::from_secs(seconds).min(MAX_WAIT)
        }
    };
    if !wait.is_zero() {
        // Its own limit is longer.
        time.lift();
    }
    let events = when_there_are_some(&state, &listener, limit, wait).await?;
    let waiting = waiting(state.db.read(), &listener.id).await?;
    // Their ids rise with their numbers.
    let mut answer = paging::array(events, &parameters, |event: &Event| &event.id)?.into_response();
    answer
        .headers_mut()
        .insert("x-queue-length", HeaderValue::from(waiting));
    Ok(answer)
}

async fn when_there_are_some(
    state: &AppState,
    listener: &listener::Model,
    limit: u64,
    wait: Duration,
) -> Result<Vec<Event>, ApiError> {
    let until = Instant::now() + wait;
    let mut rings = state.bell.listen();
    loop {
        rings.mark_unchanged();
        let events = after(state, listener, 0, limit).await?;
        if !events.is_empty() || Instant::now() >= until {
            return Ok(events);
        }
        let look = until.min(Instant::now() + LOOK);
        let _ = timeout_at(look, rings.changed()).await;
    }
}

/// Events with higher numbers than `seq` that are not acknowledged, the oldest first.
pub async fn after(
    state: &AppState,
    listener: &listener::Model,
    seq: i64,
    limit: u64,
) -> Result<Vec<Event>, ApiError> {
    #[derive(FromQueryResult)]
    struct Row {
        #[sea_orm(nested)]
        event: event::Model,
        replay: bool,
    }
    let db = state.db.read();
    let open = OPEN.replace("state", "d.state");
    let statement = format!(
        "select e.*, d.replay from deliveries d join events e on e.seq = d.event_seq \
         where d.listener_id = $1 and {open} and d.event_seq > $2 \
         order by d.event_seq limit $3"
    );
    let values = [
        listener.id.clone().into(),
        seq.into(),
        limit.cast_signed().into(),
    ];
    let rows = Row::find_by_statement(sql::statement(db, &statement, values))
        .all(db)
        .await?;
    let mut bytes = 0;
    rows.iter()
        .take_while(|row| {
            let is_first = bytes == 0;
            bytes += usize::try_from(row.event.size).unwrap_or_default().max(1);
            is_first || bytes <= MAX_BYTES
        })
        .map(|row| {
            deliver::wire(&row.event, listener, row.replay, &state.keys).map_err(ApiError::from)
        })
        .collect()
}

/// How many are not acknowledged.
pub async fn waiting(db: &impl ConnectionTrait, listener: &str) -> Result<u64, DbErr> {
    let statement = format!("select count(*) from deliveries where listener_id = $1 and {OPEN}");
    let count = sql::number(db, &statement, [listener.into()]).await?;
    Ok(count.unwrap_or_default().unsigned_abs())
}

/// A queue as a whole.
#[derive(Debug, FromQueryResult)]
pub struct Length {
    pub listener_id: String,
    pub events: i64,
    /// Number of the oldest event in it.
    pub oldest: i64,
}

/// The queues that are not empty.
pub async fn lengths(db: &impl ConnectionTrait) -> Result<Vec<Length>, DbErr> {
    let statement = format!(
        "select listener_id, count(*) as events, min(event_seq) as oldest from deliveries \
         where {OPEN} group by listener_id"
    );
    Length::find_by_statement(sql::statement(db, &statement, []))
        .all(db)
        .await
}
