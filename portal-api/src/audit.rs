//! The audit log: who did what, from where, with what outcome. Append-only.

mod row;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};
use serde_json::Value;

use crate::{caller::Caller, events::Event};

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
        let role = user.map(|user| match (user.admin, user.approver) {
            (true, _) => "Admin",
            (false, true) => "Approver",
            (false, false) => "User",
        });
        let via = caller
            .service()
            .map(|service| service.to_string())
            .or_else(|| caller.client_id().map(str::to_owned));
        Self {
            id: user.map(|user| user.id().to_owned()),
            email: user.map(|user| user.row.email.clone()),
            role,
            kind: if user.is_some() { "user" } else { "service" },
            via,
            source: Some(caller.source().to_string()),
        }
    }
}

/// One record.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    pub action: String,
    pub entity: String,
    pub entity_id: Option<String>,
    pub data: Option<Value>,
    /// `ok` or `refused`.
    pub outcome: &'static str,
}

impl Entry {
    /// Every event is also a record. Its secrets stay out.
    pub fn of_event(event: &Event, actor: &Actor, at: DateTime<Utc>) -> Self {
        Self {
            at,
            actor: actor.clone(),
            action: event.action.to_owned(),
            entity: event.entity.to_owned(),
            entity_id: Some(event.subject_id.clone()),
            data: Some(Value::Object(event.data.clone())),
            outcome: "ok",
        }
    }
}

/// Writes `entry`, in the transaction of what it records.
pub async fn append(txn: &impl ConnectionTrait, entry: &Entry) -> Result<(), DbErr> {
    let member = |name: &str| {
        entry
            .data
            .as_ref()
            .and_then(|data| data.get(name))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let record = row::ActiveModel {
        id: Set(uuid::Uuid::now_v7().to_string()),
        occurred_at: Set(entry.at),
        actor_id: Set(entry.actor.id.clone()),
        actor_type: Set(entry.actor.kind.to_owned()),
        actor_email: Set(entry.actor.email.clone()),
        actor_role: Set(entry.actor.role.map(str::to_owned)),
        via: Set(entry.actor.via.clone()),
        action: Set(entry.action.clone()),
        entity: Set(entry.entity.clone()),
        entity_id: Set(entry.entity_id.clone()),
        api_id: Set(member("apiId")),
        application_id: Set(member("applicationId")),
        plan_id: Set(member("planId")),
        data: Set(entry.data.clone()),
        source_address: Set(entry.actor.source.clone()),
        correlation_id: Set(service::http::current_correlation_id()),
        outcome: Set(entry.outcome.to_owned()),
        ..Default::default()
    };
    row::Entity::insert(record)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}
