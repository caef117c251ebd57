//! The audit log (portal-api 22, A9).

use super::{Client, Error};
use crate::types::{
    ListQuery, Page,
    audit::{AuditEntry, NewAuditRecord},
    page::{CursorPage, Walk},
};

impl Client {
    /// `GET /auditlog?embed=1`: newest first.
    pub async fn audit_log(&self, query: &ListQuery) -> Result<Page<AuditEntry>, Error> {
        self.get(&["auditlog"])
            .query(query.pairs(true))
            .json()
            .await
    }

    /// As [`Client::audit_log`], to go through all of it.
    pub async fn walk_audit_log(&self, walk: &Walk) -> Result<CursorPage<AuditEntry>, Error> {
        self.get(&["auditlog"]).query(walk.pairs()).json().await
    }

    /// `POST /auditlog/records`. Records with ids are stored once, so those can be sent again.
    pub async fn add_audit_records(&self, records: &[NewAuditRecord]) -> Result<(), Error> {
        let call = self.post(&["auditlog", "records"]).body(&records);
        if records.iter().all(|record| record.id.is_some()) {
            return call.repeatable().empty().await;
        }
        call.empty().await
    }

    /// `DELETE /auditlog/{date}`: the number of records that went.
    pub async fn delete_audit_records(&self, before: &str) -> Result<u64, Error> {
        self.delete(&["auditlog", before]).json().await
    }
}
