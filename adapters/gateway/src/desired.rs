//! What the gateway shall look like: one pure function per thing that is published. No input or
//! output, no clock, no randomness; the same snapshot always gives the same entities.
//!
//! A fault stays where it is: an API or a subscription that cannot be published becomes a problem
//! and keeps what the gateway has of it, and everything else goes on (events-and-adapters C10).

mod api;
mod auth_server;
mod built_in;
mod context;
mod global;
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
#[derive(Debug, Default)]
pub struct Desired {
    pub entities: Entities,
    /// What is wrong with the configuration.
    pub problems: Vec<GatewayProblem>,
    /// What is wrong with subscriptions, by application.
    pub applications: BTreeMap<String, Vec<GatewayProblem>>,
    /// Tags of APIs whose service, routes and plugins stay as the gateway has them.
    pub kept_apis: BTreeSet<String>,
    /// Consumers that get nothing new.
    pub kept_consumers: BTreeMap<Uuid, Keep>,
    /// Which credential of portal-api stands behind a credential of the gateway.
    pub credentials: HashMap<Uuid, String>,
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
    let mut desired = Desired::default();
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
    let mut taken = routes::Taken::default();
    for api in &context.config.apis {
        if context::state(api) == LifecycleState::Created {
            continue;
        }
        let entities = api::entities(context, api)
            .and_then(|entities| taken.claim(&api.id, &entities).map(|()| entities));
        desired.published("api", &api.id, entities);
    }
    desired.subscriptions(context, &snapshot.subscriptions);
    desired
}

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

impl Desired {
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
                let problems = self.applications.entry(subscription.application.clone());
                problems.or_default().push(GatewayProblem {
                    kind: "subscription".to_owned(),
                    id: subscription.id.clone(),
                    message,
                });
                let username = subscription::username(subscription);
                let consumer = context.settings.ids.consumer(&username);
                self.kept_consumers
                    .extend(keep.map(|keep| (consumer, keep)));
            }
        }
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
