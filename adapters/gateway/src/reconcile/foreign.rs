//! What is on the gateway and not ours, and the removal of what wicked has left behind
//! (events-and-adapters C12.3).

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kong::Kind;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Reconciler, RunError};
use crate::{
    diff::{Change, ChangeKind, Stage},
    entity::{Entities, Fields, Key, reference, tags, text},
    node::Node,
    target::Target,
};

const KINDS: [Kind; 4] = [Kind::Service, Kind::Route, Kind::Consumer, Kind::Plugin];

/// Answer of `GET /foreign`.
#[derive(Debug, Default, Serialize)]
pub struct Foreign {
    pub entities: Vec<ForeignEntity>,
    /// To be sent with `POST /prune`: it removes exactly the leftovers of this list.
    pub confirm: String,
}

/// An entity without the tag of this installation.
#[derive(Debug, Serialize)]
pub struct ForeignEntity {
    pub kind: &'static str,
    pub id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether an older adapter seems to have made it.
    pub leftover: bool,
}

/// Why nothing was pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The list is another one than the one that was looked at.
    #[error("the list of leftovers is another one now; look at it again")]
    OtherList,
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Reconciler {
    /// Everything that does not belong to this installation, on the first store.
    pub async fn foreign(&self) -> Result<Foreign, RunError> {
        Ok(list(&self.read_foreign().await?.2))
    }

    /// Removes the leftovers, if they are still those that were looked at.
    pub async fn prune(&self, confirm: &str) -> Result<usize, PruneError> {
        let (node, target, entities) = self.read_foreign().await?;
        if list(&entities).confirm != confirm {
            return Err(PruneError::OtherList);
        }
        let leftovers = leftovers(&entities);
        let mut removed = 0;
        // Who gets in goes first, and routes before the service they lead to.
        for kind in [Kind::Consumer, Kind::Route, Kind::Service] {
            for key in leftovers.iter().filter(|key| key.kind == kind) {
                let change = Change {
                    key: *key,
                    kind: ChangeKind::Delete,
                    unit: key.id,
                    stage: Stage::Ended,
                };
                let made = node.make(&target, &change).await;
                made.map_err(RunError::gateway(&node))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn read_foreign(&self) -> Result<(Node, Target, Entities), RunError> {
        let (nodes, found, first) = self.look().await?;
        let target = Target::of(&first);
        let node = nodes
            .into_iter()
            .zip(&found)
            .find(|(_, found)| found.in_sync)
            .map(|(node, _)| node)
            .ok_or_else(|| RunError::Setup("no gateway answers".to_owned()))?;
        let own_tag = self.settings.ids.own_tag();
        let read = node.read(&KINDS, &[]).await;
        let mut entities = read.map_err(RunError::gateway(&node))?;
        entities.retain(|_, fields| !tags(fields).any(|tag| tag == own_tag));
        Ok((node, target, entities))
    }
}

fn list(entities: &Entities) -> Foreign {
    let leftovers = leftovers(entities);
    let entity = |(key, fields): (&Key, &Fields)| ForeignEntity {
        kind: key.kind.name(),
        id: key.id,
        name: text(fields, "name")
            .or_else(|| text(fields, "username"))
            .map(str::to_owned),
        leftover: leftovers.contains(key),
    };
    let mut text = String::new();
    for key in &leftovers {
        text.push_str(&key.to_string());
        text.push('\n');
    }
    let confirm = digest(&SHA256, text.as_bytes());
    Foreign {
        entities: entities.iter().map(entity).collect(),
        confirm: URL_SAFE_NO_PAD.encode(&confirm.as_ref()[..16]),
    }
}

/// Consumers named `<application>$<api>`; services that only such consumers may call; the routes
/// of these services.
fn leftovers(entities: &Entities) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    let mut add = |kind, id| {
        found.insert(Key { kind, id });
    };
    let mut called = BTreeSet::new();
    for (id, fields) in entities.of_kind(Kind::Consumer) {
        let parts = text(fields, "username").and_then(|name| name.split_once('$'));
        if let Some((application, api)) = parts
            && !application.is_empty()
            && !api.is_empty()
            && !api.contains('$')
        {
            called.insert(api.to_owned());
            add(Kind::Consumer, id);
        }
    }
    let mut services = BTreeSet::new();
    for (id, fields) in entities.of_kind(Kind::Service) {
        let name = text(fields, "name").unwrap_or_default();
        if called.contains(name) || lets_in_its_own_group(entities, id, name) {
            services.insert(id);
            add(Kind::Service, id);
        }
    }
    for (id, fields) in entities.of_kind(Kind::Route) {
        if reference(fields, "service").is_some_and(|service| services.contains(&service)) {
            add(Kind::Route, id);
        }
    }
    found
}

fn lets_in_its_own_group(entities: &Entities, service: Uuid, name: &str) -> bool {
    let mut plugins = entities.of_kind(Kind::Plugin);
    plugins.any(|(_, fields)| {
        let allowed = fields
            .get("config")
            .and_then(|config| config.get("allow"))
            .and_then(Value::as_array);
        text(fields, "name") == Some("acl")
            && reference(fields, "service") == Some(service)
            && allowed.is_some_and(|groups| groups.iter().any(|group| group == name))
    })
}
