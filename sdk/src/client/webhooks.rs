//! Listeners and their queues (events-and-adapters A1, B13).

use std::time::Duration;

use http::HeaderName;

use super::{Client, Error};
use crate::types::{
    Event, ListenerRegistration, Page,
    listeners::{
        BulkAck, DeadLetter, DeliveryInfo, Disable, NewSecret, Replay, Requeued, RotateSecret,
        Stats, TestResult,
    },
    page::CursorPage,
};

/// Most ids in one bulk acknowledgement.
const MAX_BULK: usize = 1000;
/// Of an answer with events.
const MAX_EVENTS: usize = 16 << 20;
const A_DAY: Duration = Duration::from_hours(24);

impl Client {
    /// `GET /webhooks/listeners?detail=true`
    pub async fn listeners(&self) -> Result<Vec<ListenerRegistration>, Error> {
        self.get(&["webhooks", "listeners"])
            .query([("detail", "true")])
            .json()
            .await
    }

    /// `PUT /webhooks/listeners/{id}`: creates or replaces; the queue is kept.
    pub async fn put_listener(&self, listener: &ListenerRegistration) -> Result<(), Error> {
        self.put(&["webhooks", "listeners", &listener.id])
            .body(listener)
            .empty()
            .await
    }

    /// `DELETE /webhooks/listeners/{id}`, with its queue.
    pub async fn delete_listener(&self, id: &str) -> Result<(), Error> {
        self.delete(&["webhooks", "listeners", id]).empty().await
    }

    /// `GET /webhooks/events/{listener}`: what is not acknowledged, oldest first. `limit` up to 1000.
    pub async fn events(&self, listener: &str, limit: Option<u32>) -> Result<Vec<Event>, Error> {
        self.get(&["webhooks", "events", listener])
            .query(limit.map(|limit| ("limit", limit.to_string())))
            .json()
            .await
    }

    /// `DELETE /webhooks/events/{listener}`: forgets everything that waits.
    pub async fn flush_events(&self, listener: &str) -> Result<(), Error> {
        self.delete(&["webhooks", "events", listener]).empty().await
    }

    /// `DELETE /webhooks/events/{listener}/{event}`
    pub async fn ack_event(&self, listener: &str, event: &str) -> Result<(), Error> {
        self.delete(&["webhooks", "events", listener, event])
            .empty()
            .await
    }

    /// `POST /webhooks/events/{listener}/ack`, in portions that the server accepts.
    pub async fn ack_events(&self, listener: &str, ids: &[String]) -> Result<(), Error> {
        for portion in ids.chunks(MAX_BULK) {
            let body = BulkAck {
                ids: portion.to_vec(),
            };
            // Unknown ids are ignored, so a second arrival does no harm.
            self.post(&["webhooks", "events", listener, "ack"])
                .body(&body)
                .repeatable()
                .empty()
                .await?;
        }
        Ok(())
    }

    /// As [`Client::events`]; waits up to so many seconds (at most 60) until there is one.
    pub async fn events_within(
        &self,
        listener: &str,
        limit: u32,
        seconds: u32,
    ) -> Result<Vec<Event>, Error> {
        let timeout = Duration::from_secs(u64::from(seconds) + 10);
        self.get(&["webhooks", "events", listener])
            .query([("limit", limit.to_string()), ("wait", seconds.to_string())])
            .long(timeout, MAX_EVENTS)
            .json()
            .await
    }

    /// `GET /webhooks/stream/{listener}`: the answer, whose body never ends. `after` is the id of
    /// the last event that is known.
    pub async fn event_stream(
        &self,
        listener: &str,
        after: Option<&str>,
    ) -> Result<reqwest::Response, Error> {
        let mut call = self
            .get(&["webhooks", "stream", listener])
            .long(A_DAY, MAX_EVENTS);
        if let Some(id) = after {
            call = call.header(HeaderName::from_static("last-event-id"), id);
        }
        call.send().await
    }

    /// `POST /webhooks/listeners/{listener}/enable`, if it answers a test.
    pub async fn enable_listener(&self, id: &str) -> Result<(), Error> {
        self.post(&["webhooks", "listeners", id, "enable"])
            .empty()
            .await
    }

    /// `POST /webhooks/listeners/{listener}/disable`
    pub async fn disable_listener(&self, id: &str, reason: Option<&str>) -> Result<(), Error> {
        let body = Disable {
            reason: reason.map(str::to_owned),
        };
        self.post(&["webhooks", "listeners", id, "disable"])
            .body(&body)
            .empty()
            .await
    }

    /// `POST /webhooks/listeners/{listener}/secret`: a secret to verify requests with.
    pub async fn create_listener_secret(
        &self,
        id: &str,
        request: &RotateSecret,
    ) -> Result<NewSecret, Error> {
        self.post(&["webhooks", "listeners", id, "secret"])
            .body(request)
            .json()
            .await
    }

    /// `DELETE /webhooks/listeners/{listener}/secret/{key}`
    pub async fn end_listener_secret(&self, id: &str, key: &str) -> Result<(), Error> {
        self.delete(&["webhooks", "listeners", id, "secret", key])
            .empty()
            .await
    }

    /// `GET /webhooks/listeners/{listener}/stats`
    pub async fn listener_stats(&self, id: &str) -> Result<Stats, Error> {
        self.get(&["webhooks", "listeners", id, "stats"])
            .json()
            .await
    }

    /// `POST /webhooks/listeners/{listener}/test`
    pub async fn test_listener(&self, id: &str) -> Result<TestResult, Error> {
        self.post(&["webhooks", "listeners", id, "test"])
            .json()
            .await
    }

    /// `GET /webhooks/dead/{listener}`
    pub async fn dead_letters(
        &self,
        listener: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<DeadLetter>, Error> {
        self.get(&["webhooks", "dead", listener])
            .query([("offset", offset.to_string()), ("limit", limit.to_string())])
            .json()
            .await
    }

    /// `POST /webhooks/dead/{listener}/retry`: all of them.
    pub async fn retry_dead_letters(&self, listener: &str) -> Result<Requeued, Error> {
        self.post(&["webhooks", "dead", listener, "retry"])
            .json()
            .await
    }

    /// `POST /webhooks/dead/{listener}/{event}/retry`
    pub async fn retry_dead_letter(&self, listener: &str, event: &str) -> Result<(), Error> {
        self.post(&["webhooks", "dead", listener, event, "retry"])
            .empty()
            .await
    }

    /// `DELETE /webhooks/dead/{listener}`: all of them.
    pub async fn drop_dead_letters(&self, listener: &str) -> Result<(), Error> {
        self.delete(&["webhooks", "dead", listener]).empty().await
    }

    /// `DELETE /webhooks/dead/{listener}/{event}`
    pub async fn drop_dead_letter(&self, listener: &str, event: &str) -> Result<(), Error> {
        self.delete(&["webhooks", "dead", listener, event])
            .empty()
            .await
    }

    /// `POST /webhooks/replay/{listener}`
    pub async fn replay_events(&self, listener: &str, request: &Replay) -> Result<Requeued, Error> {
        self.post(&["webhooks", "replay", listener])
            .body(request)
            .json()
            .await
    }

    /// `GET /webhooks/deliveries/{listener}`; `query` as the API describes it.
    pub async fn deliveries(
        &self,
        listener: &str,
        query: &[(&str, String)],
    ) -> Result<CursorPage<DeliveryInfo>, Error> {
        self.get(&["webhooks", "deliveries", listener])
            .query(query.iter().map(|(name, value)| (*name, value.as_str())))
            .json()
            .await
    }

    /// `GET /webhooks/deliveries/{listener}/{event}`
    pub async fn delivery(&self, listener: &str, event: &str) -> Result<DeliveryInfo, Error> {
        self.get(&["webhooks", "deliveries", listener, event])
            .json()
            .await
    }
}
