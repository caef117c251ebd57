//! Records as they go over the wire: in the form of A9, and in the old view (portal-api 22.2).

use sdk::types::{
    ChangedDate,
    audit::{AuditActor, AuditEntry, AuditRecord},
};

use super::row;

/// The form of the export; the hash covers it.
pub fn record(row: &row::Model) -> AuditRecord {
    AuditRecord {
        id: row.id.clone(),
        time: row.occurred_at.into(),
        actor: AuditActor {
            id: row.actor_id.clone(),
            kind: row.actor_type.clone(),
            email: row.actor_email.clone(),
        },
        via: row.via.clone(),
        action: row.action.clone(),
        entity: row.entity.clone(),
        entity_id: row.entity_id.clone(),
        before: row.before_state.clone(),
        after: row.after_state.clone(),
        data: row.data.clone(),
        source_address: row.source_address.clone(),
        correlation_id: row.correlation_id.clone(),
        outcome: row.outcome.clone(),
        previous_hash: row.previous_hash.clone(),
        hash: row.hash.clone(),
    }
}

pub fn entry(row: row::Model) -> AuditEntry {
    let record = record(&row);
    AuditEntry {
        activity: format!("{} {}", row.action, row.entity),
        utc: row.occurred_at.timestamp(),
        changed_date: ChangedDate::Iso(row.occurred_at.into()),
        created_at: row.occurred_at.into(),
        user: row.user_name.or(row.actor_name),
        email: row.user_email.or(row.actor_email),
        role: row.user_role.or(row.actor_role),
        plan: row.plan_id,
        api: row.api_id,
        application: row.application_id,
        record,
    }
}
