//! `/leases/{name}`: which of several equal processes is in charge (portal-api 29.3).

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use http::StatusCode;
use sdk::types::gateway::HeldLease;
use sea_orm::{
    ActiveValue::Set, ExprTrait, QuerySelect, entity::prelude::*, sea_query::OnConflict,
};
use serde::Deserialize;
use serde_json::Value;

use super::row::lease;
use crate::{
    ApiError, AppState,
    caller::Caller,
    events,
    extract::{Body, from_value},
    paging::Parameters,
};

const MAX_TTL_SECONDS: i64 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    holder: String,
    #[serde(default)]
    ttl_seconds: i64,
}

fn held(lease: lease::Model, last_seq: i64) -> HeldLease {
    HeldLease {
        holder: lease.holder,
        expires_at: lease.expires_at.into(),
        last_seq,
    }
}

/// `PUT /leases/{name}`: takes or prolongs the lease; 409 tells who has it.
pub async fn take(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<Value>,
) -> Result<Response, ApiError> {
    require_own(&caller, &name)?;
    let wanted: Wanted = from_value(body)?;
    if wanted.holder.is_empty() || wanted.holder.len() > 128 {
        return Err(ApiError::invalid(
            "holder",
            "length",
            "`holder` has 1 to 128 characters.",
        ));
    }
    if !(1..=MAX_TTL_SECONDS).contains(&wanted.ttl_seconds) {
        let message = format!("`ttlSeconds` is between 1 and {MAX_TTL_SECONDS}.");
        return Err(ApiError::invalid("ttlSeconds", "range", message));
    }
    let now = service::clock::now();
    let txn = state.db.write().await?;
    let taken = lease::ActiveModel {
        name: Set(name.clone()),
        holder: Set(wanted.holder.clone()),
        expires_at: Set(now + TimeDelta::seconds(wanted.ttl_seconds)),
    };
    // One statement decides between two who ask at once: the row changes only if it has ended or
    // is the caller's own.
    let unless_held = OnConflict::column(lease::Column::Name)
        .update_columns([lease::Column::Holder, lease::Column::ExpiresAt])
        .action_and_where(
            Expr::col((lease::Entity, lease::Column::Holder))
                .eq(wanted.holder.as_str())
                .or(Expr::col((lease::Entity, lease::Column::ExpiresAt)).lte(now)),
        )
        .to_owned();
    lease::Entity::insert(taken)
        .on_conflict(unless_held)
        .exec_without_returning(&txn)
        .await?;
    let lease = lease::Entity::find_by_id(&name).one(&txn).await?;
    let last_seq = events::row::last_seq(&txn).await?;
    state.commit(txn).await?;
    let lease = lease.ok_or_else(|| anyhow::anyhow!("a lease vanished in its own transaction"))?;
    let is_ours = lease.holder == wanted.holder;
    let status = if is_ours {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    };
    Ok((status, Json(held(lease, last_seq))).into_response())
}

/// `DELETE /leases/{name}?holder=`: gives the lease back. That of another holder stays.
pub async fn release(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    parameters: Parameters,
    Body(body): Body<Value>,
) -> Result<Response, ApiError> {
    require_own(&caller, &name)?;
    let sent: Wanted = from_value(body)?;
    let holder = parameters.get("holder").unwrap_or(&sent.holder);
    let txn = state.db.write().await?;
    let found = lease::Entity::find_by_id(&name)
        .lock_exclusive()
        .one(&txn)
        .await?;
    if let Some(lease) = found.filter(|lease| lease.expires_at > service::clock::now()) {
        if lease.holder != holder {
            let last_seq = events::row::last_seq(&txn).await?;
            return Ok((StatusCode::CONFLICT, Json(held(lease, last_seq))).into_response());
        }
        lease::Entity::delete_by_id(&name).exec(&txn).await?;
        state.commit(txn).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A service has the lease that is named like its listener, and no other.
fn require_own(caller: &Caller, name: &str) -> Result<(), ApiError> {
    if caller
        .acting_service()
        .is_some_and(|service| service.wire_name() == name)
    {
        return Ok(());
    }
    let message = "A service may take only the lease that is named like its listener.";
    Err(ApiError::forbidden_with_code("service-only", message))
}
