//! `GET /apis/{api}/swagger`: the definition of an API (portal-api 18.5).

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::Context;
use axum::{
    extract::{Path, State},
    response::Response,
};
use config::{
    Rendered,
    apis::Audience,
    openapi::{self, Definition, Rewriting},
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use service::{http::read_at_most, problem::Problem};
use url::Url;

use super::access;
use crate::{
    ApiError, AppState,
    caller::Caller,
    configuration::files::read,
    paging::Parameters,
    rendered::{JSON, respond},
};

const KEPT: Duration = Duration::from_mins(5);
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Definitions that were fetched from elsewhere, by API. Failures are not remembered.
#[derive(Default)]
pub struct FetchedDefinitions(Mutex<HashMap<String, Fetched>>);

struct Fetched {
    definition: Rendered,
    /// Configuration for which it was rewritten.
    hash: String,
    at: Instant,
}

impl FetchedDefinitions {
    fn get(&self, api: &str, hash: &str) -> Option<Rendered> {
        let fetched = self.0.lock().expect("no holder panics");
        let fetched = fetched.get(api)?;
        (fetched.hash == hash && fetched.at.elapsed() < KEPT).then(|| fetched.definition.clone())
    }

    fn store(&self, api: &str, hash: &str, definition: Rendered) {
        let fetched = Fetched {
            definition,
            hash: hash.to_owned(),
            at: Instant::now(),
        };
        self.0
            .lock()
            .expect("no holder panics")
            .insert(api.to_owned(), fetched);
    }
}

/// `GET /apis/{api}/swagger`
#[tracing::instrument(skip_all, fields(api.id = %id))]
pub async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope("read_apis")?;
    let configuration = state.configuration();
    let api = access::visible(&configuration, &id, &caller)?;
    if let Some(commit) = parameters.get("commit").filter(|text| !text.is_empty()) {
        let definition = earlier(&state, &caller, &id, commit).await?;
        return Ok(respond(&headers, &definition, JSON));
    }
    match &api.definition {
        Definition::Local(definition) => Ok(respond(&headers, definition, JSON)),
        Definition::Missing => Err(ApiError::not_found(format!(
            "API `{id}` has no definition (swagger.json)."
        ))),
        Definition::Broken(reason) => Err(unusable(reason)),
        Definition::Remote { url, rewriting } => {
            let hash = &configuration.hash;
            if let Some(definition) = state.fetched_definitions.get(&id, hash) {
                return Ok(respond(&headers, &definition, JSON));
            }
            let definition = fetch(url, rewriting).await.map_err(|error| {
                tracing::warn!(%url, "the definition could not be fetched: {error:#}");
                unusable("the place it is kept at does not give it")
            })?;
            state
                .fetched_definitions
                .store(&id, hash, definition.clone());
            Ok(respond(&headers, &definition, JSON))
        }
    }
}

/// The definition as it is written in a commit in which the API was the caller's to see, too.
async fn earlier(
    state: &AppState,
    caller: &Caller,
    id: &str,
    commit: &str,
) -> Result<Rendered, ApiError> {
    let file = async |path: String| {
        let found = read(state, path, Some(commit.to_owned())).await?;
        let bytes = found.and_then(|(_, bytes)| bytes);
        Ok::<_, ApiError>(bytes.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()))
    };
    let list = file("apis/apis.json".to_owned()).await?;
    let entries = list.as_ref().and_then(|list| list["apis"].as_array());
    let entry = entries.and_then(|entries| entries.iter().find(|entry| entry["id"] == id));
    let is_visible =
        entry.is_some_and(|entry| access::belongs_to(caller, Audience::of_entry(entry)));
    let definition = if is_visible {
        file(format!("apis/{id}/swagger.json")).await?
    } else {
        None
    };
    let is_one = |document: &Value| {
        let mut names = ["openapi", "swagger"].into_iter();
        names.any(|name| document[name].is_string())
    };
    let definition = definition.filter(is_one).ok_or_else(|| {
        ApiError::not_found(format!(
            "There is no definition of API `{id}` in this commit."
        ))
    })?;
    Ok(Rendered::json(&definition))
}

async fn fetch(url: &Url, rewriting: &Rewriting) -> anyhow::Result<Rendered> {
    let response = service::http::client()
        .get(url.clone())
        .send()
        .await?
        .error_for_status()?;
    let body = read_at_most(response, MAX_BYTES).await?;
    let document = serde_json::from_slice(&body).context("it is no JSON")?;
    Ok(Rendered::json(&openapi::rewrite(document, rewriting)?))
}

fn unusable(reason: &str) -> ApiError {
    let message = format!("The definition of this API cannot be used: {reason}.");
    let problem = Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "unusable-definition",
        message,
    );
    ApiError::Refused(Box::new(problem))
}
