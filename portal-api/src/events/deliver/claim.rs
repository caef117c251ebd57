//! What is sent next: the head of a listener's queue, never more than a batch in memory.

use chrono::{DateTime, Utc};
use sdk::signature::Secrets;
use sea_orm::{ConnectionTrait, DbErr};
use serde::Deserialize;

use super::schedule;
use crate::{
    ApiError, AppState,
    events::{
        OPEN,
        listeners::{secrets, store},
        row::{event, listener},
    },
    sql::{self, Kind},
};

/// Body of one request, at most (events-and-adapters B1). Leaves room for what is around events.
const MAX_BYTES: i64 = 1024 * 1024 - 8 * 1024;
/// A listener that acknowledges later is told of this many events of its queue; of the others when
/// it has acknowledged some. It sees no more of them when it asks, either.
const WINDOW: u32 = 2000;
/// Single events are fetched for several requests at a time.
const SINGLES: i32 = 200;

/// A delivery to be made.
#[derive(Clone, Debug)]
pub struct Due {
    pub attempts: i32,
    pub replay: bool,
    /// Whether it was in several requests that failed.
    pub is_suspect: bool,
    pub event: event::Model,
}

/// A listener as it is now, with what is due for it.
pub struct Claim {
    pub listener: listener::Model,
    pub secrets: Secrets,
    /// In the order of `seq`.
    pub due: Vec<Due>,
    /// Whether this is one event to see whether the listener is there again.
    pub is_probe: bool,
    /// Whether there may be more.
    pub more: bool,
}

/// What is due for the listener, without the events in `known`; nothing if it may not be sent to.
pub async fn claim(state: &AppState, id: &str, known: &[i64]) -> Result<Option<Claim>, ApiError> {
    let now = service::clock::now();
    let db = state.db.read();
    let Some(listener) = store::find(db, id).await? else {
        return Ok(None);
    };
    let waits = listener.next_attempt_at.is_some_and(|next| next > now);
    if !listener.enabled || listener.mode == "pull" || waits {
        return Ok(None);
    }
    let limit = if listener.is_single() && listener.mode == "explicit" {
        i32::try_from(state.events.max_parallel).unwrap_or(SINGLES)
    } else if listener.is_single() {
        SINGLES
    } else {
        listener.batch_size
    };
    let heads = heads(db, &listener, known, limit, now).await?;
    let more = heads.len() == usize::try_from(limit).unwrap_or_default();
    let (chosen, is_probe) = choose(&listener, heads);
    let seqs: Vec<i64> = chosen.iter().map(|head| head.event_seq).collect();
    let events = events(db, &seqs).await?;
    let secrets = secrets::of(db, &state.keys, id).await?;
    let mut due: Vec<Due> = events
        .into_iter()
        .filter_map(|event| {
            let head = chosen.iter().find(|head| head.event_seq == event.seq)?;
            Some(Due {
                attempts: head.attempts,
                replay: head.replay,
                is_suspect: head.failed && head.attempts >= schedule::PATIENCE,
                event,
            })
        })
        .collect();
    due.sort_unstable_by_key(|due| due.event.seq);
    Ok(Some(Claim {
        listener,
        secrets,
        due,
        is_probe,
        more,
    }))
}

/// A delivery without its event.
#[derive(Debug, Deserialize)]
struct Head {
    event_seq: i64,
    attempts: i32,
    replay: bool,
    failed: bool,
    size: i32,
}

const HEAD: [(&str, Kind); 5] = [
    ("event_seq", Kind::Plain),
    ("attempts", Kind::Plain),
    ("replay", Kind::Flag),
    ("failed", Kind::Flag),
    ("size", Kind::Plain),
];

const EVENT: [(&str, Kind); 13] = [
    ("seq", Kind::Plain),
    ("id", Kind::Plain),
    ("entity", Kind::Plain),
    ("action", Kind::Plain),
    ("occurred_at", Kind::Plain),
    ("ordering_key", Kind::Plain),
    ("application_id", Kind::Plain),
    ("data", Kind::Json),
    ("sealed", Kind::Plain),
    ("correlation_id", Kind::Plain),
    ("size", Kind::Plain),
    ("sealed_digest", Kind::Plain),
    ("sealed_until", Kind::Plain),
];

async fn heads(
    db: &impl ConnectionTrait,
    listener: &listener::Model,
    known: &[i64],
    limit: i32,
    now: DateTime<Utc>,
) -> Result<Vec<Head>, DbErr> {
    let mut conditions = vec![
        "d.listener_id = $1".to_owned(),
        OPEN.replace("state", "d.state"),
        "d.next_attempt_at <= $2".to_owned(),
    ];
    if !known.is_empty() {
        conditions.push(format!("d.event_seq not in {}", sql::members(db, 4)));
    }
    if listener.mode == "explicit" {
        conditions.push(format!(
            "d.event_seq <= (select max(w.event_seq) from (select event_seq from deliveries \
             where listener_id = $1 and {OPEN} order by event_seq limit {WINDOW}) w)"
        ));
    }
    if listener.is_ordered() {
        let open = OPEN.replace("state", "p.state");
        conditions.push(format!(
            "not exists (select 1 from deliveries p where p.listener_id = d.listener_id \
             and p.ordering_key = d.ordering_key and p.event_seq < d.event_seq and {open})"
        ));
    }
    let sql = format!(
        "select d.event_seq, d.attempts, d.replay, d.last_error is not null as failed, e.size \
         from deliveries d join events e on e.seq = d.event_seq where {} \
         order by d.next_attempt_at, d.event_seq limit $3",
        conditions.join(" and ")
    );
    let mut values: Vec<sea_orm::Value> = vec![
        listener.id.clone().into(),
        now.into(),
        i64::from(limit).into(),
    ];
    if !known.is_empty() {
        values.push(sql::numbers(known));
    }
    sql::packed(db, &HEAD, &sql, values).await
}

/// As many of them as fit into a request. A listener that has failed some times in a row is sent a
/// single event, another one each time: if one of them goes through, it was the others' fault.
fn choose(listener: &listener::Model, mut heads: Vec<Head>) -> (Vec<Head>, bool) {
    if let Some(turn) = schedule::probe(listener.failures)
        && !heads.is_empty()
    {
        let turn = usize::try_from(turn).unwrap_or_default() % heads.len();
        return (vec![heads.swap_remove(turn)], true);
    }
    let mut bytes = 0;
    let fits = heads
        .iter()
        .take_while(|head| {
            bytes += i64::from(head.size);
            bytes <= MAX_BYTES
        })
        .count();
    heads.truncate(fits.max(1));
    (heads, false)
}

async fn events(db: &impl ConnectionTrait, seqs: &[i64]) -> Result<Vec<event::Model>, DbErr> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("select * from events where seq in {}", sql::members(db, 1));
    sql::packed(db, &EVENT, &sql, [sql::numbers(seqs)]).await
}
