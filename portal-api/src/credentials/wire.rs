//! Credentials as they go over the wire (portal-api A5).

use sdk::types::{Credential, Secret, Timestamp, credentials::Kind};

use super::row;

/// The credential; `secret` only in the answer that creates it.
pub fn credential(row: row::Model, secret: Option<Secret>) -> Credential {
    Credential {
        id: row.id,
        kind: kind(&row.kind),
        name: row.name,
        note: row.note,
        classic: row.classic,
        client_id: row.client_id,
        prefix: row.prefix,
        last4: row.last4,
        created_at: row.created_at.into(),
        created_by: row.created_by,
        expires_at: row.expires_at.map(Timestamp),
        last_used_at: row.last_used_at.map(Timestamp),
        last_used_addresses: None,
        revoked_at: row.revoked_at.map(Timestamp),
        revoked_reason: row.revoked_reason,
        secret,
    }
}

/// The kind as stored.
pub fn kind(text: &str) -> Kind {
    if text == Kind::Client.as_str() {
        Kind::Client
    } else {
        Kind::Key
    }
}
