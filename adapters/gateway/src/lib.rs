//! Keeps the gateway equal to configuration and subscriptions.
//!
//! Level-triggered: events say *that* something changed, never what. Every run reads what shall be
//! from portal-api and what is from the gateway, and makes the difference. Nothing is stored here,
//! so nothing can be lost; an interrupted run is simply followed by another one.
//!
//! * `desired`: snapshot → entities, pure. `diff`: desired and actual → calls in a safe order, pure.
//! * `reconcile`: one run: read, compare, `apply`. `control`: the loop that decides when.
//! * `usage`: what gateways report about calls, summed and handed to portal-api.

mod apply;
mod control;
mod desired;
mod diff;
mod entity;
#[cfg(test)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write `json!(…)` in the place of the argument"
)]
mod fixture;
mod ids;
mod keys;
mod node;
mod reconcile;
mod report;
mod routes;
mod settings;
mod state;
mod usage;
mod watch;

use std::sync::Arc;

use anyhow::Context;
use axum::http::StatusCode;
use sdk::{Auth, Client, Listener, types::gateway::GatewayStatus};
use service::{
    ServiceName,
    health::Readiness,
    keys::Purpose,
    ops,
    problem::Problem,
    token::{Identity, Verifier},
};
use tokio::{net::TcpListener, sync};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use control::Control;
use ids::Ids;
use node::Node;
use reconcile::Reconciler;
pub use settings::Settings;
use state::Shared;
use usage::Intake;

/// Id of the adapter's listener and lease, kept from wicked.
const LISTENER: &str = "kong-adapter";
/// What the adapter wants to hear.
const EVENTS: [&str; 4] = [
    "application.*",
    "subscription.*",
    "config.updated",
    "import.done",
];
/// Orders that may wait for the loop; whoever brings more is held up.
const ORDERS: usize = 256;

/// Runs the adapter until `shutdown`. Waits for portal-api, gateway and auth server with a visible
/// reason, and never ends because one of them is away.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let identity = Identity::new(ServiceName::GatewayAdapter, settings.keys.clone());
    let portal = Client::new(settings.portal_api_url.clone(), Auth::Service(identity));
    let token = settings
        .gateway_admin_token
        .as_ref()
        .map(|token| token.expose().to_owned());
    let nodes: Vec<Node> = settings
        .gateway_admin_urls
        .iter()
        .map(|url| Node::new(url.clone(), token.clone()))
        .collect();
    let (sender, orders) = sync::mpsc::channel(ORDERS);
    let (status, reported) = sync::watch::channel(GatewayStatus::default());
    let shared = Arc::new(Shared::default());

    let for_events = sender.clone();
    let receiver = Listener::new(LISTENER, portal.clone(), &settings.keys)?
        .at(settings.own_url.clone())
        .events(EVENTS)
        .on_batch(move |events| control::events(for_events.clone(), events));
    let intake = Intake::new(&portal, shared.clone(), &settings.keys)?;
    let operations = routes::Operations {
        shared: shared.clone(),
        readiness: readiness.clone(),
        orders: sender.clone(),
        verifier: Verifier::new(ServiceName::GatewayAdapter, settings.keys.clone()),
        allow_resync: settings.allow_resync,
        own_url: settings.own_url.clone(),
    };
    let app = routes::router(operations)
        .merge(ops::without_ping(
            ServiceName::GatewayAdapter.wire_name(),
            readiness.clone(),
        ))
        .merge(receiver.router())
        .merge(usage::router(intake))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found."));

    let watch = watch::Watch {
        portal: portal.clone(),
        nodes: nodes.clone(),
        orders: sender.clone(),
        shared: shared.clone(),
        status: status.clone(),
    };
    let reconciler = Reconciler {
        // The loop has pauses of its own, and events wait for no call that is tried for long.
        portal: portal.clone().with_patience(std::time::Duration::ZERO),
        nodes,
        settings: desired_settings(&settings)?,
        max_delete_percent: settings.max_delete_percent,
    };
    let control = Control::new(
        reconciler,
        receiver,
        (sender, orders),
        readiness,
        shared,
        status,
        shutdown.clone(),
        settings.reconcile_every,
    );
    let tasks = TaskTracker::new();
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(control.run()));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(watch.run()));
    tasks.spawn(
        shutdown
            .clone()
            .run_until_cancelled_owned(report::run(portal, reported)),
    );
    tasks.close();
    service::http::serve(ServiceName::GatewayAdapter, listener, app, shutdown).await?;
    tasks.wait().await;
    Ok(())
}

fn desired_settings(settings: &Settings) -> anyhow::Result<desired::Settings> {
    let endpoint = settings
        .own_url
        .join("usage")
        .context("the adapter's own URL")?;
    Ok(desired::Settings {
        ids: Ids::new(&settings.instance),
        digest_key: settings
            .keys
            .derive(&Purpose::CredentialLookup)?
            .base64url(),
        usage_endpoint: endpoint.into(),
        usage_token: settings.keys.derive(&Purpose::UsageIntake)?.base64url(),
    })
}
