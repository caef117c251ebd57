//! Listeners of an application (events-and-adapters B14).

use super::{Client, Error};
use crate::types::{
    ListenerRegistration, Page,
    listeners::{
        CreatedListener, DeadLetter, DeliveryInfo, Disable, NewSecret, Replay, Requeued,
        RotateSecret, Stats, TestResult,
    },
    page::CursorPage,
};

impl Client {
    /// `GET /applications/{application}/listeners`
    pub async fn application_listeners(
        &self,
        application: &str,
    ) -> Result<Vec<ListenerRegistration>, Error> {
        self.get(&["applications", application, "listeners"])
            .json()
            .await
    }

    /// `POST /applications/{application}/listeners`: the answer holds its secret, this once.
    pub async fn create_application_listener(
        &self,
        application: &str,
        listener: &ListenerRegistration,
    ) -> Result<CreatedListener, Error> {
        self.post(&["applications", application, "listeners"])
            .body(listener)
            .json()
            .await
    }

    /// `PUT /applications/{application}/listeners/{listener}`
    pub async fn put_application_listener(
        &self,
        application: &str,
        listener: &ListenerRegistration,
    ) -> Result<ListenerRegistration, Error> {
        self.put(&["applications", application, "listeners", &listener.id])
            .body(listener)
            .json()
            .await
    }

    /// `DELETE /applications/{application}/listeners/{listener}`, with its queue.
    pub async fn delete_application_listener(
        &self,
        application: &str,
        id: &str,
    ) -> Result<(), Error> {
        self.delete(&["applications", application, "listeners", id])
            .empty()
            .await
    }

    /// `POST …/{listener}/secret`
    pub async fn create_application_listener_secret(
        &self,
        application: &str,
        id: &str,
        request: &RotateSecret,
    ) -> Result<NewSecret, Error> {
        self.post(&["applications", application, "listeners", id, "secret"])
            .body(request)
            .json()
            .await
    }

    /// `DELETE …/{listener}/secret/{key}`
    pub async fn end_application_listener_secret(
        &self,
        application: &str,
        id: &str,
        key: &str,
    ) -> Result<(), Error> {
        self.delete(&["applications", application, "listeners", id, "secret", key])
            .empty()
            .await
    }

    /// `POST …/{listener}/enable`, if it answers a test.
    pub async fn enable_application_listener(
        &self,
        application: &str,
        id: &str,
    ) -> Result<(), Error> {
        self.post(&["applications", application, "listeners", id, "enable"])
            .empty()
            .await
    }

    /// `POST …/{listener}/disable`
    pub async fn disable_application_listener(
        &self,
        application: &str,
        id: &str,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let body = Disable {
            reason: reason.map(str::to_owned),
        };
        self.post(&["applications", application, "listeners", id, "disable"])
            .body(&body)
            .empty()
            .await
    }

    /// `POST …/{listener}/test`
    pub async fn test_application_listener(
        &self,
        application: &str,
        id: &str,
    ) -> Result<TestResult, Error> {
        self.post(&["applications", application, "listeners", id, "test"])
            .json()
            .await
    }

    /// `GET …/{listener}/stats`
    pub async fn application_listener_stats(
        &self,
        application: &str,
        id: &str,
    ) -> Result<Stats, Error> {
        self.get(&["applications", application, "listeners", id, "stats"])
            .json()
            .await
    }

    /// `GET …/{listener}/deliveries`; `query` as the API describes it.
    pub async fn application_deliveries(
        &self,
        application: &str,
        id: &str,
        query: &[(&str, String)],
    ) -> Result<CursorPage<DeliveryInfo>, Error> {
        self.get(&["applications", application, "listeners", id, "deliveries"])
            .query(query.iter().map(|(name, value)| (*name, value.as_str())))
            .json()
            .await
    }

    /// `GET …/{listener}/deliveries/{event}`
    pub async fn application_delivery(
        &self,
        application: &str,
        id: &str,
        event: &str,
    ) -> Result<DeliveryInfo, Error> {
        self.get(&[
            "applications",
            application,
            "listeners",
            id,
            "deliveries",
            event,
        ])
        .json()
        .await
    }

    /// `GET …/{listener}/dead`
    pub async fn application_dead_letters(
        &self,
        application: &str,
        id: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<DeadLetter>, Error> {
        self.get(&["applications", application, "listeners", id, "dead"])
            .query([("offset", offset.to_string()), ("limit", limit.to_string())])
            .json()
            .await
    }

    /// `POST …/{listener}/dead/retry`: all of them.
    pub async fn retry_application_dead_letters(
        &self,
        application: &str,
        id: &str,
    ) -> Result<Requeued, Error> {
        self.post(&[
            "applications",
            application,
            "listeners",
            id,
            "dead",
            "retry",
        ])
        .json()
        .await
    }

    /// `POST …/{listener}/dead/{event}/retry`
    pub async fn retry_application_dead_letter(
        &self,
        application: &str,
        id: &str,
        event: &str,
    ) -> Result<(), Error> {
        self.post(&[
            "applications",
            application,
            "listeners",
            id,
            "dead",
            event,
            "retry",
        ])
        .empty()
        .await
    }

    /// `DELETE …/{listener}/dead`: all of them.
    pub async fn drop_application_dead_letters(
        &self,
        application: &str,
        id: &str,
    ) -> Result<(), Error> {
        self.delete(&["applications", application, "listeners", id, "dead"])
            .empty()
            .await
    }

    /// `DELETE …/{listener}/dead/{event}`
    pub async fn drop_application_dead_letter(
        &self,
        application: &str,
        id: &str,
        event: &str,
    ) -> Result<(), Error> {
        self.delete(&["applications", application, "listeners", id, "dead", event])
            .empty()
            .await
    }

    /// `POST …/{listener}/replay`
    pub async fn replay_application_events(
        &self,
        application: &str,
        id: &str,
        request: &Replay,
    ) -> Result<Requeued, Error> {
        self.post(&["applications", application, "listeners", id, "replay"])
            .body(request)
            .json()
            .await
    }
}
