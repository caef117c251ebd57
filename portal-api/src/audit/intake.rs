//! `POST /auditlog/records` (portal-api 29.3): what other services have on record, such as logins.

use std::net::IpAddr;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use sdk::types::audit::NewAuditRecord;
use sea_orm::{DatabaseTransaction, DbErr, QuerySelect, entity::prelude::*};
use serde_json::Value;
use service::ServiceName;

use super::{Entry, chain, insert, mask, people, row};
use crate::{
    ApiError, AppState,
    caller::Caller,
    events::{self, Event},
    extract::{Body, from_value},
};

const MAX_RECORDS: usize = 500;
const ALL: [ServiceName; 7] = [
    ServiceName::AuthServer,
    ServiceName::Portal,
    ServiceName::GatewayAdapter,
    ServiceName::Mailer,
    ServiceName::Chatbot,
    ServiceName::PortalApi,
    ServiceName::Gateway,
];
/// A service that was cut off delivers later what happened meanwhile.
const OLDEST: TimeDelta = TimeDelta::days(7);

/// Records that are there already, by their ids, are not stored again: services repeat calls.
#[tracing::instrument(skip_all)]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<StatusCode, ApiError> {
    let service = caller.require_service(&ALL)?;
    let records: Vec<NewAuditRecord> = from_value(body)?;
    if records.len() > MAX_RECORDS {
        let message = format!("At most {MAX_RECORDS} records at once.");
        return Err(ApiError::invalid("records", "size", message));
    }
    let now = service::clock::now();
    let rows = records
        .into_iter()
        .enumerate()
        .map(|(index, new)| checked(new, index, service, now))
        .collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let txn = state.db.write().await?;
    chain::serialize(&txn).await?;
    let known = known(&txn, &rows).await?;
    for row in rows {
        if !known.contains(&row.id) {
            store(&txn, &state, row).await?;
        }
    }
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn known(txn: &DatabaseTransaction, rows: &[row::Model]) -> Result<Vec<String>, DbErr> {
    row::Entity::find()
        .select_only()
        .column(row::Column::Id)
        .filter(row::Column::Id.is_in(rows.iter().map(|row| row.id.as_str())))
        .into_tuple()
        .all(txn)
        .await
}

async fn store(
    txn: &DatabaseTransaction,
    state: &AppState,
    mut row: row::Model,
) -> Result<(), ApiError> {
    let mut entry = Entry::new(super::Actor::default(), &row.entity, &row.action);
    entry.actor.id.clone_from(&row.actor_id);
    entry.data = row.data.take();
    let shown = people::of(txn, &state.configuration(), &entry).await?;
    shown.put_into(&mut entry.data);
    row.data = entry.data;
    if let Some(user) = shown.user {
        row.user_name = Some(user.name);
        row.user_email = Some(user.email);
        row.user_role = Some(user.role.to_owned());
    }
    let login = login(&row);
    insert(txn, row).await?;
    if let Some(event) = login {
        events::enqueue(txn, state, event).await?;
    }
    Ok(())
}

/// A login that went well is an event, too.
fn login(row: &row::Model) -> Option<Event> {
    if (
        row.entity.as_str(),
        row.action.as_str(),
        row.outcome.as_str(),
    ) != ("user", "login", "ok")
    {
        return None;
    }
    let user = row.actor_id.as_deref().or(row.entity_id.as_deref())?;
    let member = |state: &Option<Value>| {
        let method = state.as_ref()?.get("authMethod")?;
        method.as_str().map(str::to_owned)
    };
    let method = member(&row.data).or_else(|| member(&row.after_state));
    Some(Event::user_logged_in(user, method.as_deref()))
}

/// The record as it will be stored; every member has its bounds.
pub fn checked(
    new: NewAuditRecord,
    index: usize,
    service: ServiceName,
    now: DateTime<Utc>,
) -> Result<row::Model, ApiError> {
    let text = |name: &str, text: Option<String>, most: usize| match text {
        Some(text) if text.is_empty() || text.len() > most => {
            let field = format!("[{index}].{name}");
            let message = format!("`{field}` has 1 to {most} characters.");
            Err(ApiError::invalid(&field, "length", message))
        }
        text => Ok(text),
    };
    let required = |name: &str, value: String| {
        Ok::<_, ApiError>(text(name, Some(value), 32)?.unwrap_or_default())
    };
    let refuse = |name: &str, rule: &'static str, what: &str| {
        let field = format!("[{index}].{name}");
        ApiError::invalid(&field, rule, format!("`{field}` {what}."))
    };
    let at = new.time.map_or(now, |time| time.0);
    if at < now - OLDEST || at > now + TimeDelta::minutes(5) {
        return Err(refuse("time", "range", "is not within the last seven days"));
    }
    let outcome = new.outcome.unwrap_or_else(|| "ok".to_owned());
    if !matches!(outcome.as_str(), "ok" | "refused") {
        return Err(refuse("outcome", "choice", "has to be `ok` or `refused`"));
    }
    if !matches!(new.actor.kind.as_str(), "user" | "service" | "operator") {
        return Err(refuse(
            "actor.type",
            "choice",
            "has to be `user`, `service` or `operator`",
        ));
    }
    if let Some(address) = &new.source_address
        && address.parse::<IpAddr>().is_err()
    {
        return Err(refuse("sourceAddress", "format", "is no IP address"));
    }
    let member = |name: &str| {
        let value = new.data.as_ref()?.get(name)?.as_str()?;
        (value.len() <= 50).then(|| value.to_owned())
    };
    Ok(row::Model {
        seq: 0,
        api_id: member("apiId"),
        application_id: member("applicationId"),
        plan_id: member("planId"),
        id: text("id", new.id, 64)?.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
        occurred_at: at,
        actor_id: text("actor.id", new.actor.id, 64)?,
        actor_type: new.actor.kind,
        actor_email: text("actor.email", new.actor.email, 256)?,
        actor_name: None,
        actor_role: None,
        // The service answers for what it says, so its name is always there.
        via: Some(match text("via", new.via, 200)? {
            Some(via) if via != service.to_string() => format!("{service}: {via}"),
            _ => service.to_string(),
        }),
        action: required("action", new.action)?,
        entity: required("entity", new.entity)?,
        entity_id: text("entityId", new.entity_id, 160)?,
        before_state: new.before.map(mask::masked),
        after_state: new.after.map(mask::masked),
        data: new.data.map(mask::masked),
        source_address: new.source_address,
        correlation_id: text("correlationId", new.correlation_id, 128)?
            .or_else(service::http::current_correlation_id),
        outcome,
        user_name: None,
        user_email: None,
        user_role: None,
        previous_hash: None,
        hash: None,
    })
}
