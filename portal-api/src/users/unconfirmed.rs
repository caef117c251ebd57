//! Accounts whose owner never confirmed the address end, where the operator wants it (auth-server F28):
//! somebody else may have typed the address in, and would keep its owner from it.

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{DbErr, FromQueryResult};

use super::{UserError, store};
use crate::{
    ApiError, AppState,
    audit::Actor,
    events::{self, Event},
    sql,
};

/// So many in one round.
const BATCH: u64 = 100;

#[derive(FromQueryResult)]
struct Found {
    id: String,
}

/// Deletes the accounts that have had `days` to confirm their address and own nothing.
pub async fn end(state: &AppState, days: NonZeroU32, now: DateTime<Utc>) -> Result<(), ApiError> {
    let before = now - TimeDelta::days(days.get().into());
    for Found { id } in list(state, before).await? {
        let txn = state.db.write().await?;
        let user = store::find_for_update(&txn, &id).await?;
        let Some(user) = user.filter(|user| !user.validated) else {
            // Confirmed or gone in this moment.
            continue;
        };
        let event = Event::user_deleted(&id, None).was(&user);
        events::append(&txn, state, &Actor::system(), event).await?;
        match store::delete(&txn, &id).await {
            // He has an application since.
            Err(UserError::HasApplications) => continue,
            deleted => deleted?,
        }
        tracing::info!(user.id = id, "an account ended that was never confirmed");
        state.commit(txn).await?;
    }
    Ok(())
}

async fn list(state: &AppState, before: DateTime<Utc>) -> Result<Vec<Found>, DbErr> {
    let db = state.db.read();
    let statement = sql::statement(
        db,
        "select id from users u where validated = $1 and created_at < $2 \
         and not exists (select 1 from application_roles r where r.user_id = u.id) \
         and not exists (select 1 from team_members m where m.user_id = u.id) \
         order by created_at limit $3",
        [false.into(), before.into(), BATCH.into()],
    );
    Found::find_by_statement(statement).all(db).await
}
