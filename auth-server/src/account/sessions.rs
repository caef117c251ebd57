//! `{B}/account/sessions`: where somebody is logged in.

use axum::{
    Json,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use http::StatusCode;
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{clock, problem::Problem};

use crate::{
    families::{self, RevokeReason},
    flows::FormSource,
    local::{PageForm, delay},
    pages::{self, AccountSessionsPage, Fault, PageError, Shell},
    sessions::{self, OwnSession},
    state::AppState,
    visitor::Visitor,
};

use super::{
    Refused, database,
    holder::{Owner, logged_in, shows_token, to_login},
};

const PATH: &str = "account/sessions";

/// A session in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    created_at: String,
    last_seen_at: String,
    expires_at: String,
    methods: Vec<String>,
    address: Option<String>,
    user_agent: Option<String>,
    current: bool,
}

impl Shown {
    fn new(session: OwnSession, current: &str) -> Self {
        let text = |at: chrono::DateTime<chrono::Utc>| {
            at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
        };
        Self {
            current: session.sid == current,
            id: session.sid,
            created_at: text(session.created_at),
            last_seen_at: text(session.seen_at),
            expires_at: text(session.expires_at),
            methods: session.methods,
            address: session.address,
            user_agent: session.agent,
        }
    }
}

/// `GET {B}/account/sessions`
pub async fn show(State(state): State<AppState>, request: Request) -> Result<Response, Refused> {
    let (mut parts, _) = request.into_parts();
    if shows_token(&parts.headers) {
        let owner =
            <Owner as axum::extract::FromRequestParts<_>>::from_request_parts(&mut parts, &state)
                .await?;
        let list = list(&state, &owner.user.id).await.map_err(database)?;
        let items: Vec<Shown> = list
            .into_iter()
            .map(|session| Shown::new(session, &owner.sid))
            .collect();
        return Ok(Json(json!({"items": items, "count": items.len()})).into_response());
    }
    let visitor =
        <Visitor as axum::extract::FromRequestParts<_>>::from_request_parts(&mut parts, &state)
            .await?;
    Ok(page(&state, visitor, None).await?)
}

async fn list(state: &AppState, user: &str) -> Result<Vec<OwnSession>, DbErr> {
    let idle = TimeDelta::minutes(i64::from(state.settings.session_minutes));
    sessions::list_of(state.database.read(), user, idle, clock::now()).await
}

async fn page(
    state: &AppState,
    visitor: Visitor,
    done: Option<bool>,
) -> Result<Response, PageError> {
    let Some(who) = logged_in(state, &visitor).await? else {
        return to_login(state, visitor, PATH);
    };
    let list = list(state, &who.user.id)
        .await
        .map_err(|error| PageError::database(state, &error))?;
    let source = FormSource::Account;
    let mut shell = Shell::new(state, &visitor, &who.method, source, None);
    shell.frame.preferences.here = format!("{}/{PATH}", state.settings.base_path);
    let page = AccountSessionsPage::new(shell, list, &who.sid, done, clock::now());
    Ok(pages::show(visitor, StatusCode::OK, &page, &[]))
}

#[derive(Deserialize)]
pub struct Ending {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    /// A session; nothing means all others.
    end: Option<String>,
}

/// `POST {B}/account/sessions`: the form of the page.
pub async fn submit(
    State(state): State<AppState>,
    visitor: Visitor,
    PageForm(form): PageForm<Ending>,
) -> Result<Response, PageError> {
    let Some(who) = logged_in(&state, &visitor).await? else {
        return Err(PageError::new(&state, Fault::LoginNeeded));
    };
    if visitor
        .check_form(&state, FormSource::Account, form.csrf.as_deref())
        .is_err()
    {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let which = match form.end.as_deref().filter(|sid| !sid.is_empty()) {
        // One's own ends by logging out.
        Some(sid) if sid == who.sid => Vec::new(),
        Some(sid) => vec![sid.to_owned()],
        None => others(&state, &who.user.id, &who.sid)
            .await
            .map_err(|error| PageError::database(&state, &error))?,
    };
    let ended = end(&state, &who.user.id, &which).await;
    let ended = ended.map_err(|error| PageError::database(&state, &error))?;
    page(&state, visitor, Some(ended > 0)).await
}

/// `DELETE {B}/account/sessions/{id}`
pub async fn end_one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    owner: Owner,
) -> Result<StatusCode, Refused> {
    match end(&state, &owner.user.id, &[id]).await.map_err(database)? {
        0 => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such session of yours.",
        )
        .into()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// `DELETE {B}/account/sessions`: all but the one that asks.
pub async fn end_others(
    State(state): State<AppState>,
    owner: Owner,
) -> Result<StatusCode, Refused> {
    let others = others(&state, &owner.user.id, &owner.sid)
        .await
        .map_err(database)?;
    end(&state, &owner.user.id, &others)
        .await
        .map_err(database)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn others(state: &AppState, user: &str, own: &str) -> Result<Vec<String>, DbErr> {
    let all = list(state, user).await?.into_iter().map(|one| one.sid);
    Ok(all.filter(|sid| sid != own).collect())
}

/// Ends sessions of a user with all that came out of them. Says how many there were.
async fn end(state: &AppState, user: &str, sids: &[String]) -> Result<usize, DbErr> {
    let now = clock::now();
    let txn = state.database.write().await?;
    let mut ended = 0;
    for sid in sids {
        if sessions::end_named(&txn, user, sid).await? {
            families::revoke_of_session(&txn, sid, RevokeReason::LoggedOut, now).await?;
            ended += 1;
        }
    }
    txn.commit().await?;
    Ok(ended)
}
