//! `/webhooks/deliveries/{listener}`: what was sent when, and what came back
//! (events-and-adapters B11).

use std::collections::{BTreeMap, HashMap};

use axum::{
    Json,
    extract::{Path, State},
};
use sdk::types::{
    listeners::{AttemptInfo, DeliveryInfo},
    page::CursorPage,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;

use crate::{
    ApiError, AppState,
    events::{
        deliver,
        listeners::{Readable, named::OfEvent, store},
        row::{attempt, event, listener},
    },
    paging::Parameters,
    sql,
};

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 500;
/// Requests that are shown of one delivery.
const MAX_ATTEMPTS: u64 = 50;
/// Rows of the log that are looked at for them.
const MAX_LOOKED_AT: u64 = 2000;
const STATES: [&str; 4] = ["pending", "in_flight", "acked", "dead"];

#[derive(FromQueryResult)]
struct Row {
    id: String,
    seq: i64,
    entity: String,
    action: String,
    ordering_key: String,
    state: String,
    attempts: i32,
    next_attempt_at: chrono::DateTime<chrono::Utc>,
    last_status: Option<i32>,
    last_error: Option<String>,
}

impl Row {
    fn shown(self, durations: &HashMap<i64, i32>) -> DeliveryInfo {
        let is_open = matches!(self.state.as_str(), "pending" | "in_flight");
        DeliveryInfo {
            last_duration_ms: durations
                .get(&self.seq)
                .and_then(|duration| (*duration).try_into().ok()),
            event_id: self.id,
            seq: self.seq,
            entity: self.entity,
            action: self.action,
            about: self.ordering_key,
            attempts: self.attempts.unsigned_abs(),
            next_attempt_at: is_open.then(|| self.next_attempt_at.into()),
            state: self.state,
            last_status: self.last_status.and_then(|status| status.try_into().ok()),
            last_error: self.last_error,
            log: None,
        }
    }
}

const COLUMNS: &str = "select e.id, e.seq, e.entity, e.action, e.ordering_key, d.state, \
     d.attempts, d.next_attempt_at, d.last_status, d.last_error \
     from deliveries d join events e on e.seq = d.event_seq where d.listener_id = $1";

/// `GET …/deliveries`: the newest first.
pub async fn list(
    State(state): State<AppState>,
    Readable(listener): Readable,
    parameters: Parameters,
) -> Result<Json<CursorPage<DeliveryInfo>>, ApiError> {
    let db = state.db.read();
    let limit = match parameters.get("limit").map(str::parse) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
        Some(_) => {
            let message = "`limit` is a number from 1 to 500.";
            return Err(ApiError::invalid("limit", "range", message));
        }
    };
    let before = match parameters.get("cursor").filter(|text| !text.is_empty()) {
        None => i64::MAX,
        Some(text) => text.parse().map_err(|_| {
            ApiError::invalid(
                "cursor",
                "format",
                "`cursor` is not of a page of this list.",
            )
        })?,
    };
    let mut conditions = vec!["d.event_seq < $2".to_owned()];
    let mut values: Vec<sea_orm::Value> = vec![listener.id.clone().into(), before.into()];
    if let Some(wanted) = parameters.get("state") {
        if !STATES.contains(&wanted) {
            let message = "`state` is `pending`, `in_flight`, `acked` or `dead`.";
            return Err(ApiError::invalid("state", "choice", message));
        }
        values.push(wanted.into());
        conditions.push(format!("d.state = ${}", values.len()));
    }
    if let Some(kind) = parameters.get("event") {
        let (entity, action) = kind.split_once('.').unwrap_or((kind, "*"));
        for (column, part) in [("entity", entity), ("action", action)] {
            if part != "*" {
                values.push(part.into());
                conditions.push(format!("e.{column} = ${}", values.len()));
            }
        }
    }
    if let Some(from) = parameters.get("from") {
        let from = chrono::DateTime::parse_from_rfc3339(from).map_err(|_| {
            ApiError::invalid(
                "from",
                "format",
                "`from` is a time such as 2026-11-21T08:00:00Z.",
            )
        })?;
        values.push(from.to_utc().into());
        conditions.push(format!("e.occurred_at >= ${}", values.len()));
    }
    values.push((limit + 1).into());
    let sql = format!(
        "{COLUMNS} and {} order by d.event_seq desc limit ${}",
        conditions.join(" and "),
        values.len()
    );
    let mut rows = Row::find_by_statement(sql::statement(db, &sql, values))
        .all(db)
        .await?;
    let more = rows.len() > usize::try_from(limit).unwrap_or_default();
    if more {
        rows.pop();
    }
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let durations = durations(db, &listener.id, &seqs).await?;
    Ok(Json(CursorPage {
        items: rows.into_iter().map(|row| row.shown(&durations)).collect(),
        limit: limit.unsigned_abs(),
        next,
    }))
}

/// How long the last request with each of these events took.
async fn durations(
    db: &impl ConnectionTrait,
    listener: &str,
    seqs: &[i64],
) -> Result<HashMap<i64, i32>, DbErr> {
    let (Some(first), Some(last)) = (seqs.iter().min(), seqs.iter().max()) else {
        return Ok(HashMap::new());
    };
    let mut durations = HashMap::new();
    // The oldest first, so that the last one counts.
    let mut attempts = attempts(db, listener, *first, *last).await?;
    attempts.reverse();
    for attempt in attempts {
        let contained = attempt.seqs.as_array().into_iter().flatten();
        for seq in contained.filter_map(Value::as_i64) {
            durations.insert(seq, attempt.duration_ms);
        }
    }
    durations.retain(|seq, _| seqs.contains(seq));
    Ok(durations)
}

/// Requests that may have held events with these numbers, the newest first.
async fn attempts(
    db: &impl ConnectionTrait,
    listener: &str,
    first: i64,
    last: i64,
) -> Result<Vec<attempt::Model>, DbErr> {
    attempt::Entity::find()
        .filter(attempt::Column::ListenerId.eq(listener))
        .filter(attempt::Column::FirstSeq.lte(last))
        .filter(attempt::Column::LastSeq.gte(first))
        .order_by_desc(attempt::Column::Id)
        .limit(MAX_LOOKED_AT)
        .all(db)
        .await
}

/// `GET …/deliveries/{event}`: with every request.
pub async fn show(
    State(state): State<AppState>,
    Readable(listener): Readable,
    Path(OfEvent { event: event_id }): Path<OfEvent>,
) -> Result<Json<DeliveryInfo>, ApiError> {
    let db = state.db.read();
    let unknown = || ApiError::not_found(format!("There is no delivery of event `{event_id}`."));
    let sql = format!("{COLUMNS} and e.id = $2");
    let values = [listener.id.clone().into(), event_id.clone().into()];
    let row = Row::find_by_statement(sql::statement(db, &sql, values))
        .one(db)
        .await?
        .ok_or_else(unknown)?;
    let event = event::Entity::find_by_id(row.seq).one(db).await?;
    let event = event.ok_or_else(unknown)?;
    let attempts = attempts(db, &listener.id, row.seq, row.seq).await?;
    let attempts: Vec<_> = attempts
        .into_iter()
        .filter(|attempt| holds(attempt, row.seq))
        .take(usize::try_from(MAX_ATTEMPTS).unwrap_or_default())
        .collect();
    let durations = attempts.first().map(|last| (row.seq, last.duration_ms));
    let mut shown = row.shown(&durations.into_iter().collect());
    let body = without_secrets(&event, &listener, &state)?;
    let headers = store::headers(&state.keys, &listener)?;
    let log = attempts.into_iter().map(|attempt| AttemptInfo {
        request_headers: request_headers(&attempt, &listener, headers.keys()),
        at: attempt.started_at.into(),
        status: attempt.status.and_then(|status| status.try_into().ok()),
        duration_ms: attempt.duration_ms.try_into().unwrap_or_default(),
        error: attempt.error,
        request_body: body.clone(),
        response_snippet: attempt.answer,
    });
    shown.log = Some(log.collect());
    Ok(Json(shown))
}

fn holds(attempt: &attempt::Model, seq: i64) -> bool {
    let mut seqs = attempt.seqs.as_array().into_iter().flatten();
    seqs.any(|one| one.as_i64() == Some(seq))
}

/// The event as it stood in the request, without what only the listener may see.
fn without_secrets(
    event: &event::Model,
    listener: &listener::Model,
    state: &AppState,
) -> Result<Value, ApiError> {
    let mut blind = listener.clone();
    blind.sensitive = false;
    let shown = deliver::wire(event, &blind, false, &state.keys)?;
    let source = deliver::source(state);
    let context = deliver::Context::of(event, &source);
    Ok(deliver::alone(&shown, &context, listener))
}

fn request_headers<'a>(
    attempt: &attempt::Model,
    listener: &listener::Model,
    fixed: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = fixed
        .map(|name| (name.to_ascii_lowercase(), "***".to_owned()))
        .collect();
    let mut set = |name: &str, value: String| headers.insert(name.to_owned(), value);
    set("content-type", deliver::media_type(listener).to_owned());
    set("webhook-id", attempt.message_id.clone());
    set(
        "webhook-timestamp",
        attempt.started_at.timestamp().to_string(),
    );
    set("webhook-signature", "***".to_owned());
    headers
}
