//! Requests for approval (portal-api 15, B4).

use super::{Client, Error};
use crate::types::{
    Approval,
    approvals::{Assignment, Comment, Decision, NewComment},
    page::{CursorPage, Walk},
};

impl Client {
    /// `GET /approvals`: those the caller may decide.
    pub async fn approvals(&self) -> Result<Vec<Approval>, Error> {
        self.get(&["approvals"]).json().await
    }

    /// `GET /approvals?state=`, to go through them, the oldest first: `open`, `approved`,
    /// `declined`, `withdrawn` or `all`.
    pub async fn walk_approvals(
        &self,
        state: &str,
        walk: &Walk,
    ) -> Result<CursorPage<Approval>, Error> {
        self.get(&["approvals"])
            .query(walk.pairs())
            .query([("state", state)])
            .json()
            .await
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

    /// `PATCH /approvals/{id}`: who takes care of it; `None` for nobody.
    pub async fn assign_approval(
        &self,
        id: &str,
        assignee: Option<&str>,
    ) -> Result<Approval, Error> {
        let assignment = Assignment {
            assignee: assignee.map(str::to_owned),
        };
        self.patch(&["approvals", id])
            .body(&assignment)
            .json()
            .await
    }

    /// `POST /approvals/{id}/comments`
    pub async fn comment_on_approval(&self, id: &str, text: &str) -> Result<Comment, Error> {
        let comment = NewComment {
            text: text.to_owned(),
        };
        self.post(&["approvals", id, "comments"])
            .body(&comment)
            .json()
            .await
    }
}
