//! Parsed definitions, kept for a while.
//!
//! What portal-api serves does not differ between people; only access does, and callers of this
//! cache have checked that by reading the API first.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use sdk::{Client, Error, types::Api};

use super::Definition;
use crate::mine::PARALLEL;

/// As long as portal-api keeps its own copy.
const FRESH: Duration = Duration::from_mins(5);
/// A list of APIs does not wait longer for the number of operations.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was read, and when; `None` is an API whose definition cannot be served.
#[derive(Clone)]
struct Entry {
    read: Instant,
    definition: Option<Arc<Definition>>,
}

/// Definitions by API id.
#[derive(Default)]
pub struct Definitions(Mutex<HashMap<String, Entry>>);

impl Definitions {
    /// The definition of an API that the caller may see.
    pub async fn get(&self, client: &Client, api: &str) -> Result<Option<Arc<Definition>>, Error> {
        if let Some(known) = self.fresh(api) {
            return Ok(known.definition);
        }
        let definition = match client.api_definition(api).await {
            Ok(root) => Some(parse(root).await),
            // Missing, or written wrong: the page says so instead of failing.
            Err(Error::Api(error)) => {
                tracing::warn!(api.id = api, "no definition: {error}");
                None
            }
            Err(error) => return Err(error),
        };
        let entry = Entry {
            read: Instant::now(),
            definition: definition.clone(),
        };
        self.lock().insert(api.to_owned(), entry);
        Ok(definition)
    }

    /// Numbers of operations, where they can be had in time.
    pub async fn counts(&self, client: &Client, apis: &[&Api]) -> Vec<Option<usize>> {
        let client = client.clone().with_patience(PATIENCE);
        let ids: Vec<String> = apis.iter().map(|api| api.id.clone()).collect();
        stream::iter(ids)
            .map(|id| self.count(client.clone(), id))
            .buffered(PARALLEL)
            .collect()
            .await
    }

    async fn count(&self, client: Client, api: String) -> Option<usize> {
        let definition = tokio::time::timeout(PATIENCE, self.get(&client, &api)).await;
        Some(definition.ok()?.ok()??.operations().len())
    }

    /// Forgets everything, because other configuration is in force.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn fresh(&self, api: &str) -> Option<Entry> {
        let entries = self.lock();
        entries
            .get(api)
            .filter(|entry| entry.read.elapsed() < FRESH)
            .cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Indexing a large file takes a while, so it does not hold up other requests.
async fn parse(root: serde_json::Value) -> Arc<Definition> {
    let parsed = tokio::task::spawn_blocking(move || Definition::new(root)).await;
    Arc::new(parsed.unwrap_or_else(|_| Definition::new(serde_json::Value::Null)))
}
