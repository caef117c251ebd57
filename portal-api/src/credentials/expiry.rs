//! Telling that credentials have ended, and that they will. Nothing is written when one ends, but
//! gateways have to hear of it, and people some time before (events-and-adapters B8).

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryOrder, entity::prelude::*};

use super::row;
use crate::{
    ApiError, AppState,
    audit::Actor,
    events::{self, Change, Event},
    meta, subscriptions,
};

/// Names of the moments in `meta` until which was told.
const TOLD_UNTIL: &str = "credentials-ended";
const WARNED_UNTIL: &str = "credentials-expiring";
/// How many days before its end people are told of it.
const WARNINGS: [i64; 4] = [30, 14, 3, 1];

/// Tells of the credentials that have ended since the last time, and of those that will.
pub async fn tell(state: &AppState, now: DateTime<Utc>) -> Result<(), ApiError> {
    tell_ended(state, now).await?;
    warn(state, now).await
}

/// Whoever has a credential is told some days before it ends.
async fn warn(state: &AppState, now: DateTime<Utc>) -> Result<(), ApiError> {
    if due_warnings(state.db.read(), now).await?.is_empty() {
        return Ok(());
    }
    let txn = state.db.write().await?;
    lock(&txn).await?;
    for (credential, days) in due_warnings(&txn, now).await? {
        let found = subscriptions::store::find_by_id(&txn, &credential.subscription_id).await?;
        if let (Some(subscription), Some(end)) = (found, credential.expires_at) {
            let event = Event::credential_expiring(
                &credential.id,
                subscriptions::reference(&subscription),
                Some(credential.last4.as_str()).filter(|last4| !last4.is_empty()),
                end,
                days,
            );
            events::append(&txn, state, &Actor::system(), event).await?;
        }
    }
    set_told_until(&txn, WARNED_UNTIL, now).await?;
    state.commit(txn).await
}

/// Credentials that came so many days close to their end since the last time.
async fn due_warnings(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<Vec<(row::Model, i64)>, DbErr> {
    let since = told_until(db, WARNED_UNTIL).await?;
    let mut due = Vec::new();
    for days in WARNINGS {
        let ahead = TimeDelta::days(days);
        // After the first start of a release that tells of it nobody is told of the past.
        let since = since.max(now - TimeDelta::days(1));
        for credential in ended(db, since + ahead, now + ahead).await? {
            // One that was made closer to its end needs no word of it.
            let has_lived = credential
                .expires_at
                .is_some_and(|end| credential.created_at < end - ahead);
            if has_lived {
                due.push((credential, days));
            }
        }
    }
    Ok(due)
}

async fn tell_ended(state: &AppState, now: DateTime<Utc>) -> Result<(), ApiError> {
    let since = told_until(state.db.read(), TOLD_UNTIL).await?;
    // Most of the time nothing has ended, and nothing is written.
    if ended(state.db.read(), since, now).await?.is_empty() {
        return Ok(());
    }
    let txn = state.db.write().await?;
    lock(&txn).await?;
    let since = told_until(&txn, TOLD_UNTIL).await?;
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
    set_told_until(&txn, TOLD_UNTIL, last).await?;
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

async fn told_until(db: &impl ConnectionTrait, what: &str) -> Result<DateTime<Utc>, DbErr> {
    let moment = meta::get(db, what).await?;
    let moment = moment.and_then(|moment| moment.parse().ok());
    Ok(moment.unwrap_or(DateTime::UNIX_EPOCH))
}

async fn set_told_until(
    txn: &DatabaseTransaction,
    what: &str,
    moment: DateTime<Utc>,
) -> Result<(), DbErr> {
    meta::set(txn, what, &moment.to_rfc3339()).await
}
