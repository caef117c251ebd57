//! What the gateway shall look like: one pure function per thing that is published. No input or
//! output, no clock, no randomness; the same snapshot always gives the same entities.
//!
//! A fault stays where it is: an API or a subscription that cannot be published becomes a problem
//! and keeps what the gateway has of it, and everything else goes on (events-and-adapters C10).

mod access;
mod api;
mod auth_server;
mod built_in;
mod context;
mod global;
mod lifecycle;
mod plugins;
mod routes;
mod subscription;
#[cfg(test)]
mod tests;
mod upstream;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sdk::types::{
    Snapshot, apis::LifecycleState, gateway::GatewayProblem, snapshot::SnapshotSubscription,
};
use uuid::Uuid;

use crate::{
    entity::{Entities, Entity},
    ids,
};
pub use context::{Context, Settings, server_name};

/// The desired state, and what could not be part of it.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    pub entities: Entities,
    /// What is wrong with the configuration.
    pub problems: Vec<GatewayProblem>,
    /// What is wrong with subscriptions, by application.
    pub applications: BTreeMap<String, Vec<GatewayProblem>>,
    /// Tags of APIs whose service, routes and plugins stay as the gateway has them.
    pub kept_apis: BTreeSet<String>,
    /// Consumers that get nothing new, by the id they would have.
    pub kept_consumers: BTreeMap<Uuid, Kept>,
    /// Names of plugins that are left alone on services once they are there.
    pub ignored: BTreeSet<String>,
    /// Which credential of portal-api stands behind a credential of the gateway.
    pub credentials: HashMap<Uuid, String>,
}

/// A consumer whose subscription has a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub username: String,
    pub keep: Keep,
}

/// What stays of a consumer whose subscription has a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    All,
    /// Credentials that are no longer valid go: a broken plan must not keep a revoked key alive.
    ButInvalidCredentials,
}

/// Everything.
pub fn of_snapshot(context: &Context, snapshot: &Snapshot) -> Desired {
    let mut desired = Desired {
        ignored: ignored(context),
        ..Desired::default()
    };
    desired.gateway(global::entities(context));
    for server in &context.config.auth_servers {
        let name = format!("{}-auth", context::server_name(server));
        desired.published(
            "auth-server",
            &name,
            auth_server::entities(context, &name, server),
        );
    }
    for (name, entities) in built_in::all(context) {
        desired.published("api", name, entities);
    }
    desired.apis(context);
    desired.subscriptions(context, &snapshot.subscriptions);
    desired
}

/// The APIs and who may call them, without anything that belongs to the portal.
pub fn alone(context: &Context, snapshot: &Snapshot) -> Desired {
    let mut desired = Desired::default();
    desired.gateway(global::entities(context));
    desired.apis(context);
    desired.subscriptions(context, &snapshot.subscriptions);
    desired
}

/// `kongAdapter.ignoreList`, unless it is switched off.
fn ignored(context: &Context) -> BTreeSet<String> {
    let adapter = context.config.globals.kong_adapter.as_ref();
    adapter
        .filter(|adapter| adapter.use_kong_adapter.unwrap_or(true))
        .map(|adapter| adapter.ignore_list.iter().cloned().collect())
        .unwrap_or_default()
}

/// Names of all plugins that this configuration can bring to a gateway.
pub fn plugin_names(snapshot: &Snapshot) -> BTreeSet<&str> {
    let apis = snapshot.apis.iter().filter_map(|api| api.config.as_deref());
    let servers = snapshot.auth_servers.iter().map(|server| &server.config);
    let of_plans = snapshot.plans.iter().flat_map(|plan| &plan.config.plugins);
    let configured = apis
        .chain(servers)
        .flat_map(|config| &config.plugins)
        .chain(of_plans);
    let names = configured.map(|plugin| plugin.name.as_str());
    names.chain(OWN_PLUGINS).collect()
}

/// Those that come without being configured.
const OWN_PLUGINS: [&str; 11] = [
    "acl",
    "correlation-id",
    "http-log",
    "jwt",
    "key-auth",
    "oauth2",
    "post-function",
    "prometheus",
    "rate-limiting",
    "request-termination",
    "response-transformer",
];

/// The part of one application.
pub fn of_application(context: &Context, part: &Snapshot, application: &str) -> Desired {
    let mut desired = Desired::default();
    let own: Vec<_> = part
        .subscriptions
        .iter()
        .filter(|subscription| subscription.application == application)
        .cloned()
        .collect();
    desired.subscriptions(context, &own);
    desired
}

/// The part of these subscriptions.
pub fn of_subscriptions(context: &Context, subscriptions: &[SnapshotSubscription]) -> Desired {
    let mut desired = Desired::default();
    desired.subscriptions(context, subscriptions);
    desired
}

impl Desired {
    fn apis(&mut self, context: &Context) {
        let mut taken = routes::Taken::default();
        for api in &context.config.apis {
            if context::state(api) == LifecycleState::Created {
                continue;
            }
            let entities = api::entities(context, api)
                .and_then(|entities| taken.claim(&api.id, &entities).map(|()| entities));
            self.published("api", &api.id, entities);
        }
    }

    fn gateway(&mut self, entities: Result<Vec<Entity>, String>) {
        match entities {
            Ok(entities) => self.entities.extend(entities),
            Err(message) => self.problem("gateway", "plugins", message),
        }
    }

    fn published(&mut self, kind: &str, id: &str, entities: Result<Vec<Entity>, String>) {
        match entities {
            Ok(entities) => self.entities.extend(entities),
            Err(message) => {
                self.problem(kind, id, message);
                self.kept_apis.insert(ids::api_tag(id));
            }
        }
    }

    fn subscriptions(&mut self, context: &Context, subscriptions: &[SnapshotSubscription]) {
        for subscription in subscriptions {
            if let Err((message, keep)) = self.subscription(context, subscription) {
                self.fault_of(subscription, message);
                let username = subscription::username(subscription);
                let consumer = context.settings.ids.consumer(&username);
                self.kept_consumers
                    .extend(keep.map(|keep| (consumer, Kept { username, keep })));
            }
        }
    }

    fn fault_of(&mut self, subscription: &SnapshotSubscription, message: String) {
        let problems = self.applications.entry(subscription.application.clone());
        problems.or_default().push(GatewayProblem {
            kind: "subscription".to_owned(),
            id: subscription.id.clone(),
            message,
        });
    }

    fn subscription(
        &mut self,
        context: &Context,
        subscription: &SnapshotSubscription,
    ) -> Result<(), (String, Option<Keep>)> {
        // Without its API nothing is left to call, and nothing to keep.
        context
            .api(&subscription.api)
            .map_err(|message| (message, None))?;
        let identity = subscription::identity(context, subscription)
            .map_err(|message| (message, Some(Keep::All)))?;
        for fault in identity.faults {
            self.fault_of(subscription, fault);
        }
        for (entity, credential) in identity.credentials {
            self.credentials.insert(entity.0.id, credential);
            self.entities.extend([entity]);
        }
        let limits = subscription::limits(context, subscription)
            .map_err(|message| (message, Some(Keep::ButInvalidCredentials)))?;
        self.entities.extend(identity.entities);
        self.entities.extend(limits);
        Ok(())
    }

    fn problem(&mut self, kind: &str, id: &str, message: String) {
        self.problems.push(GatewayProblem {
            kind: kind.to_owned(),
            id: id.to_owned(),
            message,
        });
    }
}
