//! Writing registrations (portal-api 11.4, 11.5).

use axum::extract::{Path, State};
use config::pools::INVITATION;
use http::StatusCode;
use serde_json::{Map, Value};
use service::{clock, random};

use super::{
    invitations,
    read::{require_rights, shown, user_not_found},
    row, rules, store,
};
use crate::{
    ApiError, AppState,
    audit::Actor,
    caller::Caller,
    conditional::{Precondition, Tag, etag},
    events::{self, Event},
    extract::Body,
    namespaces,
    paging::Parameters,
    users,
};

/// Longest copy of the name in the column that lists are ordered by.
const MAX_NAME: usize = 256;

/// `PUT /registrations/pools/{pool}/users/{user}`: creates the registration or replaces it.
#[tracing::instrument(skip_all, fields(pool.id = %pool, user.id = %user_id))]
pub async fn put(
    State(state): State<AppState>,
    Path((pool, user_id)): Path<(String, String)>,
    caller: Caller,
    precondition: Precondition,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Tag), ApiError> {
    caller.require_scope("write_registrations")?;
    let configuration = state.configuration();
    let body = body.as_object().cloned().unwrap_or_default();
    let (pool, namespace) = rules::find_place(&configuration, &pool, text(&body, "namespace")?)?;
    require_rights(&caller, &user_id)?;
    let txn = state.db.write().await?;
    let user = users::store::find_for_update(&txn, &user_id).await?;
    let user = user.ok_or_else(|| user_not_found(&user_id))?;
    let before = store::find(&txn, &user_id, &pool.id, namespace).await?;
    // Whoever has none here is registered by an administrator.
    if pool.disable_register && before.is_none() && !caller.is_admin() {
        return Err(ApiError::forbidden(
            "registration-closed",
            format!(
                "People do not register themselves in the pool `{}`.",
                pool.id
            ),
        ));
    }
    // The auth server acts for whoever is at the browser, so it shows his.
    if pool.requires_invitation && !caller.is_admin_user() {
        let invitation = text(&body, INVITATION)?;
        if before.is_none() || invitation.is_some() {
            invitations::take(&txn, (&pool.id, namespace), invitation).await?;
        }
    }
    let earlier = before.as_ref().map(|before| &before.properties.0);
    let properties = rules::properties(pool, &body, earlier, clock::now())?;
    if pool.requires_namespace {
        namespaces::require(&txn, &pool.id, namespace).await?;
    }
    // The list is always there; who wants to create means his registration in it.
    let is_new = before.is_none() && precondition.demands_absence();
    let current = async || {
        if is_new {
            return Ok(None);
        }
        shown(&txn, &user_id, &pool.id).await.map(Some)
    };
    precondition.check(current).await?;
    let name = properties
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let registration = row::Model {
        id: random::hex_id(),
        pool_id: pool.id.clone(),
        user_id: user.id,
        namespace: namespace.to_owned(),
        name: name.chars().take(MAX_NAME).collect(),
        email: user.email,
        custom_id: user.custom_id,
        properties: row::Properties(properties),
        changed_at: clock::now(),
        changed_by: caller.user_id().map(str::to_owned),
    };
    let mut event = Event::registration_saved(
        &registration.user_id,
        &registration.email,
        registration.custom_id.as_deref(),
    )
    .becomes(&registration);
    if let Some(before) = &before {
        event = event.was(before);
    }
    store::put(&txn, registration).await?;
    let etag = etag(&shown(&txn, &user_id, &pool.id).await?);
    events::append(&txn, &state, &Actor::from(&caller), event).await?;
    state.commit(txn).await?;
    Ok((StatusCode::NO_CONTENT, etag))
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Option<&'b str>, ApiError> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ApiError::invalid(
            name,
            "type",
            format!("`{name}` has to be a text."),
        )),
    }
}

/// `DELETE /registrations/pools/{pool}/users/{user}?namespace=`: 204 whether or not there was one.
#[tracing::instrument(skip_all, fields(pool.id = %pool, user.id = %user_id))]
pub async fn remove(
    State(state): State<AppState>,
    Path((pool, user_id)): Path<(String, String)>,
    caller: Caller,
    precondition: Precondition,
    parameters: Parameters,
) -> Result<StatusCode, ApiError> {
    caller.require_scope("write_registrations")?;
    let configuration = state.configuration();
    let (pool, namespace) = rules::find_place(&configuration, &pool, parameters.get("namespace"))?;
    require_rights(&caller, &user_id)?;
    let txn = state.db.write().await?;
    // Kept, so that nobody else registers him meanwhile.
    if users::store::find_for_update(&txn, &user_id)
        .await?
        .is_none()
    {
        return Err(user_not_found(&user_id));
    }
    if pool.requires_namespace {
        namespaces::require(&txn, &pool.id, namespace).await?;
    }
    let current = async || Ok(Some(shown(&txn, &user_id, &pool.id).await?));
    precondition.check(current).await?;
    if let Some(before) = store::find(&txn, &user_id, &pool.id, namespace).await?
        && store::delete(&txn, &user_id, &pool.id, namespace).await?
    {
        let named = Some(namespace).filter(|namespace| !namespace.is_empty());
        let event = Event::registration_deleted(&user_id, &pool.id, named).was(&before);
        events::append(&txn, &state, &Actor::from(&caller), event).await?;
        state.commit(txn).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
