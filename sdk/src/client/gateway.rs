//! The gateway's side: snapshot and status (portal-api 29.3, 29.4).

use std::time::Duration;

use http::{StatusCode, header};
use tokio::io::AsyncWrite;

use super::{
    Client, Error,
    call::{Call, parse, pass_on, read},
};
use crate::types::{
    Snapshot,
    gateway::{GatewayStatus, HeldLease, TakeLease},
};

const NAME: &str = "GET /gateway/snapshot";
/// Hundreds of thousands of subscriptions stay below this.
const MAX_SNAPSHOT: usize = 1 << 30;
const TIMEOUT: Duration = Duration::from_mins(2);

/// Answer of [`Client::snapshot`].
#[derive(Clone, Debug)]
pub enum SnapshotAnswer<T> {
    /// The revision the caller knows is still the newest.
    Unchanged,
    Changed {
        /// To be sent with the next question.
        etag: Option<String>,
        snapshot: T,
    },
}

impl Client {
    /// `GET /gateway/snapshot`; `known` is the `etag` of the last answer.
    pub async fn snapshot(
        &self,
        known: Option<&str>,
    ) -> Result<SnapshotAnswer<Box<Snapshot>>, Error> {
        let response = self.snapshot_call(known).send().await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(SnapshotAnswer::Unchanged);
        }
        let etag = etag(&response);
        let body = read(response, MAX_SNAPSHOT, NAME).await?;
        let snapshot = Box::new(parse(&body, NAME)?);
        Ok(SnapshotAnswer::Changed { etag, snapshot })
    }

    /// The same, written as it arrives. Answers with the number of bytes.
    pub async fn snapshot_to(
        &self,
        known: Option<&str>,
        target: impl AsyncWrite + Unpin,
    ) -> Result<SnapshotAnswer<u64>, Error> {
        let response = self.snapshot_call(known).send().await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(SnapshotAnswer::Unchanged);
        }
        let etag = etag(&response);
        let snapshot = pass_on(response, target, NAME).await?;
        Ok(SnapshotAnswer::Changed { etag, snapshot })
    }

    /// `GET /gateway/snapshot?application=`: only that application's part.
    pub async fn snapshot_of_application(&self, application: &str) -> Result<Snapshot, Error> {
        self.get(&["gateway", "snapshot"])
            .query([("application", application)])
            .long(TIMEOUT, MAX_SNAPSHOT)
            .json()
            .await
    }

    /// `GET /gateway/status`
    pub async fn gateway_status(&self) -> Result<GatewayStatus, Error> {
        self.get(&["gateway", "status"]).json().await
    }

    /// `PUT /gateway/status`
    pub async fn put_gateway_status(&self, status: &GatewayStatus) -> Result<(), Error> {
        self.put(&["gateway", "status"]).body(status).empty().await
    }

    /// `PUT /leases/{name}`: nothing if somebody else has it.
    pub async fn take_lease(
        &self,
        name: &str,
        lease: &TakeLease,
    ) -> Result<Option<HeldLease>, Error> {
        match self.put(&["leases", name]).body(lease).json().await {
            Err(error) if error.status() == Some(StatusCode::CONFLICT) => Ok(None),
            taken => taken.map(Some),
        }
    }

    /// `DELETE /leases/{name}`
    pub async fn give_back_lease(&self, name: &str, holder: &str) -> Result<(), Error> {
        self.delete(&["leases", name])
            .query([("holder", holder)])
            .empty()
            .await
    }

    fn snapshot_call(&self, known: Option<&str>) -> Call<'_> {
        let call = self
            .get(&["gateway", "snapshot"])
            .long(TIMEOUT, MAX_SNAPSHOT);
        match known {
            Some(etag) => call.header(header::IF_NONE_MATCH, etag),
            None => call,
        }
    }
}

fn etag(response: &reqwest::Response) -> Option<String> {
    let etag = response.headers().get(header::ETAG)?;
    etag.to_str().ok().map(str::to_owned)
}
