//! The difference between what shall be and what is, as the fewest possible calls.

mod align;
mod compare;
mod normal;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use kong::Kind;
use uuid::Uuid;

use crate::{
    desired::{Desired, Keep},
    entity::{Entities, Fields, Key, reference, tags, text},
    target::Target,
};
pub use align::{Aliases, align, natural_key};
use compare::is_same;
pub use normal::fingerprint;

/// One call that changes the gateway.
#[derive(Clone, Debug)]
pub struct Change {
    pub key: Key,
    pub kind: ChangeKind,
    /// What the entity belongs to. When a call fails, the rest of its unit waits.
    pub unit: Uuid,
    /// Where the call stands in the order.
    pub stage: Stage,
}

#[derive(Clone)]
pub enum ChangeKind {
    Put {
        fields: Fields,
        /// What is there now.
        before: Option<Fields>,
    },
    Delete,
}

impl std::fmt::Debug for ChangeKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Put { before: None, .. } => "create",
            Self::Put { .. } => "update",
            Self::Delete => "delete",
        })
    }
}

/// The order of calls. It never leaves an API open or lets a working key die on the way:
/// what has ended goes first, what grants access comes after what restricts it, and what only changes
/// has its new form before the old one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// What nobody may call or use any more: APIs, consumers, credentials.
    Ended,
    /// Services and consumers, on which the others hang.
    Parents,
    /// Limits of consumers, plugins of the whole gateway; also credentials of consumers that are new
    /// and in no group yet, which saves a round trip.
    Limits,
    /// Credentials of consumers that are let in already.
    Credentials,
    /// Membership in the group that an API lets in.
    Groups,
    /// First the check of the group: alone it lets nobody in.
    AccessLists,
    ServicePlugins,
    OldGroups,
    OldLimits,
    /// Only now an API can be called.
    Routes,
    /// Routes of APIs that stay; another one may have taken over their paths.
    OldRoutes,
    OldServicePlugins,
    OldServices,
}

/// The calls that turn `actual` into `desired`. Both hold the same part of the gateway: all of it,
/// or one application. `services` are those that are there, or come with this run.
pub fn diff(
    target: &Target,
    desired: &Desired,
    actual: &Entities,
    services: &BTreeSet<Uuid>,
) -> Vec<Change> {
    let mut changes: Vec<Change> = puts(target, desired, actual)
        .filter(|change| has_service(change, services))
        .chain(deletes(desired, actual))
        .collect();
    changes.sort_by_key(|change| (change.stage, change.key));
    changes
}

/// Whether the service of a limit is there. If not (its API has a fault and was never published),
/// nobody can call it, and the limit comes before its routes do.
fn has_service(change: &Change, services: &BTreeSet<Uuid>) -> bool {
    match &change.kind {
        ChangeKind::Put { fields, .. } if change.key.kind == Kind::Plugin => {
            reference(fields, "service").is_none_or(|service| services.contains(&service))
        }
        _ => true,
    }
}

fn puts(target: &Target, desired: &Desired, actual: &Entities) -> impl Iterator<Item = Change> {
    desired.entities.iter().filter_map(|(key, fields)| {
        let before = actual.get(key);
        if before.is_some_and(|before| {
            is_same(target, key.kind, fields, before) || is_ignored(desired, key, before)
        }) {
            return None;
        }
        if consumer(key, fields).is_some_and(|id| desired.kept_consumers.contains_key(&id)) {
            return None;
        }
        Some(Change {
            key: *key,
            unit: unit(key, fields),
            stage: put_stage(key.kind, fields, actual),
            kind: ChangeKind::Put {
                fields: fields.clone(),
                before: before.cloned(),
            },
        })
    })
}

fn deletes(desired: &Desired, actual: &Entities) -> impl Iterator<Item = Change> {
    let gone: Vec<(&Key, &Fields)> = actual
        .iter()
        .filter(|(key, fields)| !desired.entities.contains(key) && !is_kept(desired, key, fields))
        .collect();
    let gone_parents: BTreeSet<Uuid> = gone
        .iter()
        .filter(|(key, _)| matches!(key.kind, Kind::Consumer | Kind::Service))
        .map(|(key, _)| key.id)
        .collect();
    gone.into_iter().filter_map(move |(key, fields)| {
        // What vanishes with its parent needs no call of its own.
        let cascades = key.kind.cascades()
            && key.kind.parents().iter().any(|(field, _)| {
                reference(fields, field).is_some_and(|parent| gone_parents.contains(&parent))
            });
        if cascades {
            return None;
        }
        Some(Change {
            key: *key,
            unit: unit(key, fields),
            stage: delete_stage(key.kind, fields, &gone_parents),
            kind: ChangeKind::Delete,
        })
    })
}

/// Whether a fault protects the entity from being removed.
pub fn is_kept(desired: &Desired, key: &Key, fields: &Fields) -> bool {
    if is_ignored(desired, key, fields) {
        return true;
    }
    let kept = consumer(key, fields).and_then(|consumer| desired.kept_consumers.get(&consumer));
    match kept.map(|kept| kept.keep) {
        Some(Keep::All) => true,
        Some(Keep::ButInvalidCredentials) => !opens(key.kind),
        None => tags(fields).any(|tag| desired.kept_apis.contains(tag)),
    }
}

/// Plugins of services that the configuration tells to leave alone once they are there.
fn is_ignored(desired: &Desired, key: &Key, fields: &Fields) -> bool {
    key.kind == Kind::Plugin
        && is_service_plugin(fields)
        && text(fields, "name").is_some_and(|name| desired.ignored.contains(name))
}

/// Whether somebody gets in with an entity of this kind.
pub const fn opens(kind: Kind) -> bool {
    matches!(kind, Kind::KeyAuth | Kind::JwtSecret | Kind::Oauth2)
}

/// The consumer that the entity is or belongs to.
fn consumer(key: &Key, fields: &Fields) -> Option<Uuid> {
    if key.kind == Kind::Consumer {
        return Some(key.id);
    }
    reference(fields, "consumer")
}

fn unit(key: &Key, fields: &Fields) -> Uuid {
    consumer(key, fields)
        .or_else(|| reference(fields, "service"))
        .unwrap_or(key.id)
}

fn put_stage(kind: Kind, fields: &Fields, actual: &Entities) -> Stage {
    let is_known = |id| {
        actual.contains(&Key {
            kind: Kind::Consumer,
            id,
        })
    };
    match kind {
        Kind::Service | Kind::Consumer => Stage::Parents,
        kind if opens(kind) && reference(fields, "consumer").is_some_and(is_known) => {
            Stage::Credentials
        }
        Kind::Acl => Stage::Groups,
        Kind::Route => Stage::Routes,
        Kind::Plugin if !is_service_plugin(fields) => Stage::Limits,
        Kind::Plugin if text(fields, "name") == Some("acl") => Stage::AccessLists,
        Kind::Plugin => Stage::ServicePlugins,
        _ => Stage::Limits,
    }
}

fn delete_stage(kind: Kind, fields: &Fields, gone_parents: &BTreeSet<Uuid>) -> Stage {
    let service_goes = reference(fields, "service").is_some_and(|id| gone_parents.contains(&id));
    match kind {
        Kind::Route if service_goes => Stage::Ended,
        Kind::Acl => Stage::OldGroups,
        Kind::Route => Stage::OldRoutes,
        Kind::Service => Stage::OldServices,
        Kind::Plugin if is_service_plugin(fields) => Stage::OldServicePlugins,
        Kind::Plugin => Stage::OldLimits,
        _ => Stage::Ended,
    }
}

fn is_service_plugin(fields: &Fields) -> bool {
    reference(fields, "service").is_some() && reference(fields, "consumer").is_none()
}
