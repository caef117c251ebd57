//! Telling that credentials have ended. Nothing is written when one ends, but gateways have to
//! hear of it (events-and-adapters B8).

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult, QueryOrder, Statement,
    entity::prelude::*,
};

use super::row;
use crate::{
    ApiError, AppState,
    audit::Actor,
    events::{self, Change, Event},
    subscriptions,
};

/// Name of the moment in `meta` until which was told.
const TOLD_UNTIL: &str = "credentials-ended";

/// Tells of the credentials that have ended since the last time.
pub async fn tell(state: &AppState, now: DateTime<Utc>) -> Result<(), ApiError> {
    let since = told_until(state.db.read()).await?;
    // Most of the time nothing has ended, and nothing is written.
    if ended(state.db.read(), since, now).await?.is_empty() {
        return Ok(());
    }
    let txn = state.db.write().await?;
    lock(&txn).await?;
    let since = told_until(&txn).await?;
    let credentials = ended(&txn, since, now).await?;
    let Some(last) = credentials
        .last()
        .and_then(|credential| credential.expires_at)
    else {
        return Ok(());
    };
    let mut told = std::collections::HashSet::new();
    for credential in credentials {
        if !told.insert(credential.subscription_id.clone()) {
            continue;
        }
        let found = subscriptions::store::find_by_id(&txn, &credential.subscription_id).await?;
        if let Some(subscription) = found {
            let about = subscriptions::reference(&subscription);
            let event = Event::subscription_updated(about, None, &[Change::Credentials]);
            events::append(&txn, state, &Actor::system(), event).await?;
        }
    }
    set_told_until(&txn, last).await?;
    state.commit(txn).await
}

/// The credentials that ended after `since`, not later than `until`.
async fn ended(
    db: &impl ConnectionTrait,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::RevokedAt.is_null())
        .filter(row::Column::ExpiresAt.gt(since))
        .filter(row::Column::ExpiresAt.lte(until))
        .order_by_asc(row::Column::ExpiresAt)
        .all(db)
        .await
}

/// One instance at a time tells.
async fn lock(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    if txn.get_database_backend() == sea_orm::DbBackend::Postgres {
        txn.execute_unprepared("select pg_advisory_xact_lock(7776003)")
            .await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Stored {
    value: String,
}

async fn told_until(db: &impl ConnectionTrait) -> Result<DateTime<Utc>, DbErr> {
    let sql = "select value from meta where name = $1";
    let statement =
        Statement::from_sql_and_values(db.get_database_backend(), sql, [TOLD_UNTIL.into()]);
    let stored = Stored::find_by_statement(statement).one(db).await?;
    let moment = stored.and_then(|stored| stored.value.parse().ok());
    Ok(moment.unwrap_or(DateTime::UNIX_EPOCH))
}

async fn set_told_until(txn: &DatabaseTransaction, moment: DateTime<Utc>) -> Result<(), DbErr> {
    let sql = "insert into meta (name, value) values ($1, $2) \
               on conflict (name) do update set value = excluded.value";
    let values = [TOLD_UNTIL.into(), moment.to_rfc3339().into()];
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    txn.execute_raw(statement).await?;
    Ok(())
}
