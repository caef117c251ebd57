//! `/applications/{application}/subscriptions/{api}/credentials` (portal-api A5).

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
    routing::{get, patch, post},
};
use http::{HeaderValue, StatusCode, header};
use sdk::types::{
    Credential,
    credentials::{CreateCredential, PatchCredential, RotateCredential},
};
use sea_orm::DatabaseTransaction;
use serde_json::Value;
use tower_http::set_header::SetResponseHeaderLayer;

use super::{
    make::{Made, Order, make},
    row,
    rules::{self, MAX_VALID, Origin},
    secret::SecretKeys,
    store, wire,
};
use crate::{
    ApiError, AppState,
    applications::access::{self, Demand, Right},
    caller::Caller,
    events::{self, Change, Event},
    extract::{Body, from_value},
    paging::{self, Parameters},
    subscriptions,
};

const LIST: Demand = Demand {
    scope: "read_subscriptions",
    right: Right::Read,
    caller_first: false,
    validated: false,
    refusal: "Only users with a role on this application may see its credentials.",
};

const CHANGE: Demand = Demand {
    scope: "write_subscriptions",
    right: Right::Edit,
    caller_first: false,
    validated: true,
    refusal: "Only owners and collaborators may change credentials.",
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/applications/{application}/subscriptions/{api}/credentials",
            get(list).post(create),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials/{id}",
            patch(change).delete(revoke),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials/{id}/rotate",
            post(rotate),
        )
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
}

/// `GET …/credentials`
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, api)): Path<(String, String)>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    access::open(&state, &caller, &application, LIST).await?;
    let db = state.db.read();
    let subscription = subscriptions::store::find(db, &application, &api).await?;
    let subscription = subscription.ok_or_else(|| subscriptions::not_found(&application, &api))?;
    let rows = store::list(db, &subscription.id).await?;
    let shown = rows.into_iter().map(|row| wire::credential(row, None));
    paging::array(shown.collect(), &parameters, |one: &Credential| &one.id)
}

/// `POST …/credentials`: the only answer that holds the secret.
#[tracing::instrument(skip_all, fields(application.id = %application, api.id = %api))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, api)): Path<(String, String)>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Credential>), ApiError> {
    access::open(&state, &caller, &application, CHANGE).await?;
    let request: CreateCredential = from_value(body)?;
    let name = rules::check_name(&request.name)?;
    rules::check_text("note", request.note.as_deref())?;
    let wanted = New {
        name,
        note: request.note,
        expires_at: request.expires_at.map(|end| end.0),
    };
    let txn = state.db.write().await?;
    let subscription = open_subscription(&txn, &application, &api).await?;
    let made = add(&txn, &state, &caller, &subscription, wanted).await?;
    tell(&txn, &state, &caller, &subscription, None, &made.row).await?;
    state.commit(txn).await?;
    Ok((
        StatusCode::CREATED,
        Json(wire::credential(made.row, Some(made.secret))),
    ))
}

/// `PATCH …/credentials/{id}`
#[tracing::instrument(skip_all, fields(credential.id = %id))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, api, id)): Path<(String, String, String)>,
    Body(body): Body<Value>,
) -> Result<Json<Credential>, ApiError> {
    access::open(&state, &caller, &application, CHANGE).await?;
    let request: PatchCredential = from_value(body)?;
    rules::check_text("note", request.note.as_deref())?;
    let name = request.name.as_deref().map(rules::check_name).transpose()?;
    let txn = state.db.write().await?;
    let subscription = open_subscription(&txn, &application, &api).await?;
    let mut credential = open_credential(&txn, &subscription, &id).await?;
    let before = credential.clone();
    if let Some(end) = request.expires_at {
        let max_age = state.configuration().globals.credentials.max_age_days;
        let (created, now) = (credential.created_at, service::clock::now());
        credential.expires_at = rules::expiry(Some(end.0), max_age, created, now)?;
    }
    credential.name = name.unwrap_or(credential.name);
    credential.note = request.note.or(credential.note);
    let credential = store::update(&txn, credential).await?;
    let before = Some(&before);
    tell(&txn, &state, &caller, &subscription, before, &credential).await?;
    state.commit(txn).await?;
    Ok(Json(wire::credential(credential, None)))
}

/// `POST …/credentials/{id}/rotate`: a new one, while the old one lives on for the overlap.
#[tracing::instrument(skip_all, fields(credential.id = %id))]
async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, api, id)): Path<(String, String, String)>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Credential>), ApiError> {
    access::open(&state, &caller, &application, CHANGE).await?;
    let request: RotateCredential = from_value(body)?;
    let longest = state
        .configuration()
        .globals
        .credentials
        .max_overlap_seconds;
    let now = service::clock::now();
    let txn = state.db.write().await?;
    let subscription = open_subscription(&txn, &application, &api).await?;
    let mut old = open_credential(&txn, &subscription, &id).await?;
    let end = rules::overlap_end(request.overlap_seconds, longest, old.expires_at, now)?;
    old.expires_at = Some(end);
    let old = store::update(&txn, old).await?;
    let wanted = New {
        name: old.name.clone(),
        note: old.note.clone(),
        expires_at: None,
    };
    let made = add(&txn, &state, &caller, &subscription, wanted).await?;
    tell(&txn, &state, &caller, &subscription, Some(&old), &made.row).await?;
    state.commit(txn).await?;
    Ok((
        StatusCode::CREATED,
        Json(wire::credential(made.row, Some(made.secret))),
    ))
}

/// `DELETE …/credentials/{id}?reason=`: it opens nothing any more, and stays in the list.
#[tracing::instrument(skip_all, fields(credential.id = %id))]
async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, api, id)): Path<(String, String, String)>,
    parameters: Parameters,
) -> Result<StatusCode, ApiError> {
    access::open(&state, &caller, &application, CHANGE).await?;
    let reason = parameters.get("reason").filter(|reason| !reason.is_empty());
    rules::check_text("reason", reason)?;
    let txn = state.db.write().await?;
    let subscription = open_subscription(&txn, &application, &api).await?;
    let found = store::lock(&txn, &subscription.id, &id).await?;
    let mut credential = found.ok_or_else(|| not_found(&id))?;
    if credential.revoked_at.is_none() {
        let before = credential.clone();
        credential.revoked_at = Some(service::clock::now());
        credential.revoked_reason = reason.map(str::to_owned);
        // What opens nothing needs not be kept.
        credential.sealed = None;
        let credential = store::update(&txn, credential).await?;
        let before = Some(&before);
        tell(&txn, &state, &caller, &subscription, before, &credential).await?;
        state.commit(txn).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What a caller wants of a new credential.
struct New {
    name: String,
    note: Option<String>,
    expires_at: Option<chrono::DateTime<chrono::Utc>>,
}

async fn add(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &subscriptions::row::Model,
    wanted: New,
) -> Result<Made, ApiError> {
    let now = service::clock::now();
    let valid = store::list(txn, &subscription.id).await?;
    if valid
        .iter()
        .filter(|credential| rules::is_valid(credential, now))
        .count()
        >= MAX_VALID
    {
        let message =
            format!("A subscription has at most {MAX_VALID} credentials; delete old ones.");
        return Err(ApiError::conflict("too-many-credentials", message));
    }
    let configuration = state.configuration();
    let api = configuration.api(&subscription.api_id).ok_or_else(|| {
        let message = format!(
            "API `{}` is not part of the configuration any more.",
            subscription.api_id
        );
        ApiError::conflict("unknown-api", message)
    })?;
    let max_age = configuration.globals.credentials.max_age_days;
    let order = Order {
        subscription_id: &subscription.id,
        kind: rules::kind_of(&subscription.auth),
        origin: Origin::Own,
        name: wanted.name,
        note: wanted.note,
        chosen: None,
        expires_at: rules::expiry(wanted.expires_at, max_age, now, now)?,
        created_by: caller.user_id(),
    };
    let made = make(
        order,
        &configuration,
        api,
        &SecretKeys::new(&state.keys)?,
        now,
    );
    store::insert(txn, &made).await?;
    Ok(made)
}

/// The subscription, locked, so that two requests at once do not both make the last credential.
async fn open_subscription(
    txn: &DatabaseTransaction,
    application: &str,
    api: &str,
) -> Result<subscriptions::row::Model, ApiError> {
    let found = subscriptions::store::lock(txn, application, api).await?;
    let subscription = found.ok_or_else(|| subscriptions::not_found(application, api))?;
    if !subscription.approved {
        let message = "This subscription waits for its approval; it has no credentials yet.";
        return Err(ApiError::conflict("request-waits", message));
    }
    Ok(subscription)
}

/// A credential of the subscription that can still be changed.
async fn open_credential(
    txn: &DatabaseTransaction,
    subscription: &subscriptions::row::Model,
    id: &str,
) -> Result<row::Model, ApiError> {
    let found = store::lock(txn, &subscription.id, id).await?;
    let credential = found.ok_or_else(|| not_found(id))?;
    if credential.revoked_at.is_some() {
        let message = "This credential was revoked; make a new one.";
        return Err(ApiError::conflict("revoked", message));
    }
    Ok(credential)
}

async fn tell(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    subscription: &subscriptions::row::Model,
    before: Option<&row::Model>,
    after: &row::Model,
) -> Result<(), ApiError> {
    let about = subscriptions::reference(subscription);
    let mut event =
        Event::subscription_updated(about, caller.user_id(), &[Change::Credentials]).becomes(after);
    if let Some(before) = before {
        event = event.was(before);
    }
    events::append(txn, state, &caller.actor(), event).await
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("The subscription has no credential `{id}`."))
}
