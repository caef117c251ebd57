//! The audit log (portal-api 22, A9): who did what, from where, with what outcome.
//!
//! Always on and append-only. A record is written in the transaction of what it tells of, and holds
//! the hash of the record before it, so that a missing or changed one shows.

mod chain;
mod export;
pub mod intake;
pub mod list;
mod mask;
mod people;
mod refusals;
mod retention;
pub mod row;
mod snapshot;
mod wire;

use axum::{
    Router,
    routing::{delete, get, post},
};
use chrono::{DateTime, Utc};
use sdk::types::audit::AuditRecord;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;

pub use chain::serialize;
pub use refusals::{Identified, Lately, record_refusals};
pub use retention::shorten;
pub use snapshot::Audited;

use crate::{AppState, caller::Caller, events::Event};
use people::Shown;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/auditlog", get(list::list))
        .route("/auditlog/records", post(intake::add))
        .route("/auditlog/{date}", delete(retention::remove))
}

/// Who did it. Copied into the record, so that it outlives the user.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    pub id: Option<String>,
    pub email: Option<String>,
    /// `Admin`, `Approver` or `User`; absent for services.
    pub role: Option<&'static str>,
    /// `user`, `service` or `operator`.
    pub kind: &'static str,
    /// Service or client through which he acted.
    pub via: Option<String>,
    pub source: Option<String>,
}

impl Actor {
    /// Somebody with access to the machine, at the command line.
    pub fn operator() -> Self {
        Self {
            kind: "operator",
            via: Some("command line".to_owned()),
            ..Self::default()
        }
    }

    /// portal-api itself, at start or by a timer.
    pub fn system() -> Self {
        Self {
            kind: "service",
            via: Some("portal-api".to_owned()),
            ..Self::default()
        }
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        let user = caller.user();
        let via = caller
            .service()
            .map(|service| service.to_string())
            .or_else(|| caller.client_id().map(str::to_owned));
        Self {
            id: user.map(|user| user.id().to_owned()),
            email: user.map(|user| user.row.email.clone()),
            role: user.map(|user| role(user.admin, user.approver)),
            kind: if user.is_some() { "user" } else { "service" },
            via,
            source: Some(caller.source().to_string()),
        }
    }
}

const fn role(admin: bool, approver: bool) -> &'static str {
    match (admin, approver) {
        (true, _) => "Admin",
        (false, true) => "Approver",
        (false, false) => "User",
    }
}

/// One record before it is written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    pub action: String,
    pub entity: String,
    pub entity_id: Option<String>,
    /// As the event of the same change has it, if there is one.
    pub data: Option<Value>,
    /// What was changed, as it was; without secrets.
    pub before: Option<Value>,
    /// The same afterwards.
    pub after: Option<Value>,
    /// `ok` or `refused`.
    pub outcome: &'static str,
}

impl Entry {
    /// Something that went well, now.
    pub fn new(actor: Actor, entity: &str, action: &str) -> Self {
        Self {
            at: service::clock::now(),
            actor,
            action: action.to_owned(),
            entity: entity.to_owned(),
            entity_id: None,
            data: None,
            before: None,
            after: None,
            outcome: "ok",
        }
    }

    /// Every event is also a record. Its secrets stay out.
    pub fn of_event(event: &Event, actor: &Actor) -> Self {
        Self {
            entity_id: Some(event.subject_id.clone()),
            data: Some(Value::Object(event.data.clone())),
            before: event.before.clone(),
            after: event.after.clone(),
            ..Self::new(actor.clone(), event.entity, event.action)
        }
    }

    /// What it is about.
    #[must_use]
    pub fn about(mut self, id: impl Into<String>) -> Self {
        self.entity_id = Some(id.into());
        self
    }

    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    #[must_use]
    pub fn was(mut self, before: &impl Audited) -> Self {
        self.before = Some(before.audited());
        self
    }

    #[must_use]
    pub fn becomes(mut self, after: &impl Audited) -> Self {
        self.after = Some(after.audited());
        self
    }

    #[must_use]
    pub fn refused(mut self) -> Self {
        self.outcome = "refused";
        self
    }

    fn member(&self, name: &str) -> Option<&str> {
        self.data.as_ref()?.get(name)?.as_str()
    }
}

/// Writes `entry` with the users it names as they are now, in the transaction of what it records.
pub async fn record(
    txn: &DatabaseTransaction,
    state: &AppState,
    mut entry: Entry,
) -> Result<(), DbErr> {
    let shown = people::of(txn, &state.configuration(), &entry).await?;
    shown.put_into(&mut entry.data);
    write(txn, entry, shown).await
}

/// Writes `entry`, without a configuration that tells who is an administrator: for the command line.
pub async fn append(txn: &DatabaseTransaction, entry: Entry) -> Result<(), DbErr> {
    write(txn, entry, Shown::default()).await
}

async fn write(txn: &DatabaseTransaction, entry: Entry, shown: Shown) -> Result<(), DbErr> {
    let member = |name: &str| entry.member(name).map(str::to_owned);
    let user = shown.user;
    let row = row::Model {
        seq: 0,
        id: uuid::Uuid::now_v7().to_string(),
        occurred_at: entry.at,
        api_id: member("apiId"),
        application_id: member("applicationId"),
        plan_id: member("planId"),
        actor_id: entry.actor.id,
        actor_type: entry.actor.kind.to_owned(),
        actor_email: entry.actor.email,
        actor_name: None,
        actor_role: entry.actor.role.map(str::to_owned),
        via: entry.actor.via,
        action: entry.action,
        entity: entry.entity,
        entity_id: entry.entity_id,
        before_state: entry.before,
        after_state: entry.after,
        data: entry.data,
        source_address: entry.actor.source,
        correlation_id: service::http::current_correlation_id(),
        outcome: entry.outcome.to_owned(),
        user_name: user.as_ref().map(|user| user.name.clone()),
        user_email: user.as_ref().map(|user| user.email.clone()),
        user_role: user.map(|user| user.role.to_owned()),
        previous_hash: None,
        hash: None,
    };
    insert(txn, row).await
}

/// What a user did, the oldest first.
pub async fn of_user(
    db: &impl ConnectionTrait,
    user_id: &str,
    most: u64,
) -> Result<Vec<AuditRecord>, DbErr> {
    let rows = row::Entity::find()
        .filter(row::Column::ActorId.eq(user_id))
        .order_by_asc(row::Column::Seq)
        .limit(most)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| wire::record(&without_others(row)))
        .collect())
}

/// What he did to others is theirs: only that he did it is his.
fn without_others(mut row: row::Model) -> row::Model {
    row.before_state = None;
    row.after_state = None;
    row.previous_hash = None;
    row.hash = None;
    if let Some(members) = row.data.as_mut().and_then(Value::as_object_mut) {
        members.retain(|name, _| !matches!(name.as_str(), "updatedUser" | "email"));
    }
    row
}

/// Links `row` to the record before it and stores it. The one way in.
async fn insert(txn: &DatabaseTransaction, row: row::Model) -> Result<(), DbErr> {
    chain::serialize(txn).await?;
    let row = chain::link(row, chain::last_hash(txn).await?);
    let record = row::ActiveModel {
        seq: sea_orm::ActiveValue::NotSet,
        id: Set(row.id),
        occurred_at: Set(row.occurred_at),
        actor_id: Set(row.actor_id),
        actor_type: Set(row.actor_type),
        actor_email: Set(row.actor_email),
        actor_name: Set(row.actor_name),
        actor_role: Set(row.actor_role),
        via: Set(row.via),
        action: Set(row.action),
        entity: Set(row.entity),
        entity_id: Set(row.entity_id),
        api_id: Set(row.api_id),
        application_id: Set(row.application_id),
        plan_id: Set(row.plan_id),
        before_state: Set(row.before_state),
        after_state: Set(row.after_state),
        data: Set(row.data),
        source_address: Set(row.source_address),
        correlation_id: Set(row.correlation_id),
        outcome: Set(row.outcome),
        user_name: Set(row.user_name),
        user_email: Set(row.user_email),
        user_role: Set(row.user_role),
        previous_hash: Set(row.previous_hash),
        hash: Set(row.hash),
    };
    row::Entity::insert(record)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}
