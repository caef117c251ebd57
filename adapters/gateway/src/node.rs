//! One gateway node: reading what it has, changing it, and what is known of it.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use kong::{
    Kind,
    admin::{Client, Error},
};
use serde_json::Value;
use service::backoff::Backoff;
use url::Url;

use crate::{
    diff::{Change, ChangeKind},
    entity::{Entities, Entity, Key, text},
};

/// Tries of one call while the gateway says "not now".
const TRIES: usize = 4;

/// A gateway address. Each embedded gateway is a store of its own and gets its own difference.
#[derive(Clone)]
pub struct Node {
    client: Client,
}

impl Node {
    pub fn new(address: Url, token: Option<String>) -> Self {
        Self {
            client: Client::new(service::http::client(), address, token),
        }
    }

    /// Host and port, to name the node before it has said who it is.
    pub fn address(&self) -> String {
        let url = self.client.base();
        let port = url.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", url.host_str().unwrap_or_default())
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

    /// All entities with every one of these tags.
    pub async fn read(&self, tags: &[&str]) -> Result<Entities, Error> {
        let lists = Kind::ALL.into_iter().map(|kind| self.read_kind(kind, tags));
        let lists: Vec<Vec<Entity>> = stream::iter(lists)
            .buffer_unordered(Kind::ALL.len())
            .try_collect()
            .await?;
        Ok(lists.into_iter().flatten().collect())
    }

    /// The consumers of one application with all that belongs to them.
    pub async fn read_consumers(&self, tags: &[&str]) -> Result<Entities, Error> {
        let kinds = [
            Kind::Consumer,
            Kind::KeyAuth,
            Kind::JwtSecret,
            Kind::Acl,
            Kind::Plugin,
        ];
        let lists = kinds.into_iter().map(|kind| self.read_kind(kind, tags));
        let lists: Vec<Vec<Entity>> = stream::iter(lists)
            .buffer_unordered(kinds.len())
            .try_collect()
            .await?;
        Ok(lists.into_iter().flatten().collect())
    }

    async fn read_kind(&self, kind: Kind, tags: &[&str]) -> Result<Vec<Entity>, Error> {
        let list = self.client.list_fields(kind, tags).await;
        count("GET", Some(kind), &list);
        let list = list?;
        let keyed = list.into_iter().filter_map(|fields| {
            let id = text(&fields, "id")?.parse().ok()?;
            Some((Key { kind, id }, fields))
        });
        Ok(keyed.collect())
    }

    /// Makes one change. What the gateway refuses for a moment only is tried again.
    pub async fn make(&self, change: &Change) -> Result<(), Error> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let mut tries = 1;
        loop {
            let Key { kind, id } = change.key;
            let (method, result) = match &change.kind {
                ChangeKind::Put { fields, .. } => {
                    ("PUT", self.client.put_fields(kind, id, fields).await)
                }
                ChangeKind::Delete => (
                    "DELETE",
                    self.client.delete_kind(kind, &id.to_string()).await,
                ),
            };
            count(method, Some(kind), &result);
            match result {
                Err(error) if error.is_temporary() && tries < TRIES => tries += 1,
                result => return result,
            }
            backoff.wait().await;
        }
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
