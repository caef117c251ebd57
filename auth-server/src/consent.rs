//! Consent: the form of 9.3, and the list of what was granted (18).

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use sdk::types::{
    Timestamp, User,
    grants::{Grant, ScopeToGrant},
};
use serde::Deserialize;
use service::clock;
use ui::{Lang, format};

use crate::{
    devices,
    families::{self, RevokeReason},
    flows::{AuthorizeGoal, Flow, FormSource, Goal},
    interaction::{self, InteractionError},
    local::{PageForm, delay, logged_in_user, login_url, method_of, open_form},
    oauth::{ErrorCode, OAuthError},
    pages::{self, Fault, FlashMessage, GrantEntry, Named, PageError, ScopeListPage, Shell},
    portal_api::PortalApiError,
    records,
    state::AppState,
    visitor::Visitor,
};

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/{method}/grant", post(decide))
        .route("/{method}/grants", get(list).post(withdraw))
}

#[derive(Deserialize)]
struct Decision {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(rename = "_action", default)]
    action: String,
    #[serde(default)]
    remember: Remember,
}

/// How long the user does not want to be asked again.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Remember {
    /// Nothing is kept.
    Once,
    Month,
    /// Until he takes it back. Forms of old clients say nothing.
    #[default]
    Always,
}

impl Remember {
    const MONTH: TimeDelta = TimeDelta::days(30);

    fn until(self, now: DateTime<Utc>) -> Option<Timestamp> {
        (self == Self::Month).then(|| (now + Self::MONTH).into())
    }
}

/// `POST {B}/{method}/grant`
async fn decide(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Decision>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let csrf = form.csrf.as_deref();
    let mut flow = open_form(&state, &visitor, &method.id, FormSource::Grants, csrf).await?;
    let Some(goal) = flow.authorize().cloned() else {
        return Err(PageError::new(&state, Fault::Flow));
    };
    let Some(user) = logged_in_user(&state, &visitor, &method.id).await? else {
        return Err(PageError::new(&state, Fault::LoginNeeded));
    };
    match form.action.as_str() {
        "allow" => {
            let is_kept = form.remember != Remember::Once;
            if is_kept {
                allow(&state, &goal, &user, form.remember)
                    .await
                    .map_err(|error| PageError::portal_api(&state, &error))?;
            }
            put_on_record(&state, &visitor, &goal, &user, true).await?;
            // He has been asked.
            if let Goal::Authorize(goal) = &mut flow.goal {
                goal.asks_consent = false;
                goal.agreed_once = !is_kept;
            }
            interaction::respond(&state, visitor, flow, false).await
        }
        "deny" => {
            tracing::info!(client.id = %goal.client_id, "consent denied");
            put_on_record(&state, &visitor, &goal, &user, false).await?;
            if let Some(device) = &goal.device {
                let answer = devices::deny(&state, device).await?;
                return Ok(interaction::send(&state, visitor, answer));
            }
            let error = OAuthError::new(ErrorCode::AccessDenied, "The user did not agree.");
            Ok(interaction::refuse(&state, visitor, &goal, &error))
        }
        _ => Err(PageError::new(&state, Fault::Action)),
    }
}

async fn put_on_record(
    state: &AppState,
    visitor: &Visitor,
    goal: &AuthorizeGoal,
    user: &User,
    is_given: bool,
) -> Result<(), PageError> {
    let client = state.portal_api.client(&goal.client_id).await;
    let client = client.map_err(|error| PageError::portal_api(state, &error))?;
    let application = client.map_or_else(String::new, |client| client.application_id.clone());
    let (about, address) = (
        (
            application.as_str(),
            goal.api.as_str(),
            goal.scope.as_slice(),
        ),
        visitor.peer.address,
    );
    records::tokens::consent(state, &user.id, about, is_given, address, clock::now())
        .await
        .map_err(|error| PageError::database(state, &error))
}

/// What was granted before stays as it is, what the user was asked for now is added.
async fn allow(
    state: &AppState,
    goal: &AuthorizeGoal,
    user: &User,
    remember: Remember,
) -> Result<(), PortalApiError> {
    let Some(client) = state.portal_api.client(&goal.client_id).await? else {
        return Ok(());
    };
    let (application, api) = (&client.application_id, &goal.api);
    let before = state.portal_api.granted(&user.id, application, api).await?;
    let expires_date = remember.until(clock::now());
    let mut scopes: Vec<ScopeToGrant> = before
        .into_iter()
        // Who is asked for all of them answers for all of them.
        .filter(|one| !(goal.asks_consent && goal.scope.contains(&one.scope)))
        .map(|one| ScopeToGrant {
            scope: one.scope,
            expires_date: one.expires_date,
        })
        .collect();
    for scope in &goal.scope {
        if !scopes.iter().any(|one| one.scope == *scope) {
            scopes.push(ScopeToGrant {
                scope: scope.clone(),
                expires_date,
            });
        }
    }
    tracing::info!(
        user.id = user.id,
        application.id = application,
        "consent given"
    );
    state
        .portal_api
        .put_grant(&user.id, application, api, scopes)
        .await
}

/// `GET {B}/{method}/grants`
async fn list(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let Some(user) = logged_in_user(&state, &visitor, &method.id).await? else {
        let url = login_url(&state, &method.id, &format!("{}/grants", method.id));
        return Ok(visitor.finish(interaction::redirect(&url)));
    };
    show_list(&state, visitor, &method.id, &user, None).await
}

#[derive(Deserialize)]
struct Withdrawal {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    revoke_app: String,
    #[serde(default)]
    revoke_api: String,
}

/// `POST {B}/{method}/grants`
async fn withdraw(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Withdrawal>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let t = pages::Texts(visitor.preferences.lang);
    let Some(user) = logged_in_user(&state, &visitor, &method.id).await? else {
        let url = login_url(&state, &method.id, &format!("{}/grants", method.id));
        return Ok(visitor.finish(interaction::redirect(&url)));
    };
    let source = FormSource::UserScopes;
    let flash = if visitor
        .check_form(&state, source, form.csrf.as_deref())
        .is_err()
    {
        delay().await;
        ("error", t.not_withdrawn())
    } else if form.revoke_app.is_empty() || form.revoke_api.is_empty() {
        return Err(PageError::new(&state, Fault::Parameters));
    } else if end_consent(&state, &user, &form).await? {
        ("success", t.withdrawn())
    } else {
        ("warning", t.nothing_withdrawn())
    };
    let flash = FlashMessage {
        r#type: flash.0,
        message: flash.1,
    };
    show_list(&state, visitor, &method.id, &user, Some(flash)).await
}

/// Withdraws consent and ends the tokens that rest on it (F23).
async fn end_consent(state: &AppState, user: &User, form: &Withdrawal) -> Result<bool, PageError> {
    let portal_api = |error: PortalApiError| PageError::portal_api(state, &error);
    let deleted = state
        .portal_api
        .delete_grant(&user.id, &form.revoke_app, &form.revoke_api)
        .await;
    let deleted = match deleted {
        // An id that cannot stand in a path names nothing.
        Err(PortalApiError::Segment(_)) => false,
        other => other.map_err(portal_api)?,
    };
    end_tokens(state, &user.id, &form.revoke_app, &form.revoke_api)
        .await
        .map_err(|error| interaction::page_error(state, &error))?;
    Ok(deleted)
}

/// Ends what rests on a user's consent to an application at an API.
pub async fn end_tokens(
    state: &AppState,
    user_id: &str,
    application: &str,
    api: &str,
) -> Result<(), InteractionError> {
    let now = clock::now();
    let of_user = families::list_living(state.database.read(), user_id, api, now).await?;
    let mut ended = Vec::new();
    for family in of_user {
        let client = state.portal_api.client(&family.client_id).await?;
        if client.is_none_or(|client| client.application_id == application) {
            ended.push(family.id);
        }
    }
    if ended.is_empty() {
        return Ok(());
    }
    let txn = state.database.write().await?;
    for id in &ended {
        families::revoke(&txn, id, RevokeReason::ConsentWithdrawn, now).await?;
    }
    txn.commit().await?;
    Ok(())
}

async fn show_list(
    state: &AppState,
    visitor: Visitor,
    method: &str,
    user: &User,
    flash_message: Option<FlashMessage>,
) -> Result<Response, PageError> {
    let grants = state
        .portal_api
        .grants(&user.id)
        .await
        .map_err(|error| PageError::portal_api(state, &error))?;
    let mut entries = Vec::new();
    for grant in grants {
        entries.push(entry(state, visitor.preferences.lang, grant).await?);
    }
    let shell = Shell::new(
        state,
        &visitor,
        method,
        FormSource::UserScopes,
        None::<&Flow>,
    );
    let mut page = ScopeListPage {
        frame: shell.frame,
        common: shell.common,
        grants: entries,
        flash_message,
    };
    page.frame.preferences.here = format!("{}/{method}/grants", state.settings.base_path);
    Ok(pages::show(visitor, StatusCode::OK, &page, &[]))
}

async fn entry(state: &AppState, lang: Lang, grant: Grant) -> Result<GrantEntry, PageError> {
    let portal_api = |error: PortalApiError| PageError::portal_api(state, &error);
    let api = state
        .portal_api
        .api(&grant.api_id)
        .await
        .map_err(portal_api)?;
    let application = state
        .portal_api
        .application_name(&grant.application_id)
        .await
        .map_err(portal_api)?;
    Ok(GrantEntry {
        api_info: Named {
            id: grant.api_id.clone(),
            name: api.map_or_else(|| grant.api_id.clone(), |api| api.name),
        },
        app_info: Named {
            id: grant.application_id.clone(),
            name: application.unwrap_or_else(|| grant.application_id.clone()),
        },
        scopes: format::granted(lang, &grant),
        grants: grant
            .grants
            .iter()
            .map(|one| serde_json::json!(one))
            .collect(),
        user_id: grant.user_id,
        api_id: grant.api_id,
        application_id: grant.application_id,
    })
}
