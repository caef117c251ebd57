//! Which mails a user wants, and in which language (portal-api B17). The mailer honours it; mails that
//! an account cannot do without are always sent.

mod row;

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use sdk::types::users::{Preferences, Unsubscribe, Unsubscribed};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter, sea_query::OnConflict,
};
use serde_json::{Value, json};
use service::keys::Purpose;

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
const MAX_TOKEN: usize = 1000;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/users/{user}/preferences", get(read).put(put))
        .route("/unsubscribe", post(unsubscribe))
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
    store(&txn, &user, &wanted).await?;
    audit::record(&txn, &state, entry(&caller, &user, &before, &wanted)).await?;
    state.commit(txn).await?;
    Ok((etag(&wanted), Json(wanted)))
}

/// `POST /unsubscribe`: one mail less for the user of a link. The link is the proof: mail programs
/// open it for users who are not logged in (RFC 8058).
#[tracing::instrument(skip_all)]
async fn unsubscribe(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Unsubscribe>,
) -> Result<Json<Unsubscribed>, ApiError> {
    if body.token.len() > MAX_TOKEN {
        let message = format!("`token` has at most {MAX_TOKEN} characters.");
        return Err(ApiError::invalid("token", "maxLength", message));
    }
    let key = state.keys.derive(&Purpose::Unsubscribe)?;
    let (user, mail) = sdk::unsubscribe::verify(&key, &body.token)
        .ok_or_else(|| ApiError::not_found("This is no link of a mail of ours."))?;
    let txn = state.db.write().await?;
    users::store::find_for_update(&txn, &user)
        .await?
        .ok_or_else(|| ApiError::not_found("The user of this link does not exist any more."))?;
    let before = row::Entity::find_by_id(&user).one(&txn).await?;
    let before = before.map(Preferences::from).unwrap_or_default();
    let mut wanted = before.clone();
    wanted.mails.insert(mail.clone(), false);
    if wanted != before {
        store(&txn, &user, &wanted).await?;
        audit::record(&txn, &state, entry(&caller, &user, &before, &wanted)).await?;
    }
    state.commit(txn).await?;
    Ok(Json(Unsubscribed { mail }))
}

fn entry(caller: &Caller, user: &str, before: &Preferences, wanted: &Preferences) -> Entry {
    Entry::new(caller.actor(), "preferences", "update")
        .about(user)
        .with_data(json!({"updatedUserId": user}))
        .was(&json!(before))
        .becomes(&json!(wanted))
}

/// Those of several users, by user; of users who have chosen nothing there are none.
pub async fn of_users(
    db: &impl ConnectionTrait,
    users: &[String],
) -> Result<HashMap<String, Preferences>, DbErr> {
    let rows = row::Entity::find()
        .filter(row::Column::UserId.is_in(users))
        .all(db)
        .await?;
    let by_user = rows.into_iter();
    Ok(by_user
        .map(|row| (row.user_id.clone(), row.into()))
        .collect())
}

/// Replaces the preferences of a user.
pub async fn store(
    txn: &DatabaseTransaction,
    user: &str,
    wanted: &Preferences,
) -> Result<(), DbErr> {
    let row = row::ActiveModel {
        user_id: Set(user.to_owned()),
        mails: Set(row::Mails(wanted.mails.clone())),
        digest: Set(wanted.digest),
        language: Set(wanted.language.clone()),
        changed_at: Set(service::clock::now()),
    };
    let replace = OnConflict::column(row::Column::UserId)
        .update_columns([
            row::Column::Mails,
            row::Column::Digest,
            row::Column::Language,
            row::Column::ChangedAt,
        ])
        .to_owned();
    row::Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

pub fn check(wanted: &Preferences) -> Result<(), ApiError> {
    let is_name = |name: &String| {
        let is_allowed = |c: u8| c.is_ascii_lowercase() || matches!(c, b'_' | b'.');
        (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
    };
    check_language(wanted.language.as_deref())?;
    if wanted.mails.len() <= MAX_MAILS && wanted.mails.keys().all(is_name) {
        return Ok(());
    }
    let message = format!(
        "`mails` has at most {MAX_MAILS} members, named like mails: a-z, `_` and `.`, up to \
         {MAX_NAME} characters."
    );
    Err(ApiError::invalid("mails", "format", message))
}

/// 400 for a text that names no language.
pub fn check_language(language: Option<&str>) -> Result<(), ApiError> {
    if language.is_none_or(is_language) {
        return Ok(());
    }
    let message = "`language` is written like `de` or `pt-br`.";
    Err(ApiError::invalid("language", "format", message))
}

fn is_language(text: &str) -> bool {
    let (main, region) = text.split_once('-').unwrap_or((text, "xx"));
    [main, region]
        .into_iter()
        .all(|part| (2..=4).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_lowercase()))
}

fn not_found(user: &str) -> ApiError {
    ApiError::not_found(format!("There is no user `{user}`."))
}
