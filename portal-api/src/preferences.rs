//! Which mails a user wants (portal-api B17). The mailer honours it; mails that an account cannot do
//! without are always sent.

mod row;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use sdk::types::users::Preferences;
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};
use serde_json::{Value, json};

use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::Caller,
    conditional::{Precondition, Tag, etag},
    extract::{Body, from_value},
    users,
};

const MAX_MAILS: usize = 50;
const MAX_NAME: usize = 64;

pub fn routes() -> Router<AppState> {
    Router::new().route("/users/{user}/preferences", get(read).put(put))
}

/// `GET /users/{user}/preferences`; who has chosen nothing gets every mail.
async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<Preferences>, ApiError> {
    caller.require_scope("read_users")?;
    caller.require_self_or_admin(&user)?;
    let db = state.db.read();
    users::store::find(db, &user)
        .await?
        .ok_or_else(|| not_found(&user))?;
    let row = row::Entity::find_by_id(&user).one(db).await?;
    Ok(Json(row.map(Preferences::from).unwrap_or_default()))
}

/// `PUT /users/{user}/preferences`: replaces them.
#[tracing::instrument(skip_all, fields(user.id = %user))]
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Path(user): Path<String>,
    precondition: Precondition,
    Body(body): Body<Value>,
) -> Result<(Tag, Json<Preferences>), ApiError> {
    caller.require_scope("write_users")?;
    caller.require_self_or_admin(&user)?;
    let wanted: Preferences = from_value(body)?;
    check(&wanted)?;
    let txn = state.db.write().await?;
    users::store::find_for_update(&txn, &user)
        .await?
        .ok_or_else(|| not_found(&user))?;
    let before = row::Entity::find_by_id(&user).one(&txn).await?;
    let before = before.map(Preferences::from).unwrap_or_default();
    precondition.check(async || Ok(Some(&before))).await?;
    let row = row::ActiveModel {
        user_id: Set(user.clone()),
        mails: Set(row::Mails(wanted.mails.clone())),
        digest: Set(wanted.digest),
        changed_at: Set(service::clock::now()),
    };
    let replace = OnConflict::column(row::Column::UserId)
        .update_columns([
            row::Column::Mails,
            row::Column::Digest,
            row::Column::ChangedAt,
        ])
        .to_owned();
    row::Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(&txn)
        .await?;
    let entry = Entry::new(caller.actor(), "preferences", "update")
        .about(&user)
        .with_data(json!({"updatedUserId": user}))
        .was(&json!(before))
        .becomes(&json!(wanted));
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok((etag(&wanted), Json(wanted)))
}

pub fn check(wanted: &Preferences) -> Result<(), ApiError> {
    let is_name = |name: &String| {
        let is_allowed = |c: u8| c.is_ascii_lowercase() || matches!(c, b'_' | b'.');
        (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
    };
    if wanted.mails.len() <= MAX_MAILS && wanted.mails.keys().all(is_name) {
        return Ok(());
    }
    let message = format!(
        "`mails` has at most {MAX_MAILS} members, named like mails: a-z, `_` and `.`, up to \
         {MAX_NAME} characters."
    );
    Err(ApiError::invalid("mails", "format", message))
}

fn not_found(user: &str) -> ApiError {
    ApiError::not_found(format!("There is no user `{user}`."))
}
