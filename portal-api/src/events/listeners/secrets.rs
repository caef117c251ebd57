//! What requests to a listener are signed with (events-and-adapters B5).

use chrono::{DateTime, TimeDelta, Utc};
use sdk::{
    signature::Secrets,
    types::{
        Secret,
        listeners::{NewSecret, SecretInfo},
    },
};
use sea_orm::{
    DatabaseTransaction, DbErr, ExprTrait, IntoActiveModel, QueryOrder, QuerySelect,
    entity::prelude::*,
};
use service::{
    keys::{Keys, MissingKey, Purpose},
    random,
};

use crate::{
    ApiError,
    events::{
        own,
        row::secret::{self, Column},
    },
};

const DEFAULT_OVERLAP: u32 = 86_400;
const MAX_OVERLAP: u32 = 30 * 86_400;
/// Each one makes the header longer, and each rotation adds one for as long as they overlap.
const MOST: usize = 5;

/// Those that sign now, the newest first.
pub async fn living(
    db: &impl ConnectionTrait,
    listener: &str,
    now: DateTime<Utc>,
) -> Result<Vec<secret::Model>, DbErr> {
    secret::Entity::find()
        .filter(Column::ListenerId.eq(listener))
        .filter(Column::EndsAt.is_null().or(Column::EndsAt.gt(now)))
        .order_by_desc(Column::CreatedAt)
        .limit(MOST as u64)
        .all(db)
        .await
}

/// What a request to `listener` is signed with; empty for listeners without a secret. Our own
/// components derive theirs.
pub async fn of(
    db: &impl ConnectionTrait,
    keys: &Keys,
    listener: &str,
) -> Result<Secrets, ApiError> {
    if own::is_component(listener) {
        return Ok(Secrets::of_listener(keys, listener)?);
    }
    let mut secrets = Secrets::default();
    let rows = living(db, listener, service::clock::now()).await?;
    if rows.is_empty() {
        return Ok(secrets);
    }
    let key = keys.derive(&Purpose::ListenerSecret)?;
    for row in rows {
        let plain = key
            .open(&row.sealed, row.id.as_bytes())
            .map_err(|_| anyhow::anyhow!("a listener's secret was sealed with another key"))?;
        secrets.push_bytes(&plain);
    }
    Ok(secrets)
}

/// How long older secrets go on to sign.
pub fn overlap(seconds: Option<u32>) -> Result<TimeDelta, ApiError> {
    let seconds = seconds.unwrap_or(DEFAULT_OVERLAP);
    if seconds > MAX_OVERLAP {
        let message = "`overlapSeconds` is a number from 0 to 2592000.";
        return Err(ApiError::invalid("overlapSeconds", "range", message));
    }
    Ok(TimeDelta::seconds(seconds.into()))
}

/// Makes a secret, which is the first to sign from now on.
pub async fn create(
    txn: &DatabaseTransaction,
    keys: &Keys,
    listener: &str,
    overlap: TimeDelta,
) -> Result<NewSecret, ApiError> {
    let now = service::clock::now();
    secret::Entity::delete_many()
        .filter(Column::ListenerId.eq(listener))
        .filter(Column::EndsAt.lte(now))
        .exec(txn)
        .await?;
    let older = living(txn, listener, now).await?;
    if older.len() >= MOST {
        let message = "Five secrets sign at the moment; end one of them first.";
        return Err(ApiError::conflict("too-many-secrets", message));
    }
    let until = now + overlap;
    secret::Entity::update_many()
        .col_expr(Column::EndsAt, Expr::value(until))
        .filter(Column::ListenerId.eq(listener))
        .filter(Column::EndsAt.is_null().or(Column::EndsAt.gt(until)))
        .exec(txn)
        .await?;
    let (text, bytes) = random::webhook_secret();
    let id = format!("key_{}", &random::hex_id()[..16]);
    let row = secret::Model {
        sealed: seal(keys, &id, &bytes)?,
        id: id.clone(),
        listener_id: listener.to_owned(),
        created_at: now,
        ends_at: None,
    };
    secret::Entity::insert(row.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(NewSecret {
        secret: Secret::new(text),
        key_id: id,
        created_at: now.into(),
    })
}

fn seal(keys: &Keys, id: &str, bytes: &[u8]) -> Result<String, MissingKey> {
    Ok(keys
        .derive(&Purpose::ListenerSecret)?
        .seal(bytes, id.as_bytes()))
}

/// Ends a secret at once; whether there was one.
pub async fn end(txn: &DatabaseTransaction, listener: &str, id: &str) -> Result<bool, DbErr> {
    let ended = secret::Entity::delete_many()
        .filter(Column::ListenerId.eq(listener))
        .filter(Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(ended.rows_affected > 0)
}

pub fn shown(row: &secret::Model) -> SecretInfo {
    SecretInfo {
        key_id: row.id.clone(),
        created_at: row.created_at.into(),
        ends_at: row.ends_at.map(Into::into),
    }
}
