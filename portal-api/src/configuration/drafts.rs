//! `/config/draft`: one's own edits that are not committed yet. Kept 30 days
//! ([`crate::housekeeping`]).

mod row;

use axum::{Json, extract::State};
use http::StatusCode;
use sdk::types::configuration::ConfigDraft;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    sea_query::OnConflict,
};
use serde_json::Value;
use service::clock;

use super::access::{Reach, check_path};
use crate::{
    ApiError, AppState,
    caller::Caller,
    conditional::{Precondition, Tag, etag},
    extract::{Upload, from_value},
    users,
};

/// All files of a draft together (portal-api 29.3).
const MAX_BYTES: usize = 5 * 1024 * 1024;
const SCOPE: &str = "write_apis";

/// `GET /config/draft`: empty where there is none.
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<ConfigDraft>, ApiError> {
    let id = owner(&state, &caller)?;
    Ok(Json(find(state.db.read(), &id).await?))
}

async fn find(db: &impl ConnectionTrait, user: &str) -> Result<ConfigDraft, DbErr> {
    let row = row::Entity::find_by_id(user).one(db).await?;
    Ok(row.map_or_else(ConfigDraft::default, |row| ConfigDraft {
        base: row.base,
        files: row.files.0,
    }))
}

/// Begins a change of one's draft: the same user in two windows changes it one after the other.
async fn begin(
    state: &AppState,
    user: &str,
    precondition: &Precondition,
) -> Result<DatabaseTransaction, ApiError> {
    let txn = state.db.write().await?;
    users::store::find_for_update(&txn, user).await?;
    let current = async || Ok(Some(find(&txn, user).await?));
    precondition.check(current).await?;
    Ok(txn)
}

/// `PUT /config/draft`: replaces it.
pub async fn write(
    State(state): State<AppState>,
    caller: Caller,
    precondition: Precondition,
    Upload(body): Upload<Value>,
) -> Result<(StatusCode, Tag), ApiError> {
    let id = owner(&state, &caller)?;
    let draft: ConfigDraft = from_value(body)?;
    check(&draft)?;
    let etag = etag(&draft);
    let txn = begin(&state, &id, &precondition).await?;
    let row = row::ActiveModel {
        user_id: Set(id),
        base: Set(draft.base),
        files: Set(row::Files(draft.files)),
        changed_at: Set(clock::now()),
    };
    let replace = OnConflict::column(row::Column::UserId)
        .update_columns([
            row::Column::Base,
            row::Column::Files,
            row::Column::ChangedAt,
        ])
        .to_owned();
    row::Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(&txn)
        .await?;
    state.commit(txn).await?;
    Ok((StatusCode::NO_CONTENT, etag))
}

/// `DELETE /config/draft`
pub async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    precondition: Precondition,
) -> Result<StatusCode, ApiError> {
    let id = owner(&state, &caller)?;
    let txn = begin(&state, &id, &precondition).await?;
    row::Entity::delete_by_id(id).exec(&txn).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn owner(state: &AppState, caller: &Caller) -> Result<String, ApiError> {
    caller.require_scope(SCOPE)?;
    let (_, user) = Reach::of(caller, &state.configuration())?;
    Ok(user.id().to_owned())
}

fn check(draft: &ConfigDraft) -> Result<(), ApiError> {
    if draft.base.len() > 64 {
        return Err(ApiError::invalid("base", "length", "`base` is a commit."));
    }
    let mut bytes = 0;
    for edit in &draft.files {
        check_path(&edit.path)?;
        bytes += edit.path.len() + edit.content.as_ref().map_or(0, String::len);
    }
    if bytes > MAX_BYTES {
        return Err(ApiError::invalid(
            "files",
            "length",
            "A draft has at most 5 MiB.",
        ));
    }
    Ok(())
}
