//! Rows of `idempotency_keys`, in and out.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use service::{
    clock,
    keys::{Key, Purpose},
};

use super::{CURRENT, Scope};
use crate::{ApiError, AppState, error::is_duplicate, sql::statement};

/// How long an answer is kept.
pub const LIFETIME: TimeDelta = TimeDelta::hours(24);
/// No request takes as long; whoever carried it out has gone.
const ABANDONED: TimeDelta = TimeDelta::seconds(60);

/// An answer as it is kept. It may hold a secret, so it is encrypted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    #[serde(with = "base64_text")]
    pub body: Vec<u8>,
}

/// What a request with a key finds.
pub enum Begun {
    /// It is the first one and has to do the work.
    Mine,
    Answered(Answer),
    /// The key belongs to a request with another content.
    OtherRequest,
    UnderWay,
    /// The work was done by a process that ended before it could keep the answer.
    AnswerLost,
}

#[derive(FromQueryResult)]
struct Found {
    request: String,
    started_at: DateTime<Utc>,
    committed: bool,
    answer: Option<String>,
}

pub async fn begin(state: &AppState, scope: &Scope) -> Result<Begun, ApiError> {
    let now = clock::now();
    let txn = state.db.write().await?;
    let found = find(&txn, scope).await?;
    match found {
        None => match insert(&txn, scope, now).await {
            // Another instance was faster.
            Err(error) if is_duplicate(&error) => return Ok(Begun::UnderWay),
            inserted => inserted?,
        },
        Some(found) if found.started_at + LIFETIME < now => restart(&txn, scope, now).await?,
        Some(found) if found.request != scope.request => return Ok(Begun::OtherRequest),
        Some(Found {
            answer: Some(sealed),
            ..
        }) => return Ok(Begun::Answered(open(state, scope, &sealed)?)),
        Some(found) if found.started_at + ABANDONED > now => return Ok(Begun::UnderWay),
        Some(found) if found.committed => return Ok(Begun::AnswerLost),
        Some(_) => restart(&txn, scope, now).await?,
    }
    txn.commit().await?;
    Ok(Begun::Mine)
}

async fn find(txn: &DatabaseTransaction, scope: &Scope) -> Result<Option<Found>, DbErr> {
    let lock = match txn.get_database_backend() {
        DbBackend::Postgres => " for update",
        // One writer anyway.
        _ => "",
    };
    let sql = format!(
        "select request, started_at, committed, answer from idempotency_keys \
         where principal = $1 and idempotency_key = $2{lock}"
    );
    let values = [scope.principal.as_str().into(), scope.key.as_str().into()];
    Found::find_by_statement(statement(txn, &sql, values))
        .one(txn)
        .await
}

async fn insert(txn: &DatabaseTransaction, scope: &Scope, now: DateTime<Utc>) -> Result<(), DbErr> {
    let sql = "insert into idempotency_keys \
               (principal, idempotency_key, request, started_at, committed) \
               values ($1, $2, $3, $4, $5)";
    execute(
        txn,
        sql,
        scope,
        [scope.request.as_str().into(), now.into(), false.into()],
    )
    .await
}

async fn restart(
    txn: &DatabaseTransaction,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let sql = "update idempotency_keys \
               set request = $3, started_at = $4, committed = $5, answer = null \
               where principal = $1 and idempotency_key = $2";
    execute(
        txn,
        sql,
        scope,
        [scope.request.as_str().into(), now.into(), false.into()],
    )
    .await
}

/// Notes in the transaction of the work that the work was done, if it is done under a key.
pub async fn mark(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    let Ok(scope) = CURRENT.try_with(Clone::clone) else {
        return Ok(());
    };
    let sql = "update idempotency_keys set committed = $3 \
               where principal = $1 and idempotency_key = $2";
    execute(txn, sql, &scope, [true.into()]).await
}

/// Keeps the answer.
pub async fn finish(state: &AppState, scope: &Scope, answer: &Answer) -> Result<(), ApiError> {
    let text = serde_json::to_vec(answer).map_err(|error| ApiError::Internal(error.into()))?;
    let sealed = key(state)?.seal(&text, context(scope).as_bytes());
    let txn = state.db.write().await?;
    let sql = "update idempotency_keys set answer = $3 \
               where principal = $1 and idempotency_key = $2";
    execute(&txn, sql, scope, [sealed.into()]).await?;
    txn.commit().await?;
    Ok(())
}

/// Lets the next request try again, unless something was done.
pub async fn forget(state: &AppState, scope: &Scope) -> Result<(), ApiError> {
    let txn = state.db.write().await?;
    let sql = "delete from idempotency_keys \
               where principal = $1 and idempotency_key = $2 and committed = $3";
    execute(&txn, sql, scope, [false.into()]).await?;
    txn.commit().await?;
    Ok(())
}

async fn execute(
    txn: &DatabaseTransaction,
    sql: &str,
    scope: &Scope,
    more: impl IntoIterator<Item = Value>,
) -> Result<(), DbErr> {
    let values = [scope.principal.as_str().into(), scope.key.as_str().into()];
    txn.execute_raw(statement(txn, sql, values.into_iter().chain(more)))
        .await?;
    Ok(())
}

fn open(state: &AppState, scope: &Scope, sealed: &str) -> Result<Answer, ApiError> {
    let text = key(state)?
        .open(sealed, context(scope).as_bytes())
        .map_err(|error| ApiError::Internal(error.into()))?;
    serde_json::from_slice(&text).map_err(|error| ApiError::Internal(error.into()))
}

fn key(state: &AppState) -> Result<Key, ApiError> {
    Ok(state.keys.derive(&Purpose::KeptAnswer)?)
}

fn context(scope: &Scope) -> String {
    format!("{}:{}", scope.principal, scope.key)
}

mod base64_text {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
