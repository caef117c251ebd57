//! Reading APIs, their gateway configuration, texts and plans (portal-api 18.2 to 18.6).

use std::fmt::Write;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use config::{Rendered, apis::Api};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{access, scopes};
use crate::{
    ApiError, AppState,
    caller::Caller,
    paging::{self, Parameters},
    rendered::{self, JSON, MARKDOWN, respond},
};

const SCOPE: &str = "read_apis";

/// `GET /apis`
#[tracing::instrument(skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    access::known_caller(&caller)?;
    let configuration = state.configuration();
    let listed = configuration.apis.iter();
    let listed: Vec<_> = listed
        .filter(|api| access::is_listed(api, &caller))
        .collect();
    let mut entries = Vec::with_capacity(listed.len());
    for api in &listed {
        entries.push(entry(&state, api, &caller).await);
    }
    let page = paging::of_configuration(
        &parameters,
        listed.iter().zip(&entries),
        |(api, _)| &api.id,
        |(_, entry)| parsed(entry),
    )?;
    if let Some(page) = page {
        return Ok(page);
    }
    let mut tail = String::new();
    if caller.is_admin() {
        for (name, value) in &configuration.apis_members {
            let name = Value::from(name.as_str());
            write!(tail, ",{name}:{value}").expect("writing to a String");
        }
    }
    let body = Rendered::new(Rendered::list("apis", &entries, &tail));
    Ok(respond(&headers, &body, JSON))
}

/// `GET /apis/{api}`
#[tracing::instrument(skip_all, fields(api.id = %id))]
pub async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let api = access::visible(&configuration, &id, &caller)?;
    Ok(respond(&headers, &entry(&state, api, &caller).await, JSON))
}

fn parsed(entry: &Rendered) -> Value {
    serde_json::from_slice(&entry.bytes).unwrap_or_default()
}

/// The entry as this caller sees it.
async fn entry(state: &AppState, api: &Api, caller: &Caller) -> Rendered {
    scopes::shown(state, api, caller.is_admin()).await
}

/// `GET /apis/desc`: the text above the catalogue.
pub async fn overview(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let text = configuration
        .apis_description
        .clone()
        .ok_or_else(|| ApiError::not_found("The configuration has no text about its APIs."))?;
    Ok(respond(&headers, &Rendered::new(text), MARKDOWN))
}

/// `GET /apis/{api}/desc`: the long text; without one an empty text.
#[tracing::instrument(skip_all, fields(api.id = %id))]
pub async fn description(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let api = access::visible(&configuration, &id, &caller)?;
    let text = Rendered::new(api.description.clone().unwrap_or_default());
    Ok(respond(&headers, &text, MARKDOWN))
}

/// `GET /apis/{api}/config`: complete for administrators, else where the API is reached.
#[tracing::instrument(skip_all, fields(api.id = %id))]
pub async fn gateway_config(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let api = access::visible(&configuration, &id, &caller)?;
    let shown = if caller.is_admin() {
        &api.config_full
    } else {
        &api.config_public
    };
    Ok(respond(&headers, shown, JSON))
}

/// `GET /apis/{api}/plans`: the plans that this caller may choose.
#[tracing::instrument(skip_all, fields(api.id = %id))]
pub async fn plans(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    caller.require_scope("read_plans")?;
    let configuration = state.configuration();
    let api = access::visible(&configuration, &id, &caller)?;
    let plans = api.plans.iter().filter_map(|id| configuration.plan(id));
    let plans: Vec<_> = plans.filter(|plan| may_choose(plan, &caller)).collect();
    let page = paging::of_configuration(&parameters, &plans, |plan| &plan.id, |plan| &plan.json)?;
    if let Some(page) = page {
        return Ok(page);
    }
    let mut body = vec![b'['];
    for plan in plans {
        if body.len() > 1 {
            body.push(b',');
        }
        body.extend_from_slice(&plan.rendered.bytes);
    }
    body.push(b']');
    Ok((
        StatusCode::OK,
        [(header::CONTENT_TYPE, rendered::JSON)],
        body,
    )
        .into_response())
}

/// Nobody chooses anonymously.
fn may_choose(plan: &config::plans::Plan, caller: &Caller) -> bool {
    let is_somebody = caller.user().is_some() || caller.is_admin();
    let group = plan.required_group.as_deref();
    is_somebody && group.is_none_or(|group| access::has_group(caller, group))
}
