//! Requests for approval (portal-api 15, B4).

use super::{Client, Error};
use crate::types::{Approval, approvals::Decision};

impl Client {
    /// `GET /approvals`: those the caller may decide.
    pub async fn approvals(&self) -> Result<Vec<Approval>, Error> {
        self.get(&["approvals"]).json().await
    }

    /// `GET /approvals/{id}`
    pub async fn approval(&self, id: &str) -> Result<Approval, Error> {
        self.get(&["approvals", id]).json().await
    }

    /// `POST /approvals/{id}/approve`
    pub async fn approve(&self, id: &str, decision: &Decision) -> Result<(), Error> {
        self.post(&["approvals", id, "approve"])
            .body(decision)
            .empty()
            .await
    }

    /// `POST /approvals/{id}/decline`
    pub async fn decline(&self, id: &str, decision: &Decision) -> Result<(), Error> {
        self.post(&["approvals", id, "decline"])
            .body(decision)
            .empty()
            .await
    }
}
