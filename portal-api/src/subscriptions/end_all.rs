//! Ending all subscriptions of an API that is on its way out (portal-ui 11.8).

use axum::{
    Json,
    extract::{Path, State},
};
use sdk::types::subscriptions::Ended;
use sea_orm::{PaginatorTrait, QueryOrder, QuerySelect, entity::prelude::*};

use super::{delete, row};
use crate::{
    ApiError, AppState,
    approvals::Outcome,
    audit::{self, Entry},
    caller::Caller,
};

/// Ended in one transaction: on SQLite nobody else writes meanwhile.
const BATCH: u64 = 20;

/// `DELETE /apis/{api}/subscriptions`, for administrators. Each one ends as if it were deleted on
/// its own, with its event and record. What fails stays, and is counted; another call goes on.
#[tracing::instrument(skip_all, fields(api.id = %api))]
pub async fn end_all(
    State(state): State<AppState>,
    caller: Caller,
    Path(api): Path<String>,
) -> Result<Json<Ended>, ApiError> {
    caller.require_scope("write_subscriptions")?;
    caller.require_user()?;
    caller.require_admin()?;
    let configuration = state.configuration();
    let found = configuration
        .api(&api)
        .ok_or_else(|| ApiError::not_found(format!("There is no API `{api}`.")))?;
    if !found.lifecycle.is_deprecated() {
        let message = "Only the subscriptions of a deprecated API can be ended together.";
        return Err(ApiError::conflict("not-deprecated", message));
    }
    let mut deleted = 0;
    loop {
        match batch(&state, &caller, &api).await {
            Ok(0) => break,
            Ok(count) => deleted += count,
            Err(error) if deleted == 0 => return Err(error),
            Err(error) => {
                tracing::error!("{deleted} subscriptions are ended, the rest is not: {error}");
                break;
            }
        }
    }
    let failed = of_api(&api).count(state.db.read()).await?;
    let txn = state.db.write().await?;
    let entry = Entry::new(caller.actor(), "api", "end_subscriptions")
        .about(&api)
        .with_data(serde_json::json!({"apiId": api, "deleted": deleted, "failed": failed}));
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    tracing::info!(deleted, failed, "subscriptions of an API ended");
    Ok(Json(Ended { deleted, failed }))
}

/// Ends some, and says how many.
async fn batch(state: &AppState, caller: &Caller, api: &str) -> Result<u64, ApiError> {
    let txn = state.db.write().await?;
    let some = of_api(api)
        .order_by_asc(row::Column::Id)
        .limit(BATCH)
        .lock_exclusive()
        .all(&txn)
        .await?;
    for subscription in &some {
        delete::remove(&txn, state, caller, subscription, Outcome::Declined, None).await?;
    }
    state.commit(txn).await?;
    Ok(some.len() as u64)
}

fn of_api(api: &str) -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::ApiId.eq(api))
}
