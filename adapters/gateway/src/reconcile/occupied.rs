//! Names and keys that somebody else's entity has. What was refused for that once is not tried
//! again before the other one is gone, so that a second run makes no call that changes anything.

use std::collections::BTreeSet;

use kong::{Kind, admin::Error};
use uuid::Uuid;

use super::{Notes, problems::note};
use crate::{
    desired::Desired,
    diff::{Aliases, Change, ChangeKind, natural_key},
    entity::{Entities, Fields, Key, text},
    node::Node,
};

/// Ids of entities of ours that cannot be made, because another one is in the way.
#[derive(Debug, Default)]
pub struct Occupied(BTreeSet<Key>);

impl Occupied {
    pub fn extend(&mut self, keys: Vec<Key>) {
        self.0.extend(keys);
    }

    /// Takes out of `changes` what still cannot be made, with all that would follow it.
    pub async fn leave_out(
        &mut self,
        node: &Node,
        notes: &mut Notes,
        desired: &Desired,
        actual: &Entities,
        changes: &mut Vec<Change>,
    ) -> Result<(), Error> {
        let mut blocked: BTreeSet<Uuid> = BTreeSet::new();
        let mut faults = Vec::new();
        let suspects: Vec<Change> = changes
            .iter()
            .filter(|change| self.0.contains(&change.key))
            .cloned()
            .collect();
        for change in suspects {
            let ChangeKind::Put {
                fields,
                before: None,
            } = &change.kind
            else {
                continue;
            };
            if is_taken(node, change.key.kind, fields).await? {
                blocked.insert(change.unit);
                faults.push(change);
            } else {
                self.0.remove(&change.key);
            }
        }
        changes.retain(|change| {
            let is_blocked =
                blocked.contains(&change.unit) && !matches!(change.kind, ChangeKind::Delete);
            if is_blocked {
                notes.undone.note(change);
            }
            !is_blocked
        });
        for change in faults {
            note(
                notes,
                desired,
                actual,
                &change,
                taken_by_another(change.key),
            );
        }
        Ok(())
    }
}

pub fn taken_by_another(key: Key) -> String {
    format!(
        "{key}: an entity that does not belong to this installation has this name or key; remove \
         it, or let it be taken over (KONG_ADOPT, POST /adopt)"
    )
}

/// Whether the gateway has an entity with this natural key.
async fn is_taken(node: &Node, kind: Kind, fields: &Fields) -> Result<bool, Error> {
    match kind {
        Kind::Plugin => {
            let wanted = natural_key(kind, fields, &Aliases::new());
            let plugins = node.read(&[kind], &[]).await?;
            let mut keys = plugins
                .iter()
                .map(|(_, fields)| natural_key(kind, fields, &Aliases::new()));
            Ok(keys.any(|key| key == wanted))
        }
        Kind::Consumer => {
            let by_name = taken(node, kind, text(fields, "username")).await?;
            // The other unique field has no path of its own.
            Ok(by_name || {
                let consumers = node.read(&[kind], &[]).await?;
                let id = text(fields, "custom_id");
                id.is_some()
                    && consumers
                        .iter()
                        .any(|(_, fields)| text(fields, "custom_id") == id)
            })
        }
        Kind::Service | Kind::Route => taken(node, kind, text(fields, "name")).await,
        Kind::KeyAuth | Kind::JwtSecret => taken(node, kind, text(fields, "key")).await,
        Kind::Oauth2 => taken(node, kind, text(fields, "client_id")).await,
        _ => Ok(false),
    }
}

async fn taken(node: &Node, kind: Kind, key: Option<&str>) -> Result<bool, Error> {
    match key {
        Some(key) => Ok(node.find(kind, key).await?.is_some()),
        None => Ok(false),
    }
}
