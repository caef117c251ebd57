//! Rows of log-out notices.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use migrations::Database;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use service::random;

use crate::{families::Family, scopes};

use super::{CLAIM, Notice, row};

/// Nobody is told about a log-out of yesterday.
pub const OLDEST: TimeDelta = TimeDelta::hours(1);

/// Remembers that the sessions of these authorizations have ended; each client that identified its
/// user by one is told once.
pub async fn announce(
    txn: &DatabaseTransaction,
    ended: &[Family],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let told: BTreeSet<_> = ended
        .iter()
        .filter(|family| scopes::contains(&family.scope, scopes::OPENID))
        .map(|family| (&family.client_id, &family.user_id, &family.sid))
        .collect();
    for (client_id, user_id, sid) in told {
        let row = row::Model {
            id: random::hex_id(),
            client_id: client_id.clone(),
            user_id: user_id.clone(),
            sid: sid.clone(),
            attempts: 0,
            next_at: now,
            created_at: now,
        };
        row::Entity::insert(row.into_active_model())
            .exec_without_returning(txn)
            .await?;
    }
    Ok(())
}

/// Notices that are due, taken by this instance.
pub async fn take(
    database: &Database,
    most: u64,
    now: DateTime<Utc>,
) -> Result<Vec<Notice>, DbErr> {
    let due = row::Entity::find()
        .filter(row::Column::NextAt.lte(now))
        .order_by_asc(row::Column::NextAt)
        .limit(most)
        .all(database.read())
        .await?;
    let mut taken = Vec::new();
    for row in due {
        let txn = database.write().await?;
        let updated = row::Entity::update_many()
            .col_expr(row::Column::NextAt, Expr::value(now + CLAIM))
            .col_expr(row::Column::Attempts, Expr::value(row.attempts + 1))
            .filter(row::Column::Id.eq(&row.id))
            // Another instance was faster otherwise.
            .filter(row::Column::Attempts.eq(row.attempts))
            .exec(&txn)
            .await?;
        txn.commit().await?;
        if updated.rows_affected == 1 {
            let attempts = row.attempts + 1;
            taken.push(Notice {
                attempts,
                ..row.into()
            });
        }
    }
    Ok(taken)
}

pub async fn postpone(
    txn: &DatabaseTransaction,
    id: &str,
    until: DateTime<Utc>,
) -> Result<(), DbErr> {
    row::Entity::update_many()
        .col_expr(row::Column::NextAt, Expr::value(until))
        .filter(row::Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}

pub async fn delete(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    row::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}
