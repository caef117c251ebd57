//! What goes on record: who logged in, who failed to, who logged out, who got which tokens, and how
//! they ended (portal-api 29.3).
//!
//! A record is written together with what it is about, and handed to portal-api afterwards. portal-api
//! makes the event `user.login` of one, so none may get lost while it is away; it knows records by
//! their ids, so none counts twice.

mod row;
pub mod tokens;

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sdk::types::audit::{AuditActor, NewAuditRecord};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::json;
use service::{backoff::Backoff, clock};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{portal_api::PortalApiError, state::AppState};

/// Records per call.
const BATCH: u64 = 100;
/// portal-api takes none that are older than a week.
pub const OLDEST: TimeDelta = TimeDelta::hours(7 * 24 - 1);
/// How soon a record that another instance wrote is handed on at the latest.
const ROUND: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    LoggedIn {
        user_id: &'a str,
    },
    /// Nobody knows whether such a user exists, and it makes no difference.
    LoginRefused {
        username: &'a str,
    },
    LoggedOut {
        user_id: &'a str,
    },
    /// The right password, and nothing right beside it.
    FactorRefused {
        user_id: &'a str,
    },
    /// What he can show at a log-in has changed.
    FactorChanged {
        user_id: &'a str,
        what: &'static str,
    },
    /// An administrator has removed all of it.
    FactorsReset {
        user_id: &'a str,
        by: &'a str,
    },
    /// A log-in at a provider leads to his account from now on.
    Linked {
        user_id: &'a str,
    },
}

/// Puts on record what happens in `txn`.
pub async fn insert(
    txn: &DatabaseTransaction,
    act: Act<'_>,
    method: &str,
    address: IpAddr,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let mut data = json!({"authMethod": method});
    let (action, user_id, name, outcome) = match act {
        Act::LoggedIn { user_id } => ("login", Some(user_id), None, "ok"),
        Act::LoginRefused { username } => ("login", None, Some(username), "refused"),
        Act::LoggedOut { user_id } => ("logout", Some(user_id), None, "ok"),
        Act::FactorRefused { user_id } => {
            data["step"] = "second-factor".into();
            ("login", Some(user_id), None, "refused")
        }
        Act::FactorChanged { user_id, what } => {
            data["change"] = what.into();
            ("factor", Some(user_id), None, "ok")
        }
        Act::FactorsReset { user_id, by } => {
            data = json!({"change": "reset", "by": by});
            ("factor", Some(user_id), None, "ok")
        }
        Act::Linked { user_id } => ("link", Some(user_id), None, "ok"),
    };
    let is_short = |name: &&str| (1..=256).contains(&name.len());
    let record = NewAuditRecord {
        actor: AuditActor {
            id: user_id.map(str::to_owned),
            kind: "user".to_owned(),
            email: name.filter(is_short).map(str::to_owned),
        },
        action: action.to_owned(),
        entity: "user".to_owned(),
        entity_id: user_id.map(str::to_owned),
        data: Some(data),
        source_address: Some(address.to_string()),
        outcome: Some(outcome.to_owned()),
        ..NewAuditRecord::default()
    };
    store(txn, record, now).await
}

/// Stores a record until portal-api has it.
async fn store(
    txn: &DatabaseTransaction,
    record: NewAuditRecord,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let id = Uuid::now_v7().to_string();
    let record = NewAuditRecord {
        id: Some(id.clone()),
        time: Some(now.into()),
        correlation_id: service::http::current_correlation_id(),
        ..record
    };
    let row = row::Model {
        id,
        record: serde_json::to_string(&record).expect("a record is plain JSON"),
        created_at: now,
    };
    row::Entity::insert(row.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Why records could not be handed on.
#[derive(Debug, thiserror::Error)]
enum DeliverError {
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    #[error("portal-api: {0}")]
    PortalApi(#[from] PortalApiError),
}

/// Hands records on until `shutdown`.
pub async fn run(state: AppState, shutdown: CancellationToken) {
    let pauses = || Backoff::new(ROUND, LONGEST_PAUSE);
    let mut backoff = pauses();
    let mut pause = ROUND;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = state.records.notified() => {}
            () = shutdown.cancelled() => return,
        }
        pause = match deliver(&state).await {
            Ok(()) => {
                backoff = pauses();
                ROUND
            }
            Err(error) => {
                tracing::warn!("what happened could not be put on record, trying again: {error}");
                backoff.next_delay()
            }
        };
    }
}

async fn deliver(state: &AppState) -> Result<(), DeliverError> {
    loop {
        let rows = row::Entity::find()
            .filter(row::Column::CreatedAt.gt(clock::now() - OLDEST))
            .order_by_asc(row::Column::Id)
            .limit(BATCH)
            .all(state.database.read())
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let read = |row: &row::Model| serde_json::from_str(&row.record).ok();
        let records: Vec<NewAuditRecord> = rows.iter().filter_map(read).collect();
        match state.portal_api.add_records(&records).await {
            Ok(()) => {}
            // One that is refused must not hold up the others.
            Err(error) if is_final(&error) => one_by_one(state, &records).await?,
            Err(error) => return Err(error.into()),
        }
        let ids = rows.into_iter().map(|row| row.id);
        let txn = state.database.write().await?;
        row::Entity::delete_many()
            .filter(row::Column::Id.is_in(ids))
            .exec(&txn)
            .await?;
        txn.commit().await?;
    }
}

async fn one_by_one(state: &AppState, records: &[NewAuditRecord]) -> Result<(), DeliverError> {
    for record in records {
        match state
            .portal_api
            .add_records(std::slice::from_ref(record))
            .await
        {
            Ok(()) => {}
            Err(error) if is_final(&error) => {
                tracing::error!(
                    action = record.action,
                    "portal-api refuses a record: {error}"
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether the same call would be refused again.
fn is_final(error: &PortalApiError) -> bool {
    error.status() == Some(http::StatusCode::BAD_REQUEST)
}
