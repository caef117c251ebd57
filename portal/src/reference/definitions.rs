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
use serde_json::value::RawValue;

use super::Definition;
use crate::{mine::PARALLEL, worker};

/// As long as portal-api keeps its own copy.
const FRESH: Duration = Duration::from_mins(5);
/// A list of APIs does not wait longer for the number of operations.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of all definitions that are kept. A larger one is kept alone.
const MAX_SIZE: usize = 8 << 20;

/// What was read, and when.
struct Entry {
    read: Instant,
    used: Instant,
    /// Nothing, if the API has no definition that can be served.
    operations: Option<usize>,
    /// Nothing, if others needed the room.
    definition: Option<Arc<Definition>>,
}

/// What is known of an API's definition.
enum Known {
    Definition(Arc<Definition>),
    /// There is none that can be served.
    Nothing,
    ToBeRead,
}

/// Definitions by API id.
#[derive(Default)]
pub struct Definitions(Mutex<HashMap<String, Entry>>);

impl Definitions {
    /// The definition of an API that the caller may see.
    pub async fn get(&self, client: &Client, api: &str) -> Result<Option<Arc<Definition>>, Error> {
        match self.known(api) {
            Known::Definition(definition) => return Ok(Some(definition)),
            Known::Nothing => return Ok(None),
            Known::ToBeRead => {}
        }
        let definition = match client.raw_api_definition(api).await {
            Ok(text) => Some(parse(text).await),
            // Missing, or written wrong: the page says so instead of failing.
            Err(Error::Api(error)) => {
                tracing::warn!(api.id = api, "no definition: {error}");
                None
            }
            Err(error) => return Err(error),
        };
        self.keep(api, definition.clone());
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
        let counted = self.fresh(&api, |entry| entry.operations);
        if let Some(operations) = counted {
            return operations;
        }
        let definition = tokio::time::timeout(PATIENCE, self.get(&client, &api)).await;
        Some(definition.ok()?.ok()??.operations().len())
    }

    /// Forgets everything, because other configuration is in force.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn known(&self, api: &str) -> Known {
        let known = self.fresh(api, |entry| {
            entry.used = Instant::now();
            match (entry.operations, &entry.definition) {
                (None, _) => Known::Nothing,
                (Some(_), Some(definition)) => Known::Definition(definition.clone()),
                (Some(_), None) => Known::ToBeRead,
            }
        });
        known.unwrap_or(Known::ToBeRead)
    }

    fn fresh<T>(&self, api: &str, read: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let mut entries = self.lock();
        let entry = entries.get_mut(api)?;
        (entry.read.elapsed() < FRESH).then(|| read(entry))
    }

    /// Those that nobody has used for longest make room.
    fn keep(&self, api: &str, definition: Option<Arc<Definition>>) {
        let now = Instant::now();
        let mut entries = self.lock();
        let operations = definition.as_ref().map(|one| one.operations().len());
        let entry = Entry {
            read: now,
            used: now,
            operations,
            definition,
        };
        entries.insert(api.to_owned(), entry);
        let mut kept: Vec<(&String, &mut Entry)> = entries
            .iter_mut()
            .filter(|(_, entry)| entry.definition.is_some())
            .collect();
        kept.sort_by_key(|(id, entry)| (*id != api, std::cmp::Reverse(entry.used)));
        let mut room = MAX_SIZE;
        for (id, entry) in kept {
            let size = entry.definition.as_ref().map_or(0, |one| one.size());
            let fits = size <= room && entry.read.elapsed() < FRESH;
            if fits || id == api {
                room = room.saturating_sub(size);
            } else {
                entry.definition = None;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Indexing a large file takes a while, so it does not hold up other requests.
async fn parse(text: Box<RawValue>) -> Arc<Definition> {
    let parsed = worker::run(move || Definition::parse(text.get())).await;
    Arc::new(parsed.unwrap_or_else(|_| Definition::parse("")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn those_that_were_used_lately_stay_within_the_room() {
        let of_size = |size: usize| {
            // Six bytes for one: what is not in a path is kept as it is read.
            let info = json!({"description": "x".repeat(size / 6)});
            let definition = json!({"info": info, "paths": {"/a": {"get": {}}}});
            Some(Arc::new(Definition::new(&definition)))
        };
        let definitions = Definitions::default();
        let is_kept = |id| matches!(definitions.known(id), Known::Definition(_));
        for id in ["a", "b"] {
            definitions.keep(id, of_size(MAX_SIZE / 5 * 2));
        }
        definitions.keep("none", None);
        assert!(is_kept("a") && is_kept("b"));
        assert!(is_kept("a"), "used last");
        definitions.keep("c", of_size(MAX_SIZE / 5 * 2));
        assert!(is_kept("a") && !is_kept("b") && is_kept("c"));
        assert!(matches!(definitions.known("none"), Known::Nothing));
        assert_eq!(
            definitions.fresh("b", |entry| entry.operations),
            Some(Some(1))
        );
        definitions.keep("large", of_size(MAX_SIZE * 2));
        assert!(is_kept("large") && !is_kept("a") && !is_kept("c"));
    }
}
