//! A full run for large installations of the embedded gateway: consumers with all that belongs to
//! them are compared by fingerprints, while both sides stream by. Only applications that differ are
//! looked at closely, a few at a time. The order of stages is that of [`crate::diff`].

mod index;

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use kong::Kind;
use sdk::types::{Snapshot, snapshot::SnapshotSubscription};
use uuid::Uuid;

use super::{
    Base, Found, Full, Notes, Options, Reconciler, RunError, Store, Undone, brake,
    entities::services, expiries, in_force, parts::Parts, problems,
};
use crate::{
    apply::apply,
    desired::{self, Context, Desired},
    diff::{Aliases, Change, Stage, diff, fingerprint},
    entity::Entities,
    ids,
    keys::{self, KeysByServer},
    node::Node,
    target::Target,
};
use index::Index;

/// Kinds that there are many of.
const STREAMED: [Kind; 5] = [
    Kind::Consumer,
    Kind::KeyAuth,
    Kind::JwtSecret,
    Kind::Acl,
    Kind::Plugin,
];
/// Applications that are brought to the gateway together.
const BATCH: usize = 100;
/// Applications whose subscriptions are looked up in the snapshot's text in one go.
const LOOKED_UP: usize = 5_000;
/// Applications that are read from the gateway at a time.
const PARALLEL: usize = 8;
/// More changes than this are made, but not kept for the report.
const MAX_LISTED: usize = 10_000;

/// What a node turned out to have.
struct Seen {
    /// What belongs to no consumer, as a whole.
    shared: Entities,
    /// Applications that differ.
    differing: BTreeSet<String>,
    /// Those of them of which the node has anything.
    present: BTreeSet<String>,
    counts: brake::Counts,
}

impl Reconciler {
    /// Everything, from the text of a snapshot.
    pub(super) async fn full_compact(
        &self,
        text: &[u8],
        nodes: &[&Node],
        target: std::sync::Arc<Target>,
        fetched: &KeysByServer,
        found: Vec<Found>,
        options: Options,
    ) -> Result<Full, RunError> {
        let unreadable = |error: serde_json::Error| RunError::Setup(format!("snapshot: {error}"));
        let parts = Parts::parse(text).map_err(unreadable)?;
        let keys = self.signing_keys(nodes, fetched, &parts.config).await?;
        let context = Context::new(&self.settings, &parts.config, &keys, &target);
        let mut shared = desired::of_snapshot(&context, &parts.config);
        let mut index = Index::default();
        parts
            .each_subscription(|subscription| index.add(&context, &subscription))
            .map_err(unreadable)?;

        let mut full = Full {
            by_document: false,
            base: Base {
                config: Snapshot::default(),
                keys: KeysByServer::new(),
                target: target.clone(),
                stores: Vec::new(),
            },
            nodes: found,
            changes: Vec::new(),
            adopted: BTreeSet::new(),
            problems: Vec::new(),
            applications: std::mem::take(&mut index.problems),
            credentials: std::mem::take(&mut index.credentials),
            expiries: std::mem::take(&mut index.expiries),
            entities: index.counts(),
            undone: Undone::default(),
            away: None,
        };
        for (key, _) in shared.entities.iter() {
            *full.entities.entry(key.kind).or_default() += 1;
        }
        for node in nodes {
            index.begin();
            let run = Run {
                reconciler: self,
                node,
                target: &target,
                context: &context,
                parts: &parts,
                options,
            };
            let (store, changes, met) = run.bring(&mut index, &shared).await?;
            full.base.stores.push(store);
            full.changes.push(changes);
            full.undone.add(met.undone);
            full.problems.extend(met.problems);
            for (application, problems) in met.applications {
                let known = full.applications.entry(application).or_default();
                known.extend(problems);
            }
        }
        full.problems.append(&mut shared.problems);
        drop(context);
        full.base.config = parts.config;
        full.base.keys = keys;
        Ok(full)
    }

    /// The signing keys in force. Those of auth servers that have not answered are looked for at
    /// the gateway.
    async fn signing_keys(
        &self,
        nodes: &[&Node],
        fetched: &KeysByServer,
        config: &Snapshot,
    ) -> Result<KeysByServer, RunError> {
        let mut servers = config.auth_servers.iter().map(desired::server_name);
        if servers.all(|server| fetched.contains_key(server)) {
            return Ok(fetched.clone());
        }
        let own_tag = self.settings.ids.own_tag();
        let mut known = Entities::default();
        for node in nodes {
            let mut offset = None;
            loop {
                let page = node
                    .page(Kind::JwtSecret, &own_tag, offset.as_deref())
                    .await
                    .map_err(RunError::gateway(node))?;
                // One of each is enough: they differ by client only.
                let mut found = keys::recovered(&known);
                for (key, fields) in page.entities {
                    let one: Entities = [(key, fields)].into_iter().collect();
                    let recovered = keys::recovered(&one);
                    let is_new = recovered.iter().any(|(server, keys)| {
                        found
                            .get(server)
                            .is_none_or(|have| !have.contains(&keys[0]))
                    });
                    if is_new {
                        known.extend(one);
                        found = keys::recovered(&known);
                    }
                }
                match page.offset {
                    Some(next) => offset = Some(next),
                    None => break,
                }
            }
        }
        Ok(in_force(fetched, &[known]))
    }
}

/// The work on one node.
struct Run<'a> {
    reconciler: &'a Reconciler,
    node: &'a Node,
    target: &'a Target,
    context: &'a Context<'a>,
    parts: &'a Parts<'a>,
    options: Options,
}

impl Run<'_> {
    async fn bring(
        &self,
        index: &mut Index,
        shared: &Desired,
    ) -> Result<(Store, Vec<Change>, Notes), RunError> {
        let mut seen = self.read(index).await?;
        seen.differing.extend(index.missing());
        seen.differing.extend(index.kept.iter().cloned());
        let services = services(shared, &seen.shared);
        let mut of_shared = diff(self.target, shared, &seen.shared, &services);
        let mut notes = Notes::default();
        let mut removes = true;
        if !self.options.force {
            let percent = self.reconciler.rules.max_delete_percent;
            seen.counts.note_removals(&of_shared);
            if let Some(problem) = brake::judge(&seen.counts, percent) {
                notes.problems.push(problem);
                removes = false;
                brake::keep_all(&mut of_shared, &mut notes);
            }
        }
        // What restricts comes before what grants, and what has its new form before the old goes.
        let (first, rest) = split(of_shared, |stage| stage < Stage::AccessLists);
        let (middle, last) = split(rest, |stage| stage < Stage::OldGroups);
        let mut made = Vec::new();
        self.make(first, shared, &mut made, &mut notes).await?;
        let late = self
            .applications(&seen, &services, removes, &mut made, &mut notes)
            .await?;
        self.make(middle, shared, &mut made, &mut notes).await?;
        self.make(late, shared, &mut made, &mut notes).await?;
        self.make(last, shared, &mut made, &mut notes).await?;
        let store = Store {
            node: self.node.clone(),
            services,
            aliases: Aliases::new(),
        };
        Ok((store, made, notes))
    }

    /// Lets everything that the node has pass by.
    async fn read(&self, index: &mut Index) -> Result<Seen, RunError> {
        let own_tag = self.reconciler.settings.ids.own_tag();
        let own = [own_tag.as_str()];
        let failed = |error| RunError::gateway(self.node)(error);
        let mut seen = Seen {
            shared: self
                .node
                .read(&[Kind::Service, Kind::Route], &own)
                .await
                .map_err(failed)?,
            differing: BTreeSet::new(),
            present: BTreeSet::new(),
            counts: brake::Counts::default(),
        };
        seen.counts.note_present(&seen.shared);
        for kind in STREAMED {
            let mut offset = None;
            loop {
                let page = self
                    .node
                    .page(kind, &own_tag, offset.as_deref())
                    .await
                    .map_err(failed)?;
                for (key, fields) in page.entities {
                    let application = problems::tag_of(&fields, ids::APPLICATION_TAG);
                    match application {
                        Some(application) => {
                            seen.counts.present(kind);
                            let is_known = index.check(&key, fingerprint(kind, &fields));
                            if is_known == index::Check::Unknown {
                                seen.counts.gone(kind);
                            }
                            if is_known != index::Check::Same {
                                seen.differing.insert(application.clone());
                            }
                            if !seen.present.contains(&application) {
                                seen.present.insert(application);
                            }
                        }
                        None => seen.shared.extend([(key, fields)]),
                    }
                }
                match page.offset {
                    Some(next) => offset = Some(next),
                    None => break,
                }
            }
        }
        Ok(seen)
    }

    /// Brings the applications that differ to the node, but for what has to wait until the APIs
    /// have their new form.
    async fn applications(
        &self,
        seen: &Seen,
        services: &BTreeSet<Uuid>,
        removes: bool,
        made: &mut Vec<Change>,
        notes: &mut Notes,
    ) -> Result<Vec<Change>, RunError> {
        let mut late = Vec::new();
        let all: Vec<&String> = seen.differing.iter().collect();
        for looked_up in all.chunks(LOOKED_UP) {
            let mut subscriptions = self.subscriptions(looked_up)?;
            for batch in looked_up.chunks(BATCH) {
                let names: BTreeSet<&str> = batch.iter().map(|name| name.as_str()).collect();
                let own = names.iter().filter_map(|name| subscriptions.remove(*name));
                let own: Vec<SnapshotSubscription> = own.flatten().collect();
                let desired = desired::of_subscriptions(self.context, &own);
                let actual = self.actual(&names, &seen.present).await?;
                let mut changes = diff(self.target, &desired, &actual, services);
                if !removes {
                    brake::keep_all(&mut changes, notes);
                }
                let (now, later) = split(changes, |stage| stage < Stage::AccessLists);
                late.extend(later);
                self.make(now, &desired, made, notes).await?;
            }
        }
        Ok(late)
    }

    /// The subscriptions of these applications.
    fn subscriptions(
        &self,
        names: &[&String],
    ) -> Result<HashMap<String, Vec<SnapshotSubscription>>, RunError> {
        let wanted: BTreeSet<&str> = names.iter().map(|name| name.as_str()).collect();
        let mut found: HashMap<String, Vec<SnapshotSubscription>> = HashMap::new();
        self.parts
            .each_subscription(|subscription: SnapshotSubscription| {
                if wanted.contains(subscription.application.as_str()) {
                    let own = found.entry(subscription.application.clone()).or_default();
                    own.push(subscription);
                }
            })
            .map_err(|error| RunError::Setup(format!("snapshot: {error}")))?;
        Ok(found)
    }

    async fn actual(
        &self,
        names: &BTreeSet<&str>,
        present: &BTreeSet<String>,
    ) -> Result<Entities, RunError> {
        let own_tag = self.reconciler.settings.ids.own_tag();
        let mut reads = Vec::new();
        for name in names.iter().filter(|name| present.contains(**name)) {
            reads.push(read_application(self.node, &own_tag, name));
        }
        let lists: Vec<Entities> = stream::iter(reads)
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        Ok(lists.into_iter().flatten().collect())
    }

    async fn make(
        &self,
        changes: Vec<Change>,
        desired: &Desired,
        made: &mut Vec<Change>,
        notes: &mut Notes,
    ) -> Result<(), RunError> {
        let mut changes = changes;
        if !self.options.dry_run && !changes.is_empty() {
            let applied = apply(self.node, self.target, &changes).await;
            let applied = applied.map_err(RunError::gateway(self.node))?;
            let nothing = Entities::default();
            for refused in &applied.refused {
                problems::note_refusal(notes, desired, &nothing, refused);
            }
            applied.keep_made(&mut changes, &mut notes.undone);
        }
        changes.truncate(MAX_LISTED.saturating_sub(made.len()));
        made.extend(changes);
        Ok(())
    }
}

async fn read_application(
    node: &Node,
    own_tag: &str,
    application: &str,
) -> Result<Entities, RunError> {
    let tag = ids::application_tag(application);
    node.read(&STREAMED, &[own_tag, &tag])
        .await
        .map_err(RunError::gateway(node))
}

/// Changes of the stages that come first, and the others; both stay in their order.
fn split(changes: Vec<Change>, first: impl Fn(Stage) -> bool) -> (Vec<Change>, Vec<Change>) {
    changes.into_iter().partition(|change| first(change.stage))
}
