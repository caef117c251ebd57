//! Variant 1: entity by entity through the Admin API (events-and-adapters C12).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
};

use futures_util::future::{try_join, try_join_all};
use kong::Kind;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Adopt, Base, Notes, Options, Partial, Reconciler, RunError, Store, adopt, brake, config_hash,
    expiries, occupied, problems, read, validate,
};
use crate::{
    apply::apply,
    desired::{self, Context, Desired},
    diff::{Aliases, Change, ChangeKind, align, diff, is_kept},
    entity::{Entities, Key, tags, text},
    ids,
    node::Node,
    target::Target,
};

/// What came of all stores.
#[derive(Default)]
pub struct Outcome {
    pub changes: Vec<Vec<Change>>,
    pub stores: Vec<Store>,
    pub notes: Notes,
    pub adopted: BTreeSet<Key>,
    /// The portal's credentials behind entities that have another id than ours.
    pub credentials: HashMap<Uuid, String>,
}

impl Outcome {
    pub fn add(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.stores.extend(other.stores);
        self.notes.add(other.notes);
        self.adopted.extend(other.adopted);
        self.credentials.extend(other.credentials);
    }
}

impl Reconciler {
    /// Makes one store what it shall be. A conflict may mean that somebody else was at work at the
    /// same time, so it is looked at again, once.
    pub(super) async fn bring_entities(
        &self,
        node: &Node,
        target: &Target,
        desired: &Desired,
        actual: Entities,
        adopt: Adopt,
        options: Options,
    ) -> Result<Outcome, RunError> {
        let mut actual = actual;
        let mut made = Vec::new();
        for is_last in [false, true] {
            let (mut outcome, conflicts) = self
                .bring_once(
                    node,
                    target,
                    desired,
                    mem::take(&mut actual),
                    adopt,
                    options,
                )
                .await?;
            if conflicts.is_empty() || is_last {
                let mut occupied = self.occupied.lock().await;
                occupied.extend(conflicts);
                if let Some(changes) = outcome.changes.first_mut() {
                    made.append(changes);
                    mem::swap(&mut made, changes);
                }
                return Ok(outcome);
            }
            made.extend(outcome.changes.into_iter().flatten());
            let own_tag = self.settings.ids.own_tag();
            let tags: &[&str] = match adopt {
                Adopt::Never => &[&own_tag],
                Adopt::Exact | Adopt::Names => &[],
            };
            actual = node
                .read(target.kinds(), tags)
                .await
                .map_err(RunError::gateway(node))?;
        }
        Ok(Outcome::default())
    }

    /// One try, and what another entity was in the way of.
    async fn bring_once(
        &self,
        node: &Node,
        target: &Target,
        desired: &Desired,
        actual: Entities,
        adopt: Adopt,
        options: Options,
    ) -> Result<(Outcome, Vec<Key>), RunError> {
        let mut outcome = Outcome::default();
        let actual = match adopt {
            Adopt::Never => actual,
            Adopt::Exact | Adopt::Names => {
                let own_tag = self.settings.ids.own_tag();
                let (own, adopted) = adopt::split(actual, desired, &own_tag, adopt);
                outcome.adopted = adopted;
                own
            }
        };
        let (aligned, aliases) = align(desired, &actual, &Aliases::new());
        let mut aligned = aligned;
        if !self.rules.rotate_provision_keys {
            keep_provision_keys(&mut aligned, &actual);
        }
        let desired = aligned.as_ref();
        let services = services(desired, &actual);
        let mut changes = diff(target, desired, &actual, &services);
        let notes = &mut outcome.notes;
        if !options.force {
            let percent = self.rules.max_delete_percent;
            brake::pull(&mut changes, &actual, percent, notes);
        }
        self.occupied
            .lock()
            .await
            .leave_out(node, notes, desired, &actual, &mut changes)
            .await
            .map_err(RunError::gateway(node))?;
        let mut valid = self.valid.lock().await;
        let refused = valid.refused(node, target, &changes).await;
        let refused = refused.map_err(RunError::gateway(node))?;
        drop(valid);
        for refused in &refused {
            problems::note_refusal(notes, desired, &actual, refused);
        }
        validate::withhold(&mut changes, &refused, &mut notes.undone);
        let mut conflicts = Vec::new();
        if !options.dry_run {
            let applied = apply(node, target, &changes)
                .await
                .map_err(RunError::gateway(node))?;
            for refused in &applied.refused {
                let key = refused.change.key;
                let is_new = matches!(refused.change.kind, ChangeKind::Put { before: None, .. });
                if refused.status == 409 && is_new {
                    conflicts.push(key);
                    let message = occupied::taken_by_another(key);
                    problems::note(notes, desired, &actual, &refused.change, message);
                } else {
                    problems::note_refusal(notes, desired, &actual, refused);
                }
            }
            applied.keep_made(&mut changes, &mut notes.undone);
        }
        if !aliases.is_empty() {
            outcome.credentials.clone_from(&desired.credentials);
        }
        outcome.stores.push(Store {
            node: node.clone(),
            services,
            aliases: aliases_of_services(desired, aliases),
        });
        outcome.changes.push(changes);
        Ok((outcome, conflicts))
    }

    /// The part of one application: one question to portal-api, and what differs to the gateway.
    pub async fn application(&self, base: &Base, application: &str) -> Result<Partial, RunError> {
        let tags = [
            self.settings.ids.own_tag(),
            ids::application_tag(application),
        ];
        let tags = [tags[0].as_str(), tags[1].as_str()];
        let kinds: Vec<Kind> = base
            .target
            .kinds()
            .iter()
            .copied()
            .filter(|kind| !matches!(kind, Kind::Service | Kind::Route))
            .collect();
        let mut reads = Vec::new();
        for store in &base.stores {
            reads.push(read(&store.node, &kinds, &tags));
        }
        let part = async {
            let part = self.portal.snapshot_of_application(application);
            part.await.map_err(RunError::from)
        };
        let (part, actual) = try_join(part, try_join_all(reads)).await?;
        if config_hash(&part.revision) != base.config_hash() {
            return Err(RunError::OtherConfiguration);
        }
        let context = Context::new(&self.settings, &base.config, &base.keys, &base.target)
            .with_applications(&part.applications);
        let mut desired = desired::of_application(&context, &part, application);
        let mut credentials = HashMap::new();
        let mut growth = BTreeMap::new();
        let mut runs = Vec::new();
        for (store, actual) in base.stores.iter().zip(&actual) {
            let (aligned, _) = align(&desired, actual, &store.aliases);
            credentials.extend(aligned.credentials.clone());
            let changes = diff(&base.target, &aligned, actual, &store.services);
            growth = grown(&changes, &aligned, actual);
            runs.push(make(&store.node, &base.target, changes));
        }
        let made = try_join_all(runs).await?;
        Ok(Partial {
            made: made.into_iter().sum(),
            growth,
            problems: desired.applications.remove(application).unwrap_or_default(),
            credentials,
            expiry: expiries(&part.subscriptions).remove(application),
        })
    }
}

/// How many more entities of each kind there are after these changes.
fn grown(changes: &[Change], desired: &Desired, actual: &Entities) -> BTreeMap<Kind, i32> {
    let mut growth = BTreeMap::new();
    for change in changes {
        if matches!(change.kind, ChangeKind::Put { before: None, .. }) {
            *growth.entry(change.key.kind).or_default() += 1;
        }
    }
    for (key, fields) in actual.iter() {
        if !desired.entities.contains(key) && !is_kept(desired, key, fields) {
            *growth.entry(key.kind).or_default() -= 1;
        }
    }
    growth
}

/// Makes the changes of one application; what is refused only a full run can put right.
async fn make(node: &Node, target: &Target, changes: Vec<Change>) -> Result<usize, RunError> {
    let applied = apply(node, target, &changes).await;
    let applied = applied.map_err(RunError::gateway(node))?;
    match applied.refused.into_iter().next() {
        Some(refused) => Err(RunError::Refused(refused.message)),
        None => Ok(changes.len()),
    }
}

/// The keys by which auth servers prove themselves stay what they are: a new one would lock out
/// those that have read the old one.
fn keep_provision_keys(desired: &mut std::borrow::Cow<Desired>, actual: &Entities) {
    let mut present: BTreeMap<Key, Value> = BTreeMap::new();
    for (id, fields) in actual.of_kind(Kind::Plugin) {
        let key = Key {
            kind: Kind::Plugin,
            id,
        };
        let provision = fields
            .get("config")
            .and_then(|config| config.get("provision_key"))
            .filter(|provision| !provision.is_null());
        if let (Some("oauth2"), Some(provision), Some(wanted)) =
            (text(fields, "name"), provision, desired.entities.get(&key))
            && wanted
                .get("config")
                .and_then(|config| config.get("provision_key"))
                != Some(provision)
        {
            present.insert(key, provision.clone());
        }
    }
    if present.is_empty() {
        return;
    }
    let desired = desired.to_mut();
    for (key, provision) in present {
        let Some(mut fields) = desired.entities.remove(&key) else {
            continue;
        };
        if let Some(Value::Object(config)) = fields.get_mut("config") {
            config.insert("provision_key".to_owned(), provision);
        }
        desired.entities.extend([(key, fields)]);
    }
}

pub fn services(desired: &Desired, actual: &Entities) -> BTreeSet<Uuid> {
    let kept = actual.of_kind(Kind::Service);
    let kept = kept.filter(|(_, fields)| tags(fields).any(|tag| desired.kept_apis.contains(tag)));
    let wanted = desired.entities.of_kind(Kind::Service);
    wanted.chain(kept).map(|(id, _)| id).collect()
}

/// Runs of single applications meet only services; consumers they read themselves.
fn aliases_of_services(desired: &Desired, aliases: Aliases) -> Aliases {
    aliases
        .into_iter()
        .filter(|(_, id)| {
            let key = Key {
                kind: Kind::Service,
                id: *id,
            };
            desired.entities.contains(&key)
        })
        .collect()
}
