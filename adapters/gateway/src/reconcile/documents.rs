//! Variants 2 and 3: the whole desired state as one document, loaded into each node (C13) or
//! written to a file (C14).

mod base;
mod file;

use std::{collections::BTreeSet, time::Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use kong::{ApiError, Kind, admin};
use serde_json::Value;

use super::{Notes, Options, Reconciler, RunError, brake, entities::Outcome, problems};
use crate::{
    desired::Desired,
    diff::{Change, ChangeKind, diff, is_kept},
    document,
    entity::{Entities, Fields, Key},
    node::Node,
    target::Target,
};

/// So often what a gateway objects to is left out, before the whole document counts as refused.
const ROUNDS: usize = 5;

/// What came of loading documents.
#[derive(Default)]
pub struct Brought {
    pub outcome: Outcome,
    /// Per node.
    pub loaded: Vec<bool>,
    pub error: Option<RunError>,
}

/// What is known of a node that takes documents.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    at: Instant,
}

impl Reconciler {
    /// Loads the document into every node that has something else.
    pub(super) async fn bring_documents(
        &self,
        nodes: &[&Node],
        target: &Target,
        desired: &Desired,
        actual: &[Entities],
        options: Options,
    ) -> Result<Brought, RunError> {
        let base = base::read(self.rules.base_config.as_deref()).await?;
        let mut runs = Vec::new();
        for (node, actual) in nodes.iter().zip(actual) {
            runs.push(self.bring_document(node, target, desired, actual, base.as_ref(), options));
        }
        let mut brought = Brought::default();
        for result in join_all(runs).await {
            match result {
                Ok(outcome) => {
                    brought.outcome.add(outcome);
                    brought.loaded.push(true);
                }
                Err(error) => {
                    brought.loaded.push(false);
                    brought.error.get_or_insert(error);
                }
            }
        }
        match brought.error.take() {
            // With no node at all the run has failed.
            Some(error) if !brought.loaded.contains(&true) => Err(error),
            error => Ok(Brought { error, ..brought }),
        }
    }

    async fn bring_document(
        &self,
        node: &Node,
        target: &Target,
        desired: &Desired,
        actual: &Entities,
        base: Option<&base::Base>,
        options: Options,
    ) -> Result<Outcome, RunError> {
        let mut outcome = Outcome::default();
        let mut wanted = desired.clone();
        // What has a fault stays as the node has it.
        wanted.entities.extend(
            actual
                .iter()
                .filter(|(key, fields)| {
                    !desired.entities.contains(key) && is_kept(desired, key, fields)
                })
                .map(|(key, fields)| (*key, fields.clone())),
        );
        drop_orphans(&mut wanted.entities);
        if let Some(base) = base {
            base.leave_out(&mut wanted, actual, &mut outcome.notes);
        }
        let mut changes = differences(target, &wanted, actual);
        if !options.force {
            let percent = self.rules.max_delete_percent;
            if brake::pull(&mut changes, actual, percent, &mut outcome.notes) {
                // A document cannot leave out the removing only.
                for change in &changes {
                    outcome.notes.undone.note(change);
                }
                return Ok(outcome);
            }
        }
        if options.dry_run || changes.is_empty() {
            outcome.changes.push(changes);
            return Ok(outcome);
        }
        self.hold_back(node).await;
        for round in 0..=ROUNDS {
            let base = base.map(base::Base::document);
            let text = document::render(&wanted.entities, target.version, base, None);
            let error = match node.load(&Bytes::from(text)).await {
                Ok(_) => {
                    let mut loaded = self.loaded.lock().await;
                    loaded.insert(node.address(), Loaded { at: Instant::now() });
                    // What was left out on the way is not made.
                    changes.retain(|change| {
                        let is_left = matches!(change.kind, ChangeKind::Put { .. })
                            && !wanted.entities.contains(&change.key);
                        if is_left {
                            outcome.notes.undone.note(change);
                        }
                        !is_left
                    });
                    outcome.changes.push(changes);
                    return Ok(outcome);
                }
                Err(admin::Error::Refused(error)) if error.status == 400 => error,
                Err(error) => return Err(RunError::gateway(node)(error)),
            };
            let is_last = round == ROUNDS;
            if is_last || !leave_out_faults(&mut wanted, actual, &error, &mut outcome.notes) {
                return Err(RunError::gateway(node)(admin::Error::Refused(error)));
            }
        }
        Ok(outcome)
    }

    /// A node is given time to put one document in force before the next one comes.
    async fn hold_back(&self, node: &Node) {
        let last = self.loaded.lock().await.get(&node.address()).copied();
        let pause = self.rules.pace.between_documents;
        if let Some(rest) = last.and_then(|last| pause.checked_sub(last.at.elapsed())) {
            tokio::time::sleep(rest).await;
        }
    }
}

/// Children whose parent is not part of the state.
fn drop_orphans(entities: &mut Entities) {
    let parents: BTreeSet<Key> = entities
        .iter()
        .filter(|(key, _)| matches!(key.kind, Kind::Service | Kind::Consumer))
        .map(|(key, _)| *key)
        .collect();
    entities.retain(|_, fields| {
        [("service", Kind::Service), ("consumer", Kind::Consumer)]
            .into_iter()
            .all(|(name, kind)| {
                crate::entity::reference(fields, name)
                    .is_none_or(|id| parents.contains(&Key { kind, id }))
            })
    });
}

fn differences(target: &Target, wanted: &Desired, actual: &Entities) -> Vec<Change> {
    let services = wanted.entities.of_kind(Kind::Service);
    let services = services.map(|(id, _)| id).collect();
    diff(target, wanted, actual, &services)
}

/// Takes out what the gateway objects to, with its API or subscription. Returns whether anything
/// could be made out.
fn leave_out_faults(
    wanted: &mut Desired,
    actual: &Entities,
    error: &ApiError,
    notes: &mut Notes,
) -> bool {
    let mut is_found = false;
    for fault in &error.flattened_errors {
        let Some(key) = culprit(&wanted.entities, fault) else {
            continue;
        };
        let Some(fields) = wanted.entities.get(&key).cloned() else {
            continue;
        };
        let message = format!("{key}: {}", messages(fault));
        problems::leave_out(notes, wanted, actual, (key, fields), message);
        is_found = true;
    }
    is_found
}

/// The entity that an element of `flattened_errors` speaks of.
fn culprit(entities: &Entities, fault: &Value) -> Option<Key> {
    let text = |name: &str| fault.get(name).and_then(Value::as_str);
    let id = text("entity_id").or_else(|| fault.pointer("/entity/id")?.as_str());
    if let Some(id) = id.and_then(|id| id.parse().ok()) {
        return Kind::OF_KONG
            .into_iter()
            .map(|kind| Key { kind, id })
            .find(|key| entities.contains(key));
    }
    let (kind, name) = (text("entity_type")?, text("entity_name")?);
    let kind = Kind::OF_KONG
        .into_iter()
        .find(|one| one.name().trim_end_matches('s') == kind)?;
    let named = |fields: &Fields| {
        ["name", "username"]
            .iter()
            .any(|field| crate::entity::text(fields, field) == Some(name))
    };
    entities
        .of_kind(kind)
        .find(|(_, fields)| named(fields))
        .map(|(id, _)| Key { kind, id })
}

/// `config.minute: expected a number; …`
fn messages(fault: &Value) -> String {
    let errors = fault.get("errors").and_then(Value::as_array);
    let errors = errors.into_iter().flatten().map(|error| {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("field") {
            "" => text("message").to_owned(),
            field => format!("{field}: {}", text("message")),
        }
    });
    errors.collect::<Vec<_>>().join("; ")
}
