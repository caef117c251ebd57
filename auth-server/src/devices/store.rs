//! Rows of devices.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait,
    IntoActiveModel, QueryFilter, sea_query::Expr,
};

use crate::{
    scopes,
    secret::{self, Secret},
};

use super::{Device, INTERVAL, LIFETIME, row};

/// Stores a device that begins to wait; answers the code it gets.
pub async fn insert(
    txn: &DatabaseTransaction,
    client_id: &str,
    scope: &[String],
    user_code: &str,
    now: DateTime<Utc>,
) -> Result<Secret, DbErr> {
    let device_code = Secret::generate();
    let row = row::Model {
        device_hash: device_code.digest(),
        user_code_hash: secret::digest(user_code),
        client_id: client_id.to_owned(),
        scope: scopes::join(scope),
        family: None,
        denied: false,
        poll_seconds: INTERVAL,
        polled_at: None,
        created_at: now,
        expires_at: now + LIFETIME,
        used_at: None,
    };
    row::Entity::insert(row.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(device_code)
}

/// The device that has this code.
pub async fn find(db: &impl ConnectionTrait, code: &str) -> Result<Option<Device>, DbErr> {
    let row = row::Entity::find_by_id(secret::digest(code))
        .one(db)
        .await?;
    Ok(row.map(Device::from))
}

/// The device that shows this code and still waits.
pub async fn find_waiting(
    db: &impl ConnectionTrait,
    user_code: &str,
    now: DateTime<Utc>,
) -> Result<Option<Device>, DbErr> {
    let row = row::Entity::find()
        .filter(row::Column::UserCodeHash.eq(secret::digest(user_code)))
        .filter(waiting(now))
        .one(db)
        .await?;
    Ok(row.map(Device::from))
}

fn waiting(now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(row::Column::ExpiresAt.gt(now))
        .add(row::Column::Family.is_null())
        .add(row::Column::Denied.eq(false))
}

/// Somebody agreed. False: the device no longer waits.
pub async fn grant(
    txn: &DatabaseTransaction,
    id: &str,
    family: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    decide(txn, id, (row::Column::Family, Expr::value(family)), now).await
}

/// Somebody did not agree. False: the device no longer waits.
pub async fn deny(txn: &DatabaseTransaction, id: &str, now: DateTime<Utc>) -> Result<bool, DbErr> {
    decide(txn, id, (row::Column::Denied, Expr::value(true)), now).await
}

async fn decide(
    txn: &DatabaseTransaction,
    id: &str,
    (column, value): (row::Column, Expr),
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let updated = row::Entity::update_many()
        .col_expr(column, value)
        .filter(row::Column::DeviceHash.eq(id))
        .filter(waiting(now))
        .exec(txn)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Remembers that the device asked; one that asked too fast has to wait longer from now on.
pub async fn note_poll(
    txn: &DatabaseTransaction,
    id: &str,
    too_fast: bool,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let longer = if too_fast { INTERVAL } else { 0 };
    row::Entity::update_many()
        .col_expr(row::Column::PolledAt, Expr::value(Some(now)))
        .col_expr(
            row::Column::PollSeconds,
            Expr::col(row::Column::PollSeconds).add(longer),
        )
        .filter(row::Column::DeviceHash.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Marks the code as used. False: another request was faster.
pub async fn consume(
    txn: &DatabaseTransaction,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let updated = row::Entity::update_many()
        .col_expr(row::Column::UsedAt, Expr::value(Some(now)))
        .filter(row::Column::DeviceHash.eq(id))
        .filter(row::Column::UsedAt.is_null())
        .exec(txn)
        .await?;
    Ok(updated.rows_affected == 1)
}
