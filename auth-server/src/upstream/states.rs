//! The table `auth_upstreams`: one row for each person who was sent to a provider and is not back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait, QueryFilter,
};
use service::{
    crypto,
    keys::{Key, Keys, MissingKey, Purpose},
};

use crate::{
    flows::Flow,
    secret::{self, Secret},
};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "auth_upstreams")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub state_hash: String,
        pub flow: String,
        pub method: String,
        pub expires_at: DateTimeUtc,
        pub answer: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How long somebody may take at the provider.
const LIFETIME: TimeDelta = TimeDelta::minutes(30);
/// How long an answer waits: for one redirect.
const ANSWER_LIFETIME: TimeDelta = TimeDelta::minutes(2);

/// Remembers that `flow` goes on at its provider, with this `state` to come back with.
pub async fn insert(
    txn: &DatabaseTransaction,
    state: &Secret,
    flow: &Flow,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    insert_row(txn, state, (&flow.id, &flow.method), None, now + LIFETIME).await
}

/// A `state` from which what nobody else may know can be computed.
pub fn begin(keys: &Keys) -> Result<Secret, MissingKey> {
    Ok(Secret::marked(&keys.derive(&Purpose::Cookie)?))
}

/// The key that was in force when `state` was made.
pub fn key_of(keys: &Keys, state: &str) -> Result<Key, MissingKey> {
    let key = keys.derive(&Purpose::Cookie)?;
    let made = key.both().find(|key| state.ends_with(&key.id()));
    Ok(made.unwrap_or(key))
}

/// Keeps what came back by itself, until the browser asks for it with what this answers.
pub async fn insert_answer(
    txn: &DatabaseTransaction,
    flow: &str,
    method: &str,
    answer: &str,
    now: DateTime<Utc>,
) -> Result<Secret, DbErr> {
    let ticket = Secret::generate();
    let expires_at = now + ANSWER_LIFETIME;
    insert_row(txn, &ticket, (flow, method), Some(answer), expires_at).await?;
    Ok(ticket)
}

async fn insert_row(
    txn: &DatabaseTransaction,
    state: &Secret,
    (flow, method): (&str, &str),
    answer: Option<&str>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = row::ActiveModel {
        state_hash: Set(state.digest()),
        flow: Set(flow.to_owned()),
        method: Set(method.to_owned()),
        expires_at: Set(expires_at),
        answer: Set(answer.map(str::to_owned)),
    };
    row::Entity::insert(row).exec_without_returning(txn).await?;
    Ok(())
}

/// Whether somebody was sent to `method` with this `state` and is not back.
pub async fn is_pending(
    db: &impl ConnectionTrait,
    state: &str,
    method: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let found = row::Entity::find_by_id(secret::digest(state))
        .filter(row::Column::Method.eq(method))
        .filter(row::Column::ExpiresAt.gt(now))
        .filter(row::Column::Answer.is_null())
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// The flow for which somebody was sent to `method` with this `state`, and what has come back. It can
/// be taken once.
pub async fn take(
    txn: &DatabaseTransaction,
    state: &str,
    method: &str,
    now: DateTime<Utc>,
) -> Result<Option<(String, Option<String>)>, DbErr> {
    let hash = secret::digest(state);
    let found = row::Entity::find_by_id(&hash)
        .filter(row::Column::Method.eq(method))
        .filter(row::Column::ExpiresAt.gt(now))
        .one(txn)
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let deleted = row::ActiveModel::from(row.clone()).delete(txn).await?;
    // Two instances at once: one of them deletes it.
    Ok((deleted.rows_affected == 1).then_some((row.flow, row.answer)))
}

/// What is computed from a `state`, and known to nobody else before the code is redeemed.
pub struct Derived {
    /// RFC 7636.
    pub verifier: String,
    /// OpenID Connect.
    pub nonce: String,
}

impl Derived {
    pub fn of(keys: &Keys, state: &str) -> Result<Self, MissingKey> {
        let key = key_of(keys, state)?;
        Ok(Self {
            verifier: derive(&key, "verifier", state),
            nonce: derive(&key, "nonce", state),
        })
    }

    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(crypto::sha256(self.verifier.as_bytes()))
    }
}

fn derive(key: &Key, what: &str, state: &str) -> String {
    URL_SAFE_NO_PAD.encode(key.hmac_sha256(format!("upstream/{what}/{state}").as_bytes()))
}
