//! Rows of `listeners`, in and out.

use std::collections::BTreeMap;

use sdk::types::Secret;
use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, DbErr, ExprTrait, QueryOrder, entity::prelude::*,
    sea_query::OnConflict,
};
use service::keys::{Key, Keys, MissingKey, Purpose};

use super::rules::Registered;
use crate::{
    AppState,
    events::{
        OPEN,
        row::listener::{self, Column},
    },
    sql,
};

/// Rows of a queue that a registration makes due.
const CHUNK: i64 = 2000;

pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<listener::Model>, DbErr> {
    listener::Entity::find_by_id(id).one(db).await
}

/// All of the installation; those of applications are listed there.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<listener::Model>, DbErr> {
    listener::Entity::find()
        .filter(Column::ApplicationId.is_null())
        .order_by_asc(Column::Id)
        .all(db)
        .await
}

/// Those who may want an event of this application, or of none.
pub async fn concerned(
    db: &impl ConnectionTrait,
    application: Option<&str>,
) -> Result<Vec<listener::Model>, DbErr> {
    let mut whose = Column::ApplicationId.is_null();
    if let Some(application) = application {
        whose = whose.or(Column::ApplicationId.eq(application));
    }
    listener::Entity::find().filter(whose).all(db).await
}

/// Creates or replaces a listener. Its queue stays, and is due at once: who registers is there.
pub async fn register(
    txn: &DatabaseTransaction,
    registered: Registered,
    keys: &Keys,
) -> Result<(), RegisterError> {
    let now = service::clock::now();
    let id = registered.id.clone();
    let keeps_headers = registered.headers.is_none();
    let sealed_headers = match registered.headers {
        Some(headers) if !headers.is_empty() => Some(seal_headers(keys, &id, &headers)?),
        _ => None,
    };
    let row = listener::ActiveModel {
        id: Set(registered.id),
        url: Set(registered.url),
        mode: Set(registered.mode.to_owned()),
        batch_size: Set(registered.batch_size),
        timeout_ms: Set(registered.timeout_ms),
        events: Set(registered.events),
        sensitive: Set(registered.sensitive),
        enabled: Set(registered.enabled),
        disabled_at: Set((!registered.enabled).then_some(now)),
        disabled_reason: Set((!registered.enabled).then(|| "paused".to_owned())),
        created_at: Set(now),
        changed_at: Set(now),
        format: Set(registered.format.to_owned()),
        delivery: Set(registered.delivery.to_owned()),
        ordering: Set(registered.ordering.to_owned()),
        max_attempts: Set(registered.max_attempts),
        max_age_hours: Set(registered.max_age_hours),
        max_queue: Set(registered.max_queue),
        overflow: Set(registered.overflow.to_owned()),
        sealed_headers: Set(sealed_headers),
        application_id: Set(registered.application_id),
        failures: Set(0),
        failing_since: Set(None),
        next_attempt_at: Set(None),
        sender: Set(None),
        sender_until: Set(None),
    };
    let mut columns = vec![
        Column::Url,
        Column::Mode,
        Column::BatchSize,
        Column::TimeoutMs,
        Column::Events,
        Column::Sensitive,
        Column::Enabled,
        Column::DisabledAt,
        Column::DisabledReason,
        Column::ChangedAt,
        Column::Format,
        Column::Delivery,
        Column::Ordering,
        Column::MaxAttempts,
        Column::MaxAgeHours,
        Column::MaxQueue,
        Column::Overflow,
        Column::Failures,
        Column::FailingSince,
        Column::NextAttemptAt,
    ];
    if !keeps_headers {
        columns.push(Column::SealedHeaders);
    }
    let mut on_conflict = OnConflict::column(Column::Id);
    on_conflict.update_columns(columns);
    listener::Entity::insert(row)
        .on_conflict(on_conflict)
        .exec_without_returning(txn)
        .await?;
    make_due(txn, &id).await?;
    Ok(())
}

/// Why a registration was not stored.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error(transparent)]
    Key(#[from] MissingKey),
}

impl From<RegisterError> for crate::ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Database(error) => error.into(),
            RegisterError::Key(error) => error.into(),
        }
    }
}

/// What was put off is due now, as far as it would be the next.
pub async fn make_due(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    let statement = format!(
        "update deliveries set next_attempt_at = $2 where listener_id = $1 and event_seq in \
         (select event_seq from deliveries where listener_id = $1 and {OPEN} \
          and next_attempt_at > $2 order by next_attempt_at limit {CHUNK})"
    );
    sql::run(txn, &statement, [id.into(), service::clock::now().into()]).await?;
    Ok(())
}

/// Puts the listener on or off.
pub async fn set_enabled(
    txn: &DatabaseTransaction,
    id: &str,
    off_because: Option<&str>,
) -> Result<(), DbErr> {
    let now = service::clock::now();
    let reason = off_because.map(|reason| reason.chars().take(256).collect::<String>());
    listener::Entity::update_many()
        .col_expr(Column::Enabled, Expr::value(reason.is_none()))
        .col_expr(
            Column::DisabledAt,
            Expr::value(reason.as_ref().map(|_| now)),
        )
        .col_expr(Column::DisabledReason, Expr::value(reason.clone()))
        .col_expr(Column::ChangedAt, Expr::value(now))
        .col_expr(Column::Failures, Expr::value(0))
        .col_expr(
            Column::FailingSince,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .col_expr(
            Column::NextAttemptAt,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .filter(Column::Id.eq(id))
        .exec(txn)
        .await?;
    if reason.is_none() {
        make_due(txn, id).await?;
    }
    Ok(())
}

/// Removes what a listener leaves behind, a part at a time, so that nobody has to wait for a
/// queue of a million rows. The row itself goes last, in the caller's transaction.
pub async fn clear(state: &AppState, id: &str) -> Result<(), DbErr> {
    for table in ["delivery_attempts", "deliveries"] {
        let key = if table == "deliveries" {
            "event_seq"
        } else {
            "id"
        };
        let statement = format!(
            "delete from {table} where listener_id = $1 and {key} in \
             (select {key} from {table} where listener_id = $1 limit $2)"
        );
        state.db.in_chunks(&statement, &[id.into()]).await?;
    }
    Ok(())
}

pub async fn remove(txn: &DatabaseTransaction, id: &str) -> Result<bool, DbErr> {
    Ok(listener::Entity::delete_by_id(id)
        .exec(txn)
        .await?
        .rows_affected
        > 0)
}

fn headers_key(keys: &Keys) -> Result<Key, MissingKey> {
    keys.derive(&Purpose::ListenerSecret)
}

fn seal_headers(
    keys: &Keys,
    id: &str,
    headers: &BTreeMap<String, Secret>,
) -> Result<String, MissingKey> {
    let plain = serde_json::to_vec(headers).unwrap_or_default();
    Ok(headers_key(keys)?.seal(&plain, format!("headers/{id}").as_bytes()))
}

/// The fixed headers of a listener; none if they were sealed with a key that is gone.
pub fn headers(
    keys: &Keys,
    listener: &listener::Model,
) -> Result<BTreeMap<String, Secret>, MissingKey> {
    let Some(sealed) = &listener.sealed_headers else {
        return Ok(BTreeMap::new());
    };
    let context = format!("headers/{}", listener.id);
    let plain = headers_key(keys)?.open(sealed, context.as_bytes());
    Ok(plain
        .ok()
        .and_then(|plain| serde_json::from_slice(&plain).ok())
        .unwrap_or_default())
}
