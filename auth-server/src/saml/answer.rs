//! Coming back from the provider, in two steps: the provider's form brings the answer, and the browser
//! then asks for it with its own cookies.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;
use serde::{Deserialize, Serialize};
use service::clock;

use crate::{
    assertions,
    configuration::{Method, SamlSettings},
    federated::{ForeignSession, Identity},
    flows::Flow,
    interaction,
    local::{PageForm, find_flow, method_of},
    oauth::{ErrorCode, OAuthError},
    pages::{Fault, PageError},
    secret::Secret,
    state::AppState,
    upstream::{self, states},
    visitor::Visitor,
};

use super::{
    Place,
    assertion::{Assertion, Expected, SKEW},
    begin::request_id,
    logout, profile,
    response::{self, Refused},
};

/// What came back, until the browser asks for it.
#[derive(Serialize, Deserialize)]
enum Answer {
    In(Box<Identity>),
    /// The person would have had to be asked.
    Passive,
    Refused,
}

#[derive(Deserialize)]
pub struct Posted {
    #[serde(rename = "SAMLResponse", default)]
    response: String,
    #[serde(rename = "RelayState", default)]
    relay_state: String,
}

/// `POST {B}/{method}/assert`
///
/// Logs nobody in: this comes from a form of the provider's, and anybody could have made one like it
/// for somebody else's browser.
pub async fn receive(
    State(state): State<AppState>,
    Path(method): Path<String>,
    PageForm(form): PageForm<Posted>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let Some(settings) = super::settings(&method) else {
        return Err(PageError::new(&state, Fault::NotFound));
    };
    let now = clock::now();
    let database = |error: sea_orm::DbErr| PageError::database(&state, &error);
    let is_pending = states::is_pending(state.database.read(), &form.relay_state, &method.id, now);
    if !is_pending.await.map_err(database)? {
        return Err(PageError::new(&state, Fault::Flow));
    }
    let id = request_id(&state.settings.keys, &form.relay_state)
        .map_err(|error| PageError::missing_key(&state, &error))?;
    let read = believe(&state, (&method, settings), &form.response, &id, now);
    let keep = async {
        let txn = state.database.write().await?;
        let Some((flow, None)) = states::take(&txn, &form.relay_state, &method.id, now).await?
        else {
            return Ok(None);
        };
        let answer = answer_of(&txn, &method, settings, read).await?;
        let text = serde_json::to_string(&answer).expect("an answer is plain JSON");
        let ticket = states::insert_answer(&txn, &flow, &method.id, &text, now).await?;
        txn.commit().await?;
        Ok(Some(ticket))
    };
    let ticket: Option<Secret> = keep.await.map_err(database)?;
    let Some(ticket) = ticket else {
        return Err(PageError::new(&state, Fault::Flow));
    };
    let base = &state.settings.base_path;
    let url = format!("{base}/{}/assert?ticket={}", method.id, ticket.expose());
    // Without the visitor: a browser without cookies is not given new ones here.
    Ok(interaction::redirect(&url))
}

fn believe(
    state: &AppState,
    (method, settings): (&Method, &SamlSettings),
    message: &str,
    request: &str,
    now: DateTime<Utc>,
) -> Result<Assertion, Refused> {
    let mut message = message.to_owned();
    message.retain(|character| !character.is_ascii_whitespace());
    let text = STANDARD.decode(message).map_err(|_| "it is no Base64")?;
    let text = String::from_utf8(text).map_err(|_| "it is no UTF-8")?;
    let place = Place::of(state, &method.id);
    let expected = Expected {
        request,
        assert: &place.assert,
        entity: &place.entity,
        issuer: settings.issuer.as_deref(),
        now,
    };
    response::read(&text, settings.keys(), &expected)
}

/// An assertion counts once, at whichever instance.
async fn answer_of(
    txn: &DatabaseTransaction,
    method: &Method,
    settings: &SamlSettings,
    read: Result<Assertion, Refused>,
) -> Result<Answer, sea_orm::DbErr> {
    let method = method.id.as_str();
    let refused = |why: &dyn std::fmt::Display| {
        tracing::warn!(method, "log-in at a provider failed: {why}");
        Ok(Answer::Refused)
    };
    let assertion = match read {
        Ok(assertion) => assertion,
        Err(Refused::NoPassive) => return Ok(Answer::Passive),
        Err(error) => return refused(&error),
    };
    let name = format!("{}/{}", assertion.issuer, assertion.id);
    let of = format!("saml/{method}");
    if !assertions::remember(txn, &of, &name, assertion.ends).await? {
        return refused(&"the assertion was used before");
    }
    let Some(mut identity) = profile::identity(settings, &assertion) else {
        return refused(&"`profile` makes no `sub` or no `email` of the provider's attributes");
    };
    identity.session = Some(Box::new(ForeignSession {
        name_id: assertion.name_id.as_ref().map(|name| name.value.clone()),
        format: assertion.name_id.and_then(|name| name.format),
        index: assertion.session_index,
        authenticated_at: assertion.authenticated_at,
    }));
    Ok(Answer::In(Box::new(identity)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    ticket: Option<String>,
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "SAMLResponse")]
    response: Option<String>,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// `GET {B}/{method}/assert`
pub async fn go_on(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let Some(settings) = super::settings(&method) else {
        return Err(PageError::new(&state, Fault::NotFound));
    };
    let query = query.unwrap_or_default();
    let uri = http::Uri::try_from(format!("/?{query}"));
    let parameters = uri
        .ok()
        .and_then(|uri| axum::extract::Query::<Parameters>::try_from_uri(&uri).ok());
    let Some(axum::extract::Query(parameters)) = parameters else {
        return Err(PageError::new(&state, Fault::Parameters));
    };
    let relay_state = parameters.relay_state.as_deref();
    match parameters {
        Parameters {
            ticket: Some(ticket),
            ..
        } => Box::pin(collect(&state, visitor, &method, &ticket)).await,
        Parameters {
            request: Some(_), ..
        } => logout::asked(&state, visitor, (&method, settings), (&query, relay_state)).await,
        Parameters {
            response: Some(_), ..
        } => Ok(logout::done(&state, visitor, relay_state)),
        _ => Err(PageError::new(&state, Fault::Parameters)),
    }
}

/// The browser that was sent away is back.
async fn collect(
    state: &AppState,
    visitor: Visitor,
    method: &Method,
    ticket: &str,
) -> Result<Response, PageError> {
    let take = async {
        let txn = state.database.write().await?;
        let taken = states::take(&txn, ticket, &method.id, clock::now()).await?;
        txn.commit().await?;
        Ok(taken)
    };
    let taken = take
        .await
        .map_err(|error: sea_orm::DbErr| PageError::database(state, &error))?;
    let flow = match &taken {
        Some((flow, Some(_))) => find_flow(state, &visitor, flow).await?,
        _ => None,
    };
    let answer = taken.and_then(|(_, answer)| serde_json::from_str(&answer?).ok());
    let flow = flow.filter(|flow| flow.method == method.id);
    let (Some(flow), Some(answer)) = (flow, answer) else {
        return Err(PageError::new(state, Fault::Flow));
    };
    match answer {
        Answer::In(identity) if is_fresh(&flow, &identity) => {
            upstream::enter(state, visitor, flow, method, *identity).await
        }
        Answer::In(_) => {
            tracing::warn!(
                method = flow.method,
                "the log-in at the provider is too old"
            );
            refuse(state, visitor, &flow, ErrorCode::ServerError).await
        }
        Answer::Passive => refuse(state, visitor, &flow, ErrorCode::LoginRequired).await,
        Answer::Refused => refuse(state, visitor, &flow, ErrorCode::ServerError).await,
    }
}

/// Whoever has to log in anew has, if the provider did as it was told.
fn is_fresh(flow: &Flow, identity: &Identity) -> bool {
    let session = identity.session.as_ref();
    flow.login_after
        .is_none_or(|after| session.is_some_and(|session| session.authenticated_at + SKEW >= after))
}

async fn refuse(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    code: ErrorCode,
) -> Result<Response, PageError> {
    upstream::note_failure(state, &visitor, &flow.method).await?;
    let Some(goal) = flow.authorize() else {
        return Err(PageError::new(state, Fault::LoginFailed));
    };
    let error = OAuthError::new(code, "The provider did not log the user in.");
    Ok(interaction::refuse(state, visitor, goal, &error))
}
