//! Records of tokens and consent.
//!
//! Each authorization of a user is on record once, however often its tokens are refreshed; what a
//! client gets for itself once an hour, and what is refused once a minute, since programs ask for
//! tokens without end. Every end before its time is on record.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use sdk::types::audit::{AuditActor, NewAuditRecord};
use sea_orm::{DatabaseTransaction, DbErr};
use serde_json::json;

use crate::{cache::Cache, families::RevokeReason, state::AppState};

use super::store;

const ISSUED_EVERY: Duration = Duration::from_hours(1);
const REFUSED_EVERY: Duration = Duration::from_mins(1);
/// Clients that are told apart; beyond that some are on record more often.
const CLIENTS: usize = 10_000;

/// What was on record lately.
pub struct Lately {
    issued: Cache<String, ()>,
    refused: Cache<String, ()>,
}

impl Default for Lately {
    fn default() -> Self {
        Self {
            issued: Cache::new(ISSUED_EVERY, CLIENTS),
            refused: Cache::new(REFUSED_EVERY, CLIENTS),
        }
    }
}

/// Whether this is the first time in a while.
fn is_news(lately: &Cache<String, ()>, key: &str) -> bool {
    let is_new = lately.get(key).is_none();
    if is_new {
        lately.put(key.to_owned(), ());
    }
    is_new
}

fn user(id: &str) -> AuditActor {
    AuditActor {
        id: Some(id.to_owned()),
        ..AuditActor::default()
    }
}

/// Nobody but a program.
fn nobody() -> AuditActor {
    AuditActor {
        kind: "service".to_owned(),
        ..AuditActor::default()
    }
}

/// A user's authorization became tokens of a client.
pub async fn issued(
    txn: &DatabaseTransaction,
    user_id: &str,
    (client_id, api): (&str, &str),
    grant: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let record = NewAuditRecord {
        actor: user(user_id),
        action: "issue".to_owned(),
        entity: "token".to_owned(),
        entity_id: Some(client_id.to_owned()),
        data: Some(json!({"clientId": client_id, "apiId": api, "grant": grant})),
        ..NewAuditRecord::default()
    };
    store(txn, record, now).await
}

/// A client got a token for itself.
pub async fn issued_to_client(
    state: &AppState,
    client_id: &str,
    api: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if !is_news(&state.lately.issued, client_id) {
        return Ok(());
    }
    let grant = "client_credentials";
    let record = NewAuditRecord {
        actor: nobody(),
        action: "issue".to_owned(),
        entity: "token".to_owned(),
        entity_id: Some(client_id.to_owned()),
        data: Some(json!({"clientId": client_id, "apiId": api, "grant": grant})),
        ..NewAuditRecord::default()
    };
    alone(state, record, now).await
}

/// Somebody asked for a token in vain. `client_id` is as it was sent.
pub async fn refused(
    state: &AppState,
    client_id: Option<&str>,
    reason: &str,
    address: IpAddr,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let client_id = client_id.filter(|id| crate::token::is_client_id(id));
    // Not by client: invented names would fill the log.
    let key = format!("{address} {reason}");
    if !is_news(&state.lately.refused, &key) {
        return Ok(());
    }
    let record = NewAuditRecord {
        actor: nobody(),
        action: "issue".to_owned(),
        entity: "token".to_owned(),
        entity_id: client_id.filter(|id| id.len() <= 160).map(str::to_owned),
        data: Some(json!({"clientId": client_id, "reason": reason})),
        source_address: Some(address.to_string()),
        outcome: Some("refused".to_owned()),
        ..NewAuditRecord::default()
    };
    alone(state, record, now).await
}

/// Tokens of a client ended before their time; those of a user, or the client's own.
pub async fn revoked(
    txn: &DatabaseTransaction,
    user_id: Option<&str>,
    client_id: &str,
    reason: RevokeReason,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let record = NewAuditRecord {
        actor: nobody(),
        action: "revoke".to_owned(),
        entity: "token".to_owned(),
        entity_id: Some(client_id.to_owned()),
        data: Some(json!({
            "clientId": client_id, "userId": user_id, "reason": reason.as_str(),
        })),
        ..NewAuditRecord::default()
    };
    store(txn, record, now).await
}

/// Somebody was asked for consent and has answered.
pub async fn consent(
    state: &AppState,
    user_id: &str,
    (application, api, scope): (&str, &str, &[String]),
    is_given: bool,
    address: IpAddr,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let record = NewAuditRecord {
        actor: user(user_id),
        action: "consent".to_owned(),
        entity: "grant".to_owned(),
        entity_id: Some(user_id.to_owned()),
        data: Some(json!({"applicationId": application, "apiId": api, "scopes": scope})),
        source_address: Some(address.to_string()),
        outcome: Some(if is_given { "ok" } else { "refused" }.to_owned()),
        ..NewAuditRecord::default()
    };
    alone(state, record, now).await
}

async fn alone(state: &AppState, record: NewAuditRecord, now: DateTime<Utc>) -> Result<(), DbErr> {
    let txn = state.database.write().await?;
    store(&txn, record, now).await?;
    txn.commit().await?;
    state.records.notify_one();
    Ok(())
}
