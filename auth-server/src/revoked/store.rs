//! Rows of revocations.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend,
    DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};
use service::revocations::{PORTION, Revoked};

use crate::tokens::Claims;

use super::row::{ActiveModel, Column, Entity, Model};

/// PostgreSQL's advisory lock under which rows are numbered; any constant of our own will do.
const NUMBERING: i64 = 0x7769_636b_7265_766f;

/// Puts something on the list, unless it is there.
pub async fn insert(
    txn: &DatabaseTransaction,
    what: Revoked,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    // A reader asks for what comes after the last number it saw, so numbers have to become visible in
    // their order. SQLite has one writer anyway.
    if txn.get_database_backend() == DbBackend::Postgres {
        let lock = format!("select pg_advisory_xact_lock({NUMBERING})");
        txn.execute_unprepared(&lock).await?;
    }
    let mut row = ActiveModel {
        created_at: Set(now),
        expires_at: Set(expires_at),
        ..Default::default()
    };
    match what {
        Revoked::Token { jti } => row.jti = Set(Some(jti)),
        Revoked::Session { sid } => row.sid = Set(Some(sid)),
        Revoked::User { sub, not_before } => {
            row.sub = Set(Some(sub));
            row.not_before = Set(Some(not_before));
        }
    }
    Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Whether a token of ours is on the list.
pub async fn contains(db: &impl ConnectionTrait, token: &Claims) -> Result<bool, DbErr> {
    let mut which = Condition::any().add(Column::Jti.eq(&token.jti)).add(
        Condition::all()
            .add(Column::Sub.eq(&token.sub))
            .add(Column::NotBefore.gt(token.iat)),
    );
    if let Some(sid) = &token.sid {
        which = which.add(Column::Sid.eq(sid));
    }
    Ok(Entity::find().filter(which).one(db).await?.is_some())
}

/// The rows after `seq`, in their order, and no more than one answer holds.
pub async fn after(db: &impl ConnectionTrait, seq: i64) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Seq.gt(seq))
        .order_by_asc(Column::Seq)
        .limit(PORTION)
        .all(db)
        .await
}

/// The number of the newest row; 0 if there is none.
pub async fn newest(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let newest: Option<i64> = Entity::find()
        .select_only()
        .column(Column::Seq)
        .order_by_desc(Column::Seq)
        .into_tuple()
        .one(db)
        .await?;
    Ok(newest.unwrap_or_default())
}
