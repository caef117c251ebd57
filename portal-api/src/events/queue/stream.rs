//! `GET /webhooks/stream/{listener}`: the queue as server-sent events, for listeners that nobody can
//! reach (events-and-adapters B13). Nothing is acknowledged by having been sent.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event as Message, KeepAlive, Sse},
    },
};
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::{sync::watch, time::timeout};

use super::read;
use crate::{
    ApiError, AppState,
    events::{
        listeners::{Readable, store},
        row::event,
    },
    paging::Parameters,
};

/// Read at a time.
const PORTION: u64 = 100;
/// The bell may be that of another instance.
const LOOK: Duration = Duration::from_secs(1);

pub async fn stream(
    State(state): State<AppState>,
    Readable(listener): Readable,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let patience = match parameters.get("wait").map(str::parse) {
        None => None,
        Some(Ok(seconds)) => Some(Duration::from_secs(seconds)),
        Some(Err(_)) => {
            let message = "`wait` is a number of seconds.";
            return Err(ApiError::invalid("wait", "format", message));
        }
    };
    let after = match headers.get("last-event-id").and_then(|id| id.to_str().ok()) {
        Some(last) => seq(&state, last).await?,
        None => 0,
    };
    let reader = Reader {
        rings: state.bell.listen(),
        state,
        id: listener.id,
        after,
        patience,
    };
    let portions = stream::unfold(reader, |mut reader| async move {
        let portion = reader.next().await?;
        Some((stream::iter(portion), reader))
    });
    Ok(Sse::new(portions.flatten())
        .keep_alive(KeepAlive::default())
        .into_response())
}

/// The number of an event; that of the first, if it is no longer there.
async fn seq(state: &AppState, id: &str) -> Result<i64, ApiError> {
    let found = event::Entity::find()
        .filter(event::Column::Id.eq(id))
        .one(state.db.read())
        .await?;
    Ok(found.map_or(0, |event| event.seq))
}

struct Reader {
    state: AppState,
    id: String,
    /// Everything up to this number was sent.
    after: i64,
    /// How long to wait for the next ones; absent: for ever.
    patience: Option<Duration>,
    rings: watch::Receiver<u64>,
}

impl Reader {
    /// Waits for the next events; nothing when the listener is gone, or the database, or none came.
    async fn next(&mut self) -> Option<Vec<Result<Message, Infallible>>> {
        let begun = Instant::now();
        loop {
            self.rings.mark_unchanged();
            let listener = store::find(self.state.db.read(), &self.id).await.ok()??;
            let events = read::after(&self.state, &listener, self.after, PORTION).await;
            let events = events.ok()?;
            if let Some(last) = events.last() {
                self.after = last.seq.unwrap_or(self.after);
                let messages = events.into_iter().filter_map(|event| {
                    let message = Message::default().id(&event.id).event(event.kind());
                    Some(Ok(message.json_data(event).ok()?))
                });
                return Some(messages.collect());
            }
            if self
                .patience
                .is_some_and(|patience| begun.elapsed() >= patience)
            {
                return None;
            }
            let _ = timeout(LOOK, self.rings.changed()).await;
        }
    }
}
