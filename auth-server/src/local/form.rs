//! What the handlers of all forms begin with.

use axum::{
    Form, Json,
    extract::{FromRequest, Request},
};
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use service::clock;

use crate::{
    configuration::Method,
    flows::{self, Flow, FormSource},
    pages::{Fault, PageError},
    state::AppState,
    visitor::Visitor,
};

/// A form, or the same members as JSON (3.1).
pub struct PageForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for PageForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, PageError> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
        let parsed = if is_json {
            Json::from_request(request, state)
                .await
                .map(|Json(form)| form)
                .map_err(|rejection| rejection.status())
        } else {
            Form::from_request(request, state)
                .await
                .map(|Form(form)| form)
                .map_err(|rejection| rejection.status())
        };
        parsed.map(Self).map_err(|status| {
            let is_long = status == StatusCode::PAYLOAD_TOO_LARGE;
            let fault = if is_long {
                Fault::TooLarge
            } else {
                Fault::Parameters
            };
            PageError::new(state, fault)
        })
    }
}

/// The method of the path, or the page for addresses that do not exist.
pub fn method_of(state: &AppState, id: &str) -> Result<Method, PageError> {
    state
        .configuration()
        .method(id)
        .cloned()
        .ok_or_else(|| PageError::new(state, Fault::NotFound))
}

/// As [`method_of`], for pages that only accounts of this installation have.
pub fn local_method_of(state: &AppState, id: &str) -> Result<Method, PageError> {
    let method = method_of(state, id)?;
    match method.local() {
        Some(_) => Ok(method),
        None => Err(PageError::new(state, Fault::NotFound)),
    }
}

/// The flow that a form names, after checking that the form is genuine.
pub async fn open_form(
    state: &AppState,
    visitor: &Visitor,
    method: &str,
    source: FormSource,
    token: Option<&str>,
) -> Result<Flow, PageError> {
    let Ok(id) = visitor.check_form(state, source, token) else {
        delay().await;
        return Err(PageError::new(state, Fault::Form));
    };
    named_flow(state, visitor, method, id).await
}

/// A form whose page is shown again if it is not genuine, most often because it was open for too
/// long (5.3).
pub enum Opened {
    Genuine(Flow),
    /// Nothing may follow but showing the page.
    Stale(Flow),
}

/// As [`open_form`], for pages that are shown again. A stale form is answered late.
pub async fn open_or_stale(
    state: &AppState,
    visitor: &Visitor,
    method: &str,
    source: FormSource,
    token: Option<&str>,
) -> Result<Opened, PageError> {
    if let Ok(id) = visitor.check_form(state, source, token) {
        let flow = named_flow(state, visitor, method, id).await?;
        return Ok(Opened::Genuine(flow));
    }
    let claimed = token.and_then(|token| flows::claimed_flow(token, source));
    let flow = any_flow(state, visitor, method, claimed).await?;
    delay().await;
    flow.map(Opened::Stale)
        .ok_or_else(|| PageError::new(state, Fault::Flow))
}

async fn named_flow(
    state: &AppState,
    visitor: &Visitor,
    method: &str,
    id: Option<&str>,
) -> Result<Flow, PageError> {
    let flow = match id {
        Some(id) => find_flow(state, visitor, id).await?,
        None => None,
    };
    flow.filter(|flow| flow.method == method)
        .ok_or_else(|| PageError::new(state, Fault::Flow))
}

/// The flow of this browser with this id.
pub async fn find_flow(
    state: &AppState,
    visitor: &Visitor,
    id: &str,
) -> Result<Option<Flow>, PageError> {
    flows::find(state.database.read(), id, &visitor.browser, clock::now())
        .await
        .map_err(|error| PageError::database(state, &error))
}

/// The flow named by a form or link, else the latest of this browser and method. Of what it is
/// used for nothing may follow but showing a page again.
pub async fn any_flow(
    state: &AppState,
    visitor: &Visitor,
    method: &str,
    id: Option<&str>,
) -> Result<Option<Flow>, PageError> {
    if let Some(id) = id {
        let flow = find_flow(state, visitor, id).await?;
        if let Some(flow) = flow.filter(|flow| flow.method == method) {
            return Ok(Some(flow));
        }
    }
    flows::find_latest(
        state.database.read(),
        method,
        &visitor.browser,
        clock::now(),
    )
    .await
    .map_err(|error| PageError::database(state, &error))
}

/// Failed checks are answered late (3.3).
pub async fn delay() {
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
}
