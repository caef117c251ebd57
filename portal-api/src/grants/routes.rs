//! HTTP of grants.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use sdk::types::{ChangedDate, Grant, Page};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Value;
use service::{clock, random};

use super::{row, rules, store};
use crate::{
    ApiError, AppState,
    apis::scopes,
    applications,
    audit::Actor,
    caller::Caller,
    conditional::{Precondition, Tag, etag},
    error::is_dangling,
    events::{self, Event},
    extract::Body,
    paging::{self, Parameters},
    users,
};

/// User, application and API of a grant's path.
type Key = Path<(String, String, String)>;

/// `GET /grants/{user}`
#[tracing::instrument(skip_all, fields(user.id = %user))]
pub async fn list(
    State(state): State<AppState>,
    Path(user): Path<String>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope("read_grants")?;
    require_rights(state.db.read(), &caller, &user).await?;
    let rows = store::of_user(state.db.read(), &user, clock::now()).await?;
    let grants = rows.into_iter().map(shown).collect();
    paging::complete(grants, &parameters, |grant: &Grant| {
        grant.id.as_deref().unwrap_or_default()
    })
}

/// The user himself or an administrator, and the user has to exist.
async fn require_rights(
    db: &impl ConnectionTrait,
    caller: &Caller,
    user: &str,
) -> Result<(), ApiError> {
    caller.require_self_or_admin(user)?;
    match users::store::find(db, user).await? {
        Some(_) => Ok(()),
        None if caller.is_admin() => {
            Err(ApiError::not_found(format!("There is no user `{user}`.")))
        }
        None => Err(ApiError::forbidden(
            "unknown-user",
            "The user of this call does not exist.",
        )),
    }
}

pub fn shown(row: row::Model) -> Grant {
    Grant {
        id: Some(row.id),
        user_id: row.user_id,
        application_id: row.application_id,
        api_id: row.api_id,
        grants: row.scopes.0,
        changed_date: Some(ChangedDate::Iso(row.changed_at.into())),
        changed_by: row.changed_by,
    }
}

/// `DELETE /grants/{user}`: all of them, 204 even if there are none.
#[tracing::instrument(skip_all, fields(user.id = %user))]
pub async fn remove_all(
    State(state): State<AppState>,
    Path(user): Path<String>,
    caller: Caller,
    precondition: Precondition,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_grants")?;
    let txn = state.db.write().await?;
    require_rights(&txn, &caller, &user).await?;
    let grants = store::of_user(&txn, &user, clock::now()).await?;
    let all = grants.clone().into_iter().map(shown).collect();
    precondition
        .check(async || Ok(Some(Page::complete(all))))
        .await?;
    for grant in grants {
        delete(&state, &txn, &caller, &grant).await?;
    }
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(
    state: &AppState,
    txn: &DatabaseTransaction,
    caller: &Caller,
    grant: &row::Model,
) -> Result<(), ApiError> {
    store::delete(txn, &grant.id).await?;
    let event = changed("delete", grant).was(grant);
    events::append(txn, state, &Actor::from(caller), event).await
}

fn changed(action: &'static str, grant: &row::Model) -> Event {
    let scopes: Vec<_> = grant
        .scopes
        .0
        .iter()
        .map(|granted| granted.scope.clone())
        .collect();
    Event::grant_changed(
        action,
        &grant.user_id,
        &grant.application_id,
        &grant.api_id,
        &scopes,
    )
}

/// `GET /grants/{user}/applications/{application}/apis/{api}`
#[tracing::instrument(skip_all, fields(user.id = %user, application.id = %application, api.id = %api))]
pub async fn read(
    State(state): State<AppState>,
    Path((user, application, api)): Key,
    caller: Caller,
) -> Result<Json<Grant>, ApiError> {
    caller.require_scope("read_grants")?;
    require_rights(state.db.read(), &caller, &user).await?;
    let key = (user.as_str(), application.as_str(), api.as_str());
    let found = store::find(state.db.read(), key, clock::now()).await?;
    Ok(Json(shown(found.ok_or_else(not_found)?)))
}

fn not_found() -> ApiError {
    ApiError::not_found("The user has allowed this application nothing on this API.")
}

/// `PUT /grants/{user}/applications/{application}/apis/{api}`: replaces the list of scopes.
#[tracing::instrument(skip_all, fields(user.id = %user, application.id = %application, api.id = %api))]
pub async fn put(
    State(state): State<AppState>,
    Path((user, application, api)): Key,
    caller: Caller,
    precondition: Precondition,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Tag), ApiError> {
    caller.require_scope("write_grants")?;
    require_rights(state.db.read(), &caller, &user).await?;
    let configuration = state.configuration();
    let known = configuration
        .api(&api)
        .ok_or_else(|| ApiError::not_found(format!("There is no API `{api}`.")))?;
    applications::rules::check_id(&application)?;
    // Asking a helper takes its time, so it is done before the transaction begins.
    let scopes = scopes::known(&state, known).await;
    let txn = state.db.write().await?;
    if applications::store::find(&txn, &application)
        .await?
        .is_none()
    {
        return Err(ApiError::not_found(format!(
            "There is no application `{application}`."
        )));
    }
    let now = clock::now();
    let wanted = rules::wanted(&api, &scopes, &body, now)?;
    let key = (user.as_str(), application.as_str(), api.as_str());
    let before = store::find_for_update(&txn, key, now).await?;
    precondition
        .check(async || Ok(before.clone().map(shown)))
        .await?;
    let stored = before
        .as_ref()
        .map(|grant| grant.scopes.0.as_slice())
        .unwrap_or_default();
    let grant = row::Model {
        id: before
            .as_ref()
            .map_or_else(random::hex_id, |grant| grant.id.clone()),
        user_id: user,
        application_id: application,
        api_id: api,
        scopes: row::Scopes(rules::merged(stored, wanted, now)),
        changed_at: now,
        changed_by: caller.user_id().map(str::to_owned),
    };
    let mut event = changed("add", &grant).becomes(&grant);
    if let Some(before) = &before {
        event = event.was(before);
    }
    let key = (
        grant.user_id.clone(),
        grant.application_id.clone(),
        grant.api_id.clone(),
    );
    let stored = if precondition.demands_absence() {
        store::create(&txn, grant).await
    } else {
        store::put(&txn, grant).await.map(|()| true)
    };
    match stored {
        // User or application went while this request was under way.
        Err(error) if is_dangling(&error) => return Err(not_found()),
        Ok(false) => return Err(Precondition::exists()),
        stored => stored?,
    };
    let key = (key.0.as_str(), key.1.as_str(), key.2.as_str());
    let there = store::find(&txn, key, now).await?;
    let etag = etag(&there.map(shown));
    events::append(&txn, &state, &Actor::from(&caller), event).await?;
    state.commit(txn).await?;
    Ok((StatusCode::NO_CONTENT, etag))
}

/// `DELETE /grants/{user}/applications/{application}/apis/{api}`; application and API need not
/// exist any more.
#[tracing::instrument(skip_all, fields(user.id = %user, application.id = %application, api.id = %api))]
pub async fn remove(
    State(state): State<AppState>,
    Path((user, application, api)): Key,
    caller: Caller,
    precondition: Precondition,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_grants")?;
    let txn = state.db.write().await?;
    require_rights(&txn, &caller, &user).await?;
    let key = (user.as_str(), application.as_str(), api.as_str());
    let found = store::find_for_update(&txn, key, clock::now()).await?;
    let found = found.ok_or_else(not_found)?;
    precondition
        .check(async || Ok(Some(shown(found.clone()))))
        .await?;
    delete(&state, &txn, &caller, &found).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}
