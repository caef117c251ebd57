//! `{B}/account/tokens`: personal access tokens.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Request, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{clock, problem::Problem};

use crate::{
    flows::FormSource,
    local::{PageForm, delay},
    pages::{self, AccountTokensPage, Fault, NewToken, PageError, Shell},
    personal::{self, MAX_PER_USER, PersonalToken},
    portal_api::PORTAL_API,
    state::AppState,
    visitor::Visitor,
};

use super::{
    Refused, database,
    holder::{LoggedIn, Owner, logged_in, shows_token, to_login},
};

const PATH: &str = "account/tokens";
const MAX_NAME: usize = 100;
/// Nobody looks after a token for longer.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// A token in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    name: String,
    last4: String,
    scopes: Vec<String>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
    /// In the answer that made it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl Shown {
    fn new(token: PersonalToken, text: Option<String>) -> Self {
        let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        Self {
            id: token.id,
            name: token.name,
            last4: token.last4,
            scopes: token.scope,
            created_at: moment(token.created_at),
            expires_at: moment(token.expires_at),
            last_used_at: token.last_used_at.map(moment),
            token: text,
        }
    }
}

/// `GET {B}/account/tokens`
pub async fn show(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let (mut parts, _) = request.into_parts();
    if shows_token(&parts.headers) {
        let owner = Owner::from_request_parts(&mut parts, &state).await?;
        let list = personal::list(state.database.read(), &owner.user.id, clock::now()).await;
        let items: Vec<Shown> = list
            .map_err(database)?
            .into_iter()
            .map(|token| Shown::new(token, None))
            .collect();
        return Ok(Json(json!({"items": items, "count": items.len()})).into_response());
    }
    let visitor = Visitor::from_request_parts(&mut parts, &state).await?;
    let Some(who) = logged_in(&state, &visitor).await? else {
        return Ok(to_login(&state, visitor, PATH)?);
    };
    Ok(page(&state, visitor, &who, StatusCode::OK, NewToken::None).await?)
}

async fn page(
    state: &AppState,
    visitor: Visitor,
    who: &LoggedIn,
    status: StatusCode,
    new: NewToken,
) -> Result<Response, PageError> {
    let list = personal::list(state.database.read(), &who.user.id, clock::now())
        .await
        .map_err(|error| PageError::database(state, &error))?;
    let scopes = scopes(state)
        .await
        .map_err(|error| PageError::portal_api(state, &error))?;
    let mut shell = Shell::new(state, &visitor, &who.method, FormSource::Account, None);
    shell.frame.preferences.here = format!("{}/{PATH}", state.settings.base_path);
    let page = AccountTokensPage::new(shell, list, scopes, new, clock::now());
    Ok(pages::show(visitor, status, &page, &[]))
}

/// The scopes that there are, with their descriptions.
async fn scopes(
    state: &AppState,
) -> Result<Vec<(String, String)>, crate::portal_api::PortalApiError> {
    let api = state.portal_api.api(PORTAL_API).await?;
    Ok(api.map(|api| api.scopes).unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    expires_at: Option<DateTime<Utc>>,
}

/// The page's form: to make a token, or to end one.
#[derive(Deserialize)]
struct Form {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    days: String,
    delete: Option<String>,
    /// A member `scope:<id>` for each scope that was ticked.
    #[serde(flatten)]
    ticked: BTreeMap<String, String>,
}

/// `POST {B}/account/tokens`
pub async fn create(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    if !shows_token(request.headers()) {
        return Ok(submit(&state, request).await?);
    }
    let (mut parts, body) = request.into_parts();
    let owner = Owner::from_request_parts(&mut parts, &state).await?;
    let request = Request::from_parts(parts, body);
    let Json(wanted) = Json::<Create>::from_request(request, &state)
        .await
        .map_err(|rejection| {
            Problem::new(rejection.status(), "invalid-request", rejection.body_text())
        })?;
    let expires_at = wanted
        .expires_at
        .ok_or_else(|| Problem::invalid("expiresAt", "required", "`expiresAt` has to be given."))?;
    if let Some(scope) = wanted.scopes.iter().find(|one| !owner.scope.contains(one)) {
        let text = format!("`scopes`: `{scope}` is not among your own.");
        return Err(Problem::invalid("scopes", "unknown", text).into());
    }
    let wanted = (wanted.name.as_str(), wanted.scopes.as_slice(), expires_at);
    let (token, text) = make(&state, &owner.user.id, wanted).await?;
    let shown = Shown::new(token, Some(text));
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// Checks what is wanted and makes the token.
async fn make(
    state: &AppState,
    user: &str,
    (name, wanted, expires_at): (&str, &[String], DateTime<Utc>),
) -> Result<(PersonalToken, String), Problem> {
    let now = clock::now();
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let text = format!("`name` has to have 1 to {MAX_NAME} characters.");
        return Err(Problem::invalid("name", "length", text));
    }
    if expires_at <= now || expires_at > now + LONGEST {
        let text = "`expiresAt` has to be within a year from now.";
        return Err(Problem::invalid("expiresAt", "range", text));
    }
    let defined = scopes(state).await.map_err(|error| {
        tracing::error!(%error, "portal-api failed");
        Problem::unavailable("The scopes cannot be read right now.")
    })?;
    let mut scope: Vec<String> = Vec::new();
    for one in wanted {
        if !defined.iter().any(|(id, _)| id == one) {
            let text = format!("`scopes`: there is no scope `{one}`.");
            return Err(Problem::invalid("scopes", "unknown", text));
        }
        if !scope.contains(one) {
            scope.push(one.clone());
        }
    }
    if scope.is_empty() {
        let text = "`scopes` has to name at least one.";
        return Err(Problem::invalid("scopes", "required", text));
    }
    let txn = state.database.write().await.map_err(database)?;
    let had = personal::list(&txn, user, now).await.map_err(database)?;
    if had.len() >= MAX_PER_USER {
        let text = format!("You have {MAX_PER_USER} tokens; end one first.");
        return Err(Problem::new(StatusCode::CONFLICT, "too-many", text));
    }
    let made = personal::insert(&txn, user, name, &scope, expires_at, now)
        .await
        .map_err(database)?;
    txn.commit().await.map_err(database)?;
    tracing::info!(user.id = user, "personal access token made");
    Ok(made)
}

async fn submit(state: &AppState, request: Request) -> Result<Response, PageError> {
    let (mut parts, body) = request.into_parts();
    let visitor = Visitor::from_request_parts(&mut parts, state).await?;
    let request = Request::from_parts(parts, body);
    let PageForm(form) = PageForm::<Form>::from_request(request, state).await?;
    let Some(who) = logged_in(state, &visitor).await? else {
        return Err(PageError::new(state, Fault::LoginNeeded));
    };
    if visitor
        .check_form(state, FormSource::Account, form.csrf.as_deref())
        .is_err()
    {
        delay().await;
        return Err(PageError::new(state, Fault::Form));
    }
    if let Some(id) = form.delete {
        let deleted = delete_of(state, &who.user.id, &id).await;
        let deleted = deleted.map_err(|error| PageError::database(state, &error))?;
        let done = NewToken::Deleted(deleted);
        return page(state, visitor, &who, StatusCode::OK, done).await;
    }
    let ticked = form.ticked.keys();
    let scopes: Vec<String> = ticked
        .filter_map(|member| member.strip_prefix("scope:"))
        .map(str::to_owned)
        .collect();
    let days = form.days.parse().unwrap_or(0_i64).clamp(0, 10_000);
    let expires_at = clock::now() + TimeDelta::days(days);
    let made = make(state, &who.user.id, (&form.name, &scopes, expires_at)).await;
    let (status, new) = match made {
        Ok((_, text)) => (StatusCode::CREATED, NewToken::Made(text)),
        Err(problem) => {
            let field = problem.errors.first().map(|error| error.field.clone());
            (problem.status, NewToken::Refused(field))
        }
    };
    page(state, visitor, &who, status, new).await
}

async fn delete_of(state: &AppState, user: &str, id: &str) -> Result<bool, sea_orm::DbErr> {
    let txn = state.database.write().await?;
    let deleted = personal::delete(&txn, user, id, clock::now()).await?;
    txn.commit().await?;
    Ok(deleted)
}

/// `DELETE {B}/account/tokens/{id}`
pub async fn delete(
    State(state): State<AppState>,
    Path(id): Path<String>,
    owner: Owner,
) -> Result<StatusCode, Refused> {
    if delete_of(&state, &owner.user.id, &id)
        .await
        .map_err(database)?
    {
        return Ok(StatusCode::NO_CONTENT);
    }
    let text = "There is no such token of yours.";
    Err(Problem::new(StatusCode::NOT_FOUND, "not-found", text).into())
}
