//! `usage.threshold`: most of what a plan allows is used up, or all of it (events-and-adapters B8).
//!
//! What was used in the window that runs stands in a row of its own, so that a batch needs the same
//! few statements whether the window is an hour or a year.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, IntoActiveModel, entity::prelude::*,
    sea_query::OnConflict,
};

use super::{
    limits,
    row::{minute, window},
};
use crate::{
    ApiError, AppState,
    audit::Actor,
    events::{self, Event},
    sql, subscriptions,
};

/// Percent of a limit at which listeners are told, once per window; the highest first. Of two that
/// are reached at the same time only the higher one is told.
const THRESHOLDS: [i64; 2] = [100, 80];
/// Rows per statement; databases limit the number of parameters.
const CHUNK: usize = 500;

/// Counts `rows`, which are stored already, into the windows that run now, and tells of the
/// thresholds that were reached with them.
pub async fn tell(
    txn: &DatabaseTransaction,
    state: &AppState,
    subscriptions: &HashMap<String, subscriptions::row::Model>,
    rows: &[minute::Model],
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let mut counted = count(state, subscriptions, rows, now);
    if counted.is_empty() {
        return Ok(());
    }
    continue_known(txn, &mut counted).await?;
    begin_new(txn, &mut counted).await?;
    let mut news = Vec::new();
    for one in &mut counted {
        let reached = reached(one.row.used, one.row.allowed);
        if reached > one.row.told {
            one.row.told = reached;
            news.push(Event::usage_threshold(
                subscriptions::reference(one.subscription),
                &one.row.name,
                reached,
                one.row.allowed,
                one.row.used,
                one.ends_at,
            ));
        }
    }
    store(txn, counted).await?;
    for event in news {
        events::append(txn, state, &Actor::system(), event).await?;
    }
    Ok(())
}

/// A window of a subscription that was called in it.
struct Counted<'s> {
    subscription: &'s subscriptions::row::Model,
    ends_at: DateTime<Utc>,
    /// `used`: the calls of this batch, until those of before are added.
    row: window::Model,
    is_known: bool,
}

fn count<'s>(
    state: &AppState,
    subscriptions: &'s HashMap<String, subscriptions::row::Model>,
    rows: &[minute::Model],
    now: DateTime<Utc>,
) -> Vec<Counted<'s>> {
    let configuration = state.configuration();
    let mut of_plans = HashMap::new();
    let mut counted = BTreeMap::new();
    for row in rows {
        let Some(subscription) = subscriptions.get(&row.subscription_id) else {
            continue;
        };
        let windows = of_plans
            .entry(subscription.plan_id.as_str())
            .or_insert_with_key(|plan| {
                let plan = configuration.plan(plan);
                plan.map(|plan| limits::windows(plan, now))
                    .unwrap_or_default()
            });
        for window in windows {
            let runs = window.from.timestamp()..window.to.timestamp();
            if window.limit == 0 || !runs.contains(&row.minute) {
                continue;
            }
            let one = counted
                .entry((subscription.id.as_str(), window.name))
                .or_insert_with(|| Counted {
                    subscription,
                    ends_at: window.to,
                    row: window::Model {
                        subscription_id: subscription.id.clone(),
                        name: window.name.to_owned(),
                        begins_at: runs.start,
                        allowed: i64::try_from(window.limit).unwrap_or(i64::MAX),
                        used: 0,
                        told: 0,
                    },
                    is_known: false,
                });
            one.row.used = one.row.used.saturating_add(row.calls);
        }
    }
    counted.into_values().collect()
}

/// Adds what was used before in the windows that have been counted into.
async fn continue_known(
    txn: &DatabaseTransaction,
    counted: &mut [Counted<'_>],
) -> Result<(), DbErr> {
    let ids: Vec<&str> = counted
        .iter()
        .map(|one| one.row.subscription_id.as_str())
        .collect();
    let known = format!(
        "select * from usage_windows where subscription_id in {}",
        sql::texts(txn, 1)
    );
    let known = window::Entity::find()
        .from_raw_sql(sql::statement(txn, &known, [sql::json(&ids)]))
        .all(txn)
        .await?;
    let mut known: HashMap<(String, String), window::Model> = known
        .into_iter()
        .map(|row| ((row.subscription_id.clone(), row.name.clone()), row))
        .collect();
    for one in counted {
        let key = (one.row.subscription_id.clone(), one.row.name.clone());
        let before = known.remove(&key);
        let Some(before) = before.filter(|before| before.begins_at == one.row.begins_at) else {
            continue;
        };
        one.is_known = true;
        one.row.used = one.row.used.saturating_add(before.used);
        // Another plan has other limits, of which nobody was told yet.
        if before.allowed == one.row.allowed {
            one.row.told = before.told;
        }
    }
    Ok(())
}

/// Adds up what was used since the beginning of the other windows, which may have begun before
/// there was a plan with them.
async fn begin_new(txn: &DatabaseTransaction, counted: &mut [Counted<'_>]) -> Result<(), DbErr> {
    let mut new = BTreeMap::<(i64, i64), HashMap<String, &mut Counted<'_>>>::new();
    for one in counted.iter_mut().filter(|one| !one.is_known) {
        let bounds = (one.row.begins_at, one.ends_at.timestamp());
        let same = new.entry(bounds).or_default();
        same.insert(one.row.subscription_id.clone(), one);
    }
    let sum = format!(
        "select subscription_id, cast(sum(calls) as bigint) as calls from usage_minutes \
         where subscription_id in {} and minute >= $2 and minute < $3 group by subscription_id",
        sql::texts(txn, 1)
    );
    for ((from, to), mut of) in new {
        let ids: Vec<&String> = of.keys().collect();
        let values = [sql::json(&ids), from.into(), to.into()];
        for row in txn.query_all_raw(sql::statement(txn, &sum, values)).await? {
            let id: String = row.try_get("", "subscription_id")?;
            if let Some(one) = of.get_mut(&id) {
                one.row.used = row.try_get("", "calls")?;
            }
        }
    }
    Ok(())
}

async fn store(txn: &DatabaseTransaction, counted: Vec<Counted<'_>>) -> Result<(), DbErr> {
    use window::Column;
    let rows: Vec<_> = counted
        .into_iter()
        .map(|one| one.row.into_active_model())
        .collect();
    let replace = OnConflict::columns([Column::SubscriptionId, Column::Name])
        .update_columns([
            Column::BeginsAt,
            Column::Allowed,
            Column::Used,
            Column::Told,
        ])
        .to_owned();
    for chunk in rows.chunks(CHUNK) {
        window::Entity::insert_many(chunk.to_vec())
            .on_conflict(replace.clone())
            .exec_without_returning(txn)
            .await?;
    }
    Ok(())
}

/// The highest threshold that `used` has come to, or 0.
fn reached(used: i64, allowed: i64) -> i64 {
    let percent = i128::from(used) * 100 / i128::from(allowed.max(1));
    THRESHOLDS
        .into_iter()
        .find(|threshold| percent >= i128::from(*threshold))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::reached;

    #[test]
    fn the_highest_threshold_counts() {
        let of_ten: Vec<_> = [0, 7, 8, 9, 10, 11].map(|used| reached(used, 10)).into();
        assert_eq!(of_ten, [0, 0, 80, 80, 100, 100]);
        // Not rounded up.
        assert_eq!(reached(799, 1000), 0);
        assert_eq!(reached(i64::MAX, i64::MAX), 100);
    }
}
