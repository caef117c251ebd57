//! The operations of published APIs, read from portal-api when the first call of an API is counted
//! and kept until the configuration changes. While it does not answer, calls are counted without
//! their operation: counting is worth more than telling apart.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use sdk::Client;

use super::operations::{Definition, Operations};
use crate::state::{Published, Shared};

/// Definitions that stand elsewhere change without the configuration.
const KEPT: Duration = Duration::from_hours(1);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(10);
/// Definitions that are read at the same time.
const PARALLEL: usize = 4;
/// Of all APIs together: some hundred bytes each.
const MAX_OPERATIONS: usize = 200_000;

/// What is known of all APIs.
pub struct Catalogue {
    portal: Client,
    shared: Arc<Shared>,
    apis: RwLock<Apis>,
}

type Apis = HashMap<String, Known>;

/// What is known of one API.
#[derive(Clone)]
struct Known {
    operations: Arc<Operations>,
    /// The configuration it belongs to.
    hash: String,
    until: Instant,
}

/// The operations of the APIs that a delivery speaks of.
pub struct Chosen(HashMap<String, Arc<Operations>>);

impl Chosen {
    /// The operation of a call, if the definition of its API has one.
    pub fn find(&self, service: Option<&str>, method: &str, path: &str) -> Option<Arc<str>> {
        self.0.get(service?)?.find(method, path)
    }
}

impl Catalogue {
    pub fn new(portal: &Client, shared: Arc<Shared>) -> Self {
        Self {
            // Usage does not wait for tries.
            portal: portal.clone().with_patience(Duration::ZERO),
            shared,
            apis: RwLock::default(),
        }
    }

    /// What is needed for calls of these services. Those that are no APIs of ours have no operations.
    pub async fn choose<'a>(&self, services: impl Iterator<Item = &'a str>) -> Chosen {
        let published = self.shared.published();
        let wanted: BTreeSet<&str> = services
            .filter(|service| published.routes.contains_key(*service))
            .collect();
        let due: Vec<String> = {
            let known = self.apis.read().unwrap_or_else(PoisonError::into_inner);
            let is_due = |api: &&str| {
                let known = known.get(*api);
                known.is_none_or(|known| {
                    known.until <= Instant::now() || known.hash != published.hash
                })
            };
            let due = wanted.iter().copied().filter(is_due);
            due.map(str::to_owned).collect()
        };
        let mut reads = Vec::new();
        for api in due {
            reads.push(self.read(api, &published));
        }
        let read: Vec<_> = stream::iter(reads)
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        let mut known = self.apis.write().unwrap_or_else(PoisonError::into_inner);
        for (api, operations) in read {
            take(&mut known, &api, operations, &published);
        }
        let chosen = wanted.into_iter().filter_map(|api| {
            let operations = known.get(api)?.operations.clone();
            Some((api.to_owned(), operations))
        });
        Chosen(chosen.collect())
    }

    async fn read(
        &self,
        api: String,
        published: &Published,
    ) -> (String, Result<Operations, sdk::Error>) {
        let definition: Result<Definition, _> = self.portal.api_definition(&api).await;
        let routes = published.routes.get(&api).into_iter().flatten();
        let operations =
            definition.map(|definition| Operations::new(routes.map(String::as_str), &definition));
        (api, operations)
    }
}

/// Keeps what was read. Where that failed, what is there stays.
fn take(known: &mut Apis, api: &str, read: Result<Operations, sdk::Error>, published: &Published) {
    known.retain(|api, _| published.routes.contains_key(api));
    let (operations, kept) = match read {
        Ok(operations) => (Arc::new(operations), KEPT),
        Err(error) => {
            // An API without a definition has none in an hour either.
            let kept = if error.is_temporary() { PAUSE } else { KEPT };
            tracing::debug!(api.id = api, "calls are counted without operation: {error}");
            let before = known.get(api).map(|known| known.operations.clone());
            (before.unwrap_or_default(), kept)
        }
    };
    let others = known.iter().filter(|(other, _)| *other != api);
    let there: usize = others.map(|(_, known)| known.operations.len()).sum();
    let operations = if there + operations.len() > MAX_OPERATIONS {
        tracing::warn!(
            api.id = api,
            "calls are counted without operation: there are too many"
        );
        Arc::default()
    } else {
        operations
    };
    known.insert(
        api.to_owned(),
        Known {
            operations,
            hash: published.hash.clone(),
            until: Instant::now() + kept,
        },
    );
}
