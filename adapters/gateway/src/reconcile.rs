//! One run: read what shall be and what is, make the difference.

mod adopt;
mod brake;
mod compact;
mod documents;
mod entities;
mod foreign;
mod occupied;
mod parts;
mod problems;
mod validate;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::future::{join_all, try_join_all};
use kong::{Kind, admin, schema::Remote};
use sdk::{
    Client,
    client::SnapshotAnswer,
    types::{Snapshot, gateway::GatewayProblem, snapshot::SnapshotSubscription},
};
use serde_json::Value;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    desired::{self, Context, Desired},
    diff::{Aliases, Change, ChangeKind},
    document,
    entity::{Entities, Key},
    gateways::Gateways,
    keys::{self, KeysByServer},
    node::Node,
    target::{Gateway, Target},
};
pub use adopt::Adopt;
pub use foreign::{Foreign, PruneError};
use occupied::Occupied;
use validate::Valid;

/// Why a run did not come to its end. What was made stays made; the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("portal-api: {0}")]
    Portal(#[from] sdk::Error),
    #[error("gateway {node}: {error}")]
    Gateway {
        node: String,
        error: Box<admin::Error>,
    },
    #[error("{0}")]
    Setup(String),
    /// The configuration is another one than at the last full run.
    #[error("the configuration has changed")]
    OtherConfiguration,
    /// The gateway is not what it was at the last full run: only such a run finds out.
    #[error("the gateway refused a change: {0}")]
    Refused(String),
}

impl RunError {
    fn gateway(node: &Node) -> impl Fn(admin::Error) -> Self {
        let node = node.address();
        move |error| Self::Gateway {
            node: node.clone(),
            error: Box::new(error),
        }
    }

    /// Whether the gateway is the one that is missing.
    pub fn is_gateway(&self) -> bool {
        matches!(self, Self::Gateway { .. } | Self::Setup(_))
    }
}

/// What a full run leaves for the runs of single applications.
pub struct Base {
    /// The configuration part of the snapshot; its subscriptions are gone.
    pub config: Snapshot,
    pub keys: KeysByServer,
    pub target: Arc<Target>,
    stores: Vec<Store>,
}

/// A place where entities are kept.
struct Store {
    node: Node,
    services: BTreeSet<Uuid>,
    aliases: Aliases,
}

impl Base {
    pub fn config_hash(&self) -> &str {
        config_hash(&self.config.revision)
    }
}

/// `<config hash>.<seq>`
fn config_hash(revision: &str) -> &str {
    revision.rsplit_once('.').map_or(revision, |(hash, _)| hash)
}

/// How a full run is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Only find out what would be done.
    pub dry_run: bool,
    /// Without the brake.
    pub force: bool,
    /// What may be taken over in this run; by default what the settings say.
    pub adopt: Option<Adopt>,
}

/// Problems that a run met, beside those of the configuration.
#[derive(Debug, Default)]
pub struct Notes {
    pub problems: Vec<GatewayProblem>,
    pub applications: BTreeMap<String, Vec<GatewayProblem>>,
    pub undone: Undone,
}

/// What a run has left as it is, although it shall be otherwise; entities by kind.
#[derive(Debug, Default)]
pub struct Undone {
    /// Missing, or with other contents.
    pub not_applied: BTreeMap<Kind, usize>,
    pub superfluous: BTreeMap<Kind, usize>,
}

impl Undone {
    pub fn note(&mut self, change: &Change) {
        let counts = match change.kind {
            ChangeKind::Put { .. } => &mut self.not_applied,
            ChangeKind::Delete => &mut self.superfluous,
        };
        *counts.entry(change.key.kind).or_default() += 1;
    }

    fn add(&mut self, other: Self) {
        for (kind, number) in other.not_applied {
            *self.not_applied.entry(kind).or_default() += number;
        }
        for (kind, number) in other.superfluous {
            *self.superfluous.entry(kind).or_default() += number;
        }
    }
}

impl Notes {
    /// Takes over what others have noted.
    fn add(&mut self, other: Self) {
        self.undone.add(other.undone);
        self.problems.extend(other.problems);
        for (application, problems) in other.applications {
            let known = self.applications.entry(application).or_default();
            known.extend(problems);
        }
    }
}

/// A node, as a run found it.
#[derive(Clone, Debug)]
pub struct Found {
    pub name: String,
    pub version: Option<String>,
    pub in_sync: bool,
}

/// What came of a full run.
pub struct Full {
    pub base: Base,
    pub nodes: Vec<Found>,
    /// Per store.
    pub changes: Vec<Vec<Change>>,
    /// Whether these changes are made by one document.
    pub by_document: bool,
    pub adopted: BTreeSet<Key>,
    pub problems: Vec<GatewayProblem>,
    /// Problems of subscriptions, by application.
    pub applications: BTreeMap<String, Vec<GatewayProblem>>,
    pub credentials: HashMap<Uuid, String>,
    /// When the next credential of an application ends.
    pub expiries: BTreeMap<String, DateTime<Utc>>,
    /// Entities by kind that are desired.
    pub entities: BTreeMap<Kind, usize>,
    pub undone: Undone,
    /// A node that was away, or did not take its part.
    pub away: Option<RunError>,
}

/// What came of the run of an application.
pub struct Partial {
    pub made: usize,
    /// How many more entities of each kind are desired now.
    pub growth: BTreeMap<Kind, i32>,
    pub problems: Vec<GatewayProblem>,
    pub credentials: HashMap<Uuid, String>,
    pub expiry: Option<DateTime<Utc>>,
}

/// How the gateway is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As the gateway says.
    #[default]
    Auto,
    Admin,
    DbLess,
    File,
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "admin" => Ok(Self::Admin),
            "dbless" => Ok(Self::DbLess),
            "file" => Ok(Self::File),
            _ => Err("it can be `auto`, `admin`, `dbless` or `file`".to_owned()),
        }
    }
}

/// The file in the place of a gateway.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    pub path: PathBuf,
    /// With the key that the tool decK wants and the gateway refuses.
    pub for_deck: bool,
}

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Rules {
    pub max_delete_percent: u8,
    pub mode: Mode,
    pub adopt: Adopt,
    /// Whether present provision keys give way to computed ones.
    pub rotate_provision_keys: bool,
    /// Merged into documents: a path or a URL.
    pub base_config: Option<String>,
    pub file: Option<ConfigFile>,
    /// With a snapshot longer than this, consumers are compared as they stream by.
    pub compact_above: usize,
    pub pace: Pace,
}

/// How much time gateways without database are given, since they take everything anew each time.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// So long further changes are waited for before a document is made of them.
    pub collect: Duration,
    pub collect_at_most: Duration,
    /// Between two documents for one node.
    pub between_documents: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            collect: Duration::from_millis(500),
            collect_at_most: Duration::from_secs(2),
            between_documents: Duration::from_secs(2),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_delete_percent: 30,
            mode: Mode::default(),
            adopt: Adopt::default(),
            rotate_provision_keys: false,
            base_config: None,
            file: None,
            compact_above: 1 << 20,
            pace: Pace::default(),
        }
    }
}

/// Brings gateways into the desired state.
pub struct Reconciler {
    pub portal: Client,
    pub gateways: Gateways,
    pub settings: desired::Settings,
    pub rules: Rules,
    schemas: Mutex<Schemas>,
    occupied: Mutex<Occupied>,
    valid: Mutex<Valid>,
    /// Names of nodes by their address, for while they are away.
    names: Mutex<BTreeMap<String, String>>,
    /// The last documents by the address of their node.
    loaded: Mutex<BTreeMap<String, documents::Loaded>>,
}

/// What a gateway of this version has told about its plugins.
#[derive(Default)]
struct Schemas {
    version: String,
    by_plugin: BTreeMap<String, Option<Remote>>,
}

impl Reconciler {
    pub fn new(
        portal: Client,
        gateways: Gateways,
        settings: desired::Settings,
        rules: Rules,
    ) -> Self {
        Self {
            portal,
            gateways,
            settings,
            rules,
            schemas: Mutex::default(),
            occupied: Mutex::default(),
            valid: Mutex::default(),
            names: Mutex::default(),
            loaded: Mutex::default(),
        }
    }

    /// Everything. `fetched` are the signing keys that auth servers have answered with.
    pub async fn full(&self, fetched: &KeysByServer, options: Options) -> Result<Full, RunError> {
        if self.rules.mode == Mode::File {
            return self.write_file(fetched, options).await;
        }
        let (nodes, mut found, first) = self.look().await?;
        let mut target = Target::of(&first);
        match self.rules.mode {
            Mode::Admin => target.gateway = with_database(target.gateway, true),
            Mode::DbLess => target.gateway = with_database(target.gateway, false),
            Mode::Auto | Mode::File => {}
        }
        let away = found.iter().zip(&nodes).find(|(found, _)| !found.in_sync);
        let mut away = away.map(|(_, node)| {
            RunError::Setup(format!("gateway {}: it does not answer", node.address()))
        });
        // A database is one store for all nodes; every other node is one of its own.
        let shares = target.gateway == Gateway::Kong { database: true };
        let stores: Vec<usize> = (0..nodes.len())
            .filter(|position| found[*position].in_sync)
            .take(if shares { 1 } else { nodes.len() })
            .collect();

        let adopt = options.adopt.unwrap_or(self.rules.adopt);
        let text = self.snapshot_text().await?;
        let is_large = text.len() > self.rules.compact_above;
        if is_large && target.is_embedded() && adopt == Adopt::Never {
            let target = Arc::new(target);
            let stores: Vec<&Node> = stores.iter().map(|position| &nodes[*position]).collect();
            let full = self.full_compact(&text, &stores, target, fetched, found, options);
            let full = full.await?;
            return Ok(Full { away, ..full });
        }
        let own_tag = self.settings.ids.own_tag();
        let tags: &[&str] = if adopt == Adopt::Never || !target.has_database() {
            &[&own_tag]
        } else {
            &[]
        };
        let kinds = target.kinds();
        let mut reads = Vec::new();
        for position in &stores {
            reads.push(read(&nodes[*position], kinds, tags));
        }
        let snapshot = parse(&text)?;
        drop(text);
        let actual = try_join_all(reads).await?;
        let target = self.with_schemas(target, &nodes[stores[0]], &first.version, &snapshot);
        let target = Arc::new(target.await?);

        let keys = in_force(fetched, &actual);
        let context = Context::new(&self.settings, &snapshot, &keys, &target)
            .with_applications(&snapshot.applications);
        let desired = desired::of_snapshot(&context, &snapshot);
        let mut outcome = entities::Outcome::default();
        if target.has_database() {
            let mut runs = Vec::new();
            for (position, actual) in stores.iter().zip(actual) {
                let node = &nodes[*position];
                runs.push(self.bring_entities(node, &target, &desired, actual, adopt, options));
            }
            for one in join_all(runs).await {
                outcome.add(one?);
            }
        } else {
            let nodes: Vec<&Node> = stores.iter().map(|position| &nodes[*position]).collect();
            let brought = self
                .bring_documents(&nodes, &target, &desired, &actual, options)
                .await?;
            for (position, is_loaded) in stores.iter().zip(&brought.loaded) {
                found[*position].in_sync = *is_loaded;
            }
            away = away.or(brought.error);
            outcome = brought.outcome;
        }
        drop(context);
        Ok(assemble(
            snapshot, desired, keys, target, outcome, found, away,
        ))
    }

    /// Who is there. An error if nobody is, or if they do not fit together.
    async fn look(&self) -> Result<(Vec<Node>, Vec<Found>, admin::Node), RunError> {
        let nodes = self.gateways.nodes().await;
        let mut questions = Vec::new();
        for node in &nodes {
            questions.push(node.describe());
        }
        let described = join_all(questions).await;
        let mut names = self.names.lock().await;
        let mut found = Vec::new();
        let mut first: Option<admin::Node> = None;
        let mut error = None;
        for (node, description) in nodes.iter().zip(described) {
            let address = node.address();
            match description {
                Ok(description) => {
                    let name = description.hostname.clone();
                    let name = name.unwrap_or_else(|| address.clone());
                    names.insert(address, name.clone());
                    found.push(Found {
                        name,
                        version: Some(description.version.clone()),
                        in_sync: true,
                    });
                    if let Some(first) = &first
                        && (first.is_embedded(), first.is_db_less())
                            != (description.is_embedded(), description.is_db_less())
                    {
                        return Err(RunError::Setup(
                            "the addresses belong to gateways of different kinds".to_owned(),
                        ));
                    }
                    first.get_or_insert(description);
                }
                Err(reason) => {
                    found.push(Found {
                        name: names.get(&address).cloned().unwrap_or(address),
                        version: None,
                        in_sync: false,
                    });
                    error = Some(RunError::gateway(node)(reason));
                }
            }
        }
        match first {
            Some(first) => Ok((nodes, found, first)),
            None => Err(error
                .unwrap_or_else(|| RunError::Setup("there is no address of a gateway".to_owned()))),
        }
    }

    async fn snapshot(&self) -> Result<Snapshot, RunError> {
        parse(&self.snapshot_text().await?)
    }

    /// The snapshot as it came.
    async fn snapshot_text(&self) -> Result<Vec<u8>, RunError> {
        let mut text = Vec::new();
        match self.portal.snapshot_to(None, &mut text).await? {
            SnapshotAnswer::Changed { .. } => Ok(text),
            SnapshotAnswer::Unchanged => Err(RunError::OtherConfiguration),
        }
    }

    /// The schemas of all plugins that the configuration can bring, each asked for once.
    async fn with_schemas(
        &self,
        target: Target,
        node: &Node,
        version: &str,
        snapshot: &Snapshot,
    ) -> Result<Target, RunError> {
        if target.is_embedded() {
            return Ok(target);
        }
        let mut schemas = self.schemas.lock().await;
        if schemas.version != version {
            *schemas = Schemas {
                version: version.to_owned(),
                ..Schemas::default()
            };
        }
        for name in desired::plugin_names(snapshot) {
            if schemas.by_plugin.contains_key(name) || !target.has_plugin(name) {
                continue;
            }
            let schema = node.plugin_schema(name).await;
            let schema = schema.map_err(RunError::gateway(node))?;
            let schema = schema.as_ref().and_then(Remote::new);
            schemas.by_plugin.insert(name.to_owned(), schema);
        }
        let known = schemas.by_plugin.iter();
        let known = known.filter_map(|(name, schema)| Some((name.clone(), schema.clone()?)));
        Ok(target.with_schemas(known.collect()))
    }

    /// The document that stands for the whole desired state, for those who look at it or write it.
    pub async fn document(&self, fetched: &KeysByServer) -> Result<Value, RunError> {
        let snapshot = self.snapshot().await?;
        let target = match self.look().await {
            Ok((nodes, _, first)) => {
                let target = Target::of(&first);
                self.with_schemas(target, &nodes[0], &first.version, &snapshot)
                    .await?
            }
            Err(_) => Target::unseen_kong(),
        };
        let context = Context::new(&self.settings, &snapshot, fetched, &target)
            .with_applications(&snapshot.applications);
        let mut desired = desired::of_snapshot(&context, &snapshot);
        desired.entities = desired.entities.masked();
        let text = document::render(&desired.entities, target.version, None, None);
        serde_json::from_slice(&text).map_err(|error| RunError::Setup(error.to_string()))
    }
}

fn parse(text: &[u8]) -> Result<Snapshot, RunError> {
    serde_json::from_slice(text).map_err(|error| RunError::Setup(format!("snapshot: {error}")))
}

async fn read(node: &Node, kinds: &[Kind], tags: &[&str]) -> Result<Entities, RunError> {
    node.read(kinds, tags)
        .await
        .map_err(RunError::gateway(node))
}

const fn with_database(gateway: Gateway, database: bool) -> Gateway {
    match gateway {
        Gateway::Embedded => Gateway::Embedded,
        Gateway::Kong { .. } => Gateway::Kong { database },
    }
}

/// The fetched keys; for auth servers that have not answered, those that the gateway has.
fn in_force(fetched: &KeysByServer, actual: &[Entities]) -> KeysByServer {
    let mut keys = KeysByServer::new();
    for actual in actual {
        keys.extend(keys::recovered(actual));
    }
    keys.extend(fetched.clone());
    keys
}

fn assemble(
    snapshot: Snapshot,
    desired: Desired,
    keys: KeysByServer,
    target: Arc<Target>,
    outcome: entities::Outcome,
    nodes: Vec<Found>,
    away: Option<RunError>,
) -> Full {
    let mut entities = BTreeMap::new();
    for (key, _) in desired.entities.iter() {
        *entities.entry(key.kind).or_default() += 1;
    }
    let mut problems = desired.problems;
    for problem in outcome.notes.problems {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    let mut applications = desired.applications;
    for (application, found) in outcome.notes.applications {
        let known = applications.entry(application).or_default();
        for problem in found {
            if !known.contains(&problem) {
                known.push(problem);
            }
        }
    }
    let mut credentials = desired.credentials;
    credentials.extend(outcome.credentials);
    let mut config = snapshot;
    let expiries = expiries(&config.subscriptions);
    config.subscriptions = Vec::new();
    config.applications = Vec::new();
    Full {
        by_document: !target.has_database(),
        base: Base {
            config,
            keys,
            target,
            stores: outcome.stores,
        },
        nodes,
        changes: outcome.changes,
        adopted: outcome.adopted,
        problems,
        applications,
        credentials,
        expiries,
        entities,
        undone: outcome.notes.undone,
        away,
    }
}

fn expiries(subscriptions: &[SnapshotSubscription]) -> BTreeMap<String, DateTime<Utc>> {
    let mut next = BTreeMap::new();
    for subscription in subscriptions {
        let ends = subscription
            .credentials
            .iter()
            .filter_map(|credential| credential.expires_at);
        if let Some(end) = ends.min() {
            next.entry(subscription.application.clone())
                .and_modify(|next| *next = end.0.min(*next))
                .or_insert(end.0);
        }
    }
    next
}
