//! Listeners and their queues (events-and-adapters A1, B13).

use super::{Client, Error};
use crate::types::{Event, ListenerRegistration, listeners::BulkAck};

/// Most ids in one bulk acknowledgement.
const MAX_BULK: usize = 1000;

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
}
