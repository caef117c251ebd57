//! One run: read what shall be and what is, make the difference.

mod brake;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::future::{join_all, try_join, try_join_all};
use kong::{Kind, admin};
use sdk::{
    Client,
    client::SnapshotAnswer,
    types::{Snapshot, gateway::GatewayProblem, snapshot::SnapshotSubscription},
};
use uuid::Uuid;

use crate::{
    apply::{Applied, apply},
    desired::{self, Context, Desired},
    diff::{Change, ChangeKind, diff},
    entity::{Entities, Key, tags, text},
    ids,
    keys::{self, KeysByServer},
    node::Node,
};

/// Why a run did not come to its end. What was made stays made; the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("portal-api: {0}")]
    Portal(#[from] sdk::Error),
    #[error("gateway {node}: {error}")]
    Gateway { node: String, error: admin::Error },
    #[error("gateway {0}: it is a Kong; this version drives the embedded gateway only")]
    Unsupported(String),
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
            error,
        }
    }

    /// Whether the gateway is the one that is missing.
    pub fn is_gateway(&self) -> bool {
        matches!(self, Self::Gateway { .. } | Self::Unsupported(_))
    }
}

/// What a full run leaves for the runs of single applications.
pub struct Base {
    /// The configuration part of the snapshot; its subscriptions are gone.
    pub config: Snapshot,
    pub keys: KeysByServer,
    services: BTreeSet<Uuid>,
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
}

/// What came of a full run.
pub struct Full {
    pub base: Base,
    pub nodes: Vec<admin::Node>,
    /// Per node.
    pub changes: Vec<Vec<Change>>,
    pub problems: Vec<GatewayProblem>,
    /// Problems of subscriptions, by application.
    pub applications: BTreeMap<String, Vec<GatewayProblem>>,
    pub credentials: HashMap<Uuid, String>,
    /// When the next credential of an application ends.
    pub expiries: BTreeMap<String, chrono::DateTime<chrono::Utc>>,
    /// Entities by kind that are desired.
    pub entities: BTreeMap<Kind, usize>,
}

/// What came of the run of an application.
pub struct Partial {
    pub made: usize,
    pub problems: Vec<GatewayProblem>,
    pub credentials: HashMap<Uuid, String>,
    pub expiry: Option<chrono::DateTime<chrono::Utc>>,
}

/// Brings gateways into the desired state.
pub struct Reconciler {
    pub portal: Client,
    pub nodes: Vec<Node>,
    pub settings: desired::Settings,
    pub max_delete_percent: u8,
}

impl Reconciler {
    /// Everything. `fetched` are the signing keys that auth servers have answered with.
    pub async fn full(&self, fetched: &KeysByServer, options: Options) -> Result<Full, RunError> {
        let nodes = try_join_all(self.nodes.iter().map(|node| self.read_all(node)));
        let snapshot = async { self.portal.snapshot(None).await.map_err(RunError::from) };
        let (snapshot, nodes) = try_join(snapshot, nodes).await?;
        let SnapshotAnswer::Changed { snapshot, .. } = snapshot else {
            return Err(RunError::OtherConfiguration);
        };
        let (nodes, actual): (Vec<admin::Node>, Vec<Entities>) = nodes.into_iter().unzip();

        let keys = in_force(fetched, &actual);
        let context = Context::new(&self.settings, &snapshot, &keys);
        let mut desired = desired::of_snapshot(&context, &snapshot);
        let services = services(&desired, &actual);
        let mut changes: Vec<Vec<Change>> = actual
            .iter()
            .map(|actual| diff(&desired, actual, &services))
            .collect();
        if !options.force {
            for (changes, actual) in changes.iter_mut().zip(&actual) {
                desired
                    .problems
                    .extend(brake::pull(changes, actual, self.max_delete_percent));
            }
        }
        if !options.dry_run {
            for applied in self.apply(&changes).await? {
                note_refusals(&mut desired, &applied);
            }
        }
        let mut entities = BTreeMap::new();
        for (key, _) in desired.entities.iter() {
            *entities.entry(key.kind).or_default() += 1;
        }
        let mut config = *snapshot;
        let expiries = expiries(&config.subscriptions);
        config.subscriptions = Vec::new();
        config.applications = Vec::new();
        Ok(Full {
            base: Base {
                config,
                keys,
                services,
            },
            nodes,
            changes,
            problems: desired.problems,
            applications: desired.applications,
            credentials: desired.credentials,
            expiries,
            entities,
        })
    }

    /// The part of one application: one question to portal-api, and what differs to the gateway.
    pub async fn application(&self, base: &Base, application: &str) -> Result<Partial, RunError> {
        let tags = [
            self.settings.ids.own_tag(),
            ids::application_tag(application),
        ];
        let tags = [tags[0].as_str(), tags[1].as_str()];
        let nodes = try_join_all(self.nodes.iter().map(|node| read_consumers(node, &tags)));
        let part = async {
            self.portal
                .snapshot_of_application(application)
                .await
                .map_err(RunError::from)
        };
        let (part, actual) = try_join(part, nodes).await?;
        if config_hash(&part.revision) != base.config_hash() {
            return Err(RunError::OtherConfiguration);
        }
        let context = Context::new(&self.settings, &base.config, &base.keys);
        let mut desired = desired::of_application(&context, &part, application);
        let changes: Vec<Vec<Change>> = actual
            .iter()
            .map(|actual| diff(&desired, actual, &base.services))
            .collect();
        let applied = self.apply(&changes).await?;
        if let Some(refused) = applied.iter().flat_map(|applied| &applied.refused).next() {
            return Err(RunError::Refused(refused.message.clone()));
        }
        Ok(Partial {
            made: changes.iter().map(Vec::len).sum(),
            problems: desired.applications.remove(application).unwrap_or_default(),
            credentials: desired.credentials,
            expiry: expiries(&part.subscriptions).remove(application),
        })
    }

    async fn read_all(&self, node: &Node) -> Result<(admin::Node, Entities), RunError> {
        let description = node.describe().await.map_err(RunError::gateway(node))?;
        if !description.is_embedded() || description.is_db_less() {
            return Err(RunError::Unsupported(node.address()));
        }
        let own_tag = self.settings.ids.own_tag();
        let actual = node
            .read(&[&own_tag])
            .await
            .map_err(RunError::gateway(node))?;
        Ok((description, actual))
    }

    /// All nodes are tried, so that one that is away does not keep the others back.
    async fn apply(&self, changes: &[Vec<Change>]) -> Result<Vec<Applied>, RunError> {
        let applied = self
            .nodes
            .iter()
            .zip(changes)
            .map(|(node, changes)| make(node, changes));
        join_all(applied).await.into_iter().collect()
    }
}

async fn read_consumers(node: &Node, tags: &[&str]) -> Result<Entities, RunError> {
    node.read_consumers(tags)
        .await
        .map_err(RunError::gateway(node))
}

async fn make(node: &Node, changes: &[Change]) -> Result<Applied, RunError> {
    apply(node, changes).await.map_err(RunError::gateway(node))
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

fn services(desired: &Desired, actual: &[Entities]) -> BTreeSet<Uuid> {
    let kept = actual
        .iter()
        .flat_map(|actual| actual.of_kind(Kind::Service));
    let kept = kept.filter(|(_, fields)| tags(fields).any(|tag| desired.kept_apis.contains(tag)));
    let wanted = desired.entities.of_kind(Kind::Service);
    wanted.chain(kept).map(|(id, _)| id).collect()
}

/// Problems out of what the gateway refused, at the API or subscription that they concern.
fn note_refusals(desired: &mut Desired, applied: &Applied) {
    for refused in &applied.refused {
        let consumer = Key {
            kind: Kind::Consumer,
            id: refused.change.unit,
        };
        let subscription = desired.entities.get(&consumer).cloned();
        let fields = match (&refused.change.kind, &subscription) {
            (_, Some(consumer)) => Some(consumer),
            (ChangeKind::Put { fields, .. }, None) => Some(fields),
            (ChangeKind::Delete, None) => None,
        };
        let tagged = |start| {
            let mut tags = fields.into_iter().flat_map(tags);
            tags.find_map(|tag| tag.strip_prefix(start).map(str::to_owned))
        };
        let problem = |kind: &str, id: String| GatewayProblem {
            kind: kind.to_owned(),
            id,
            message: format!("{}: {}", refused.change.key, refused.message),
        };
        let id = subscription
            .as_ref()
            .and_then(|consumer| text(consumer, "custom_id"));
        if let (Some(application), Some(id)) = (tagged(ids::APPLICATION_TAG), id) {
            let problems = desired.applications.entry(application).or_default();
            problems.push(problem("subscription", id.to_owned()));
        } else if let Some(api) = tagged(ids::API_TAG) {
            desired.problems.push(problem("api", api));
        } else {
            desired
                .problems
                .push(problem("gateway", refused.change.key.to_string()));
        }
    }
}

fn expiries(
    subscriptions: &[SnapshotSubscription],
) -> BTreeMap<String, chrono::DateTime<chrono::Utc>> {
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
