//! One gateway node: reading what it has, changing it, and what is known of it.

use std::{future::Future, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use kong::{
    Kind,
    admin::{Client, ConfigOutcome, Error},
};
use serde_json::Value;
use service::{backoff::Backoff, revocations::Feed};

use crate::{
    diff::{Change, ChangeKind},
    entity::{Entities, Entity, Fields, Key, masked, text},
    target::Target,
};

/// Tries of one call while the gateway says "not now".
const TRIES: usize = 6;
/// Longer than this no gateway is waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A gateway address.
#[derive(Clone)]
pub struct Node {
    client: Client,
    address: String,
}

impl Node {
    pub const fn new(client: Client, address: String) -> Self {
        Self { client, address }
    }

    /// Host and port, to name the node before it has said who it is.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// `GET /`
    pub async fn describe(&self) -> Result<kong::admin::Node, Error> {
        let result = self.client.node().await;
        count("GET", None, &result);
        result
    }

    /// `GET /status`
    pub async fn status(&self) -> Result<Value, Error> {
        let result = self.client.status().await;
        count("GET", None, &result);
        result
    }

    /// The schema of a plugin.
    pub async fn plugin_schema(&self, plugin: &str) -> Result<Option<Value>, Error> {
        patiently(|| self.client.plugin_schema(plugin)).await
    }

    /// Tells which access tokens ended before their time.
    pub async fn put_revocations(&self, feed: &Feed) -> Result<(), Error> {
        let result = self.client.put_revocations(feed).await;
        count("PUT", None, &result);
        result
    }

    /// All entities of these kinds with every one of these tags.
    pub async fn read(&self, kinds: &[Kind], tags: &[&str]) -> Result<Entities, Error> {
        let lists = kinds.iter().copied().map(|kind| self.read_kind(kind, tags));
        let lists: Vec<Vec<Entity>> = stream::iter(lists)
            .buffer_unordered(kinds.len())
            .try_collect()
            .await?;
        Ok(lists.into_iter().flatten().collect())
    }

    /// One page of a kind, from `offset` on.
    pub async fn page(&self, kind: Kind, tag: &str, offset: Option<&str>) -> Result<Page, Error> {
        let tags = [tag];
        let result = patiently(|| self.client.page::<Fields>(kind, &tags, offset)).await;
        count("GET", Some(kind), &result);
        let page = result?;
        Ok(Page {
            entities: keyed(kind, page.data).collect(),
            offset: page.offset,
        })
    }

    async fn read_kind(&self, kind: Kind, tags: &[&str]) -> Result<Vec<Entity>, Error> {
        let list = patiently(|| self.client.list_fields(kind, tags)).await;
        count("GET", Some(kind), &list);
        let list = match list {
            // A Kong without the plugin does not have its credentials either.
            Err(error) if error.status() == Some(404) && kind.is_credential() => Vec::new(),
            list => list?,
        };
        Ok(keyed(kind, list).collect())
    }

    /// The entity with this natural key, whoever made it.
    pub async fn find(&self, kind: Kind, key: &str) -> Result<Option<Fields>, Error> {
        let result = patiently(|| self.client.get_fields(kind, key)).await;
        count("GET", Some(kind), &result);
        result
    }

    /// Asks whether the gateway would take an entity.
    pub async fn validate(&self, kind: Kind, body: &Fields) -> Result<(), Error> {
        let result = patiently(|| self.client.validate(kind, body)).await;
        count("POST", Some(kind), &result);
        result
    }

    /// Makes one change. What the gateway refuses for a moment only is tried again.
    pub async fn make(&self, target: &Target, change: &Change) -> Result<(), Error> {
        let Key { kind, id } = change.key;
        let (method, result) = match &change.kind {
            ChangeKind::Put { fields, .. } => {
                let body = target.body(fields);
                log_call("PUT", change.key, Some(fields));
                let call = || self.client.put_fields(kind, id, &body);
                let result = repeated(call, |_| true).await;
                ("PUT", result)
            }
            ChangeKind::Delete => {
                let id = id.to_string();
                log_call("DELETE", change.key, None);
                let result = repeated(|| self.client.delete_kind(kind, &id), |_| true).await;
                ("DELETE", result)
            }
        };
        count(method, Some(kind), &result);
        result
    }

    /// Loads a whole document.
    pub async fn load(&self, document: &bytes::Bytes) -> Result<ConfigOutcome, Error> {
        let result = patiently(|| self.client.post_config(document.clone())).await;
        count("POST", None, &result);
        result
    }
}

/// A part of a list.
pub struct Page {
    pub entities: Vec<Entity>,
    pub offset: Option<String>,
}

fn keyed(kind: Kind, list: Vec<Fields>) -> impl Iterator<Item = Entity> {
    list.into_iter().filter_map(move |fields| {
        let id = text(&fields, "id")?.parse().ok()?;
        Some((Key { kind, id }, fields))
    })
}

/// Reads until it is decided. A node that does not answer at all is waited for by the loop.
async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    repeated(call, |error| !matches!(error, Error::Unreachable(_))).await
}

/// Calls until it is decided, as long as `again` agrees.
async fn repeated<T, F>(call: impl Fn() -> F, again: impl Fn(&Error) -> bool) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut backoff = Backoff::new(Duration::from_millis(200), LONGEST_PAUSE);
    for _ in 1..TRIES {
        let result = call().await;
        let error = match &result {
            Err(error) if error.is_temporary() && again(error) => error,
            _ => return result,
        };
        match error.refused().and_then(|refused| refused.retry_after) {
            Some(seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds).min(LONGEST_PAUSE)).await;
            }
            None => backoff.wait().await,
        }
    }
    call().await
}

fn log_call(method: &str, key: Key, fields: Option<&Fields>) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        let body = fields.map(|fields| Value::Object(masked(key.kind, fields)));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        tracing::debug!(body, "{method} /{key}");
    }
}

fn count<T>(method: &'static str, kind: Option<Kind>, result: &Result<T, Error>) {
    let status = match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error
            .status()
            .map_or("none".to_owned(), |status| status.to_string()),
    };
    let labels = [
        ("method", method.to_owned()),
        ("kind", kind.map_or("node", Kind::name).to_owned()),
        ("status", status),
    ];
    metrics::counter!("wicketgate_gateway_calls_total", &labels).increment(1);
}
