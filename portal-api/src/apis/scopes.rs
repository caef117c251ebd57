//! Scopes that another service defines (`scopeLookupUrl`, portal-api 18.2).
//!
//! The last known answer is served for as long as it takes; only the first request for an API
//! waits, and not for long. One failing helper never breaks the list of APIs.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use config::{Rendered, apis::Api};
use serde_json::{Map, Value};
use service::http::read_at_most;
use url::Url;

use crate::AppState;

const KEPT: Duration = Duration::from_mins(5);
const PATIENCE: Duration = Duration::from_secs(3);
const MAX_BYTES: usize = 1024 * 1024;

/// The last answers, by address.
#[derive(Default)]
pub struct LookedUpScopes(Mutex<HashMap<Url, Answer>>);

#[derive(Clone)]
struct Answer {
    /// `None`: the helper has never answered.
    scopes: Option<Value>,
    /// When it was asked last.
    asked: Instant,
}

impl LookedUpScopes {
    fn get(&self, url: &Url) -> Option<Answer> {
        self.0.lock().expect("no holder panics").get(url).cloned()
    }

    /// Notes that somebody asks now, so that no second one does.
    fn claim(&self, url: &Url) {
        let mut answers = self.0.lock().expect("no holder panics");
        let scopes = answers.get(url).and_then(|answer| answer.scopes.clone());
        answers.insert(
            url.clone(),
            Answer {
                scopes,
                asked: Instant::now(),
            },
        );
    }

    fn store(&self, url: Url, scopes: Value) {
        let answer = Answer {
            scopes: Some(scopes),
            asked: Instant::now(),
        };
        self.0.lock().expect("no holder panics").insert(url, answer);
    }
}

/// The entry of an API with the scopes that hold now; `full` with the addresses of helpers.
pub(crate) async fn shown(state: &AppState, api: &Api, full: bool) -> Rendered {
    let entry = if full { &api.full } else { &api.public };
    let Some(url) = address(api) else {
        return entry.clone();
    };
    let scopes = current(state, &url).await;
    let mut entry: Map<String, Value> =
        serde_json::from_slice(&entry.bytes).expect("it was rendered from an object");
    let is_known = scopes.is_some();
    let settings = entry.entry("settings").or_insert_with(|| Map::new().into());
    if let (Some(settings), Some(scopes)) = (settings.as_object_mut(), scopes) {
        settings.insert("scopes".to_owned(), scopes);
    }
    if !is_known {
        entry.insert("scopeLookupFailed".to_owned(), true.into());
    }
    Rendered::json(&entry)
}

/// The ids of the scopes that hold now. As long as a helper has never answered, those of the entry.
pub(crate) async fn known(state: &AppState, api: &Api) -> Vec<String> {
    if let Some(Value::Object(scopes)) = looked_up(state, api).await {
        return scopes.keys().cloned().collect();
    }
    let scopes = api.oauth2.scopes.iter();
    scopes.map(|(id, _)| id.clone()).collect()
}

/// What another service says of the scopes, if one is to be asked and has ever answered.
pub(crate) async fn looked_up(state: &AppState, api: &Api) -> Option<Value> {
    current(state, &address(api)?).await
}

async fn current(state: &AppState, url: &Url) -> Option<Value> {
    let known = state.looked_up_scopes.get(url);
    if let Some(answer) = known {
        if answer.asked.elapsed() > KEPT {
            state.looked_up_scopes.claim(url);
            let (state, url) = (state.clone(), url.clone());
            tokio::spawn(async move { refresh(&state, &url).await });
        }
        return answer.scopes;
    }
    state.looked_up_scopes.claim(url);
    refresh(state, url).await;
    state.looked_up_scopes.get(url)?.scopes
}

async fn refresh(state: &AppState, url: &Url) {
    match ask(url).await {
        Ok(scopes) => state.looked_up_scopes.store(url.clone(), scopes),
        Err(error) => tracing::warn!(%url, "scopes could not be looked up: {error:#}"),
    }
}

/// `{scope: {description}}`
async fn ask(url: &Url) -> anyhow::Result<Value> {
    let request = service::http::client().get(url.clone()).timeout(PATIENCE);
    let response = request.send().await?.error_for_status()?;
    let body = read_at_most(response, MAX_BYTES).await?;
    let scopes: Value = serde_json::from_slice(&body).context("the answer is no JSON")?;
    ensure!(scopes.is_object(), "the answer is no object");
    Ok(scopes)
}

/// Where the scopes of an API are looked up.
fn address(api: &Api) -> Option<Url> {
    below(api.scope_lookup_url.as_ref()?, &api.id)
}

/// `<url>/<api id>`
fn below(base: &Url, api: &str) -> Option<Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(api);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn the_id_is_appended_with_one_slash() {
        for base in ["http://h/scopes", "http://h/scopes/"] {
            let url = below(&base.parse().unwrap(), "orders").unwrap();
            assert_eq!(url.as_str(), "http://h/scopes/orders");
        }
    }
}
