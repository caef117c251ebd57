//! Keeps the gateway equal to configuration and subscriptions.
//!
//! Level-triggered: events say *that* something changed, never what. Every run reads what shall be
//! from portal-api and what is from the gateway, and makes the difference. Nothing is stored here,
//! so nothing can be lost; an interrupted run is simply followed by another one.
//!
//! * `desired`: snapshot → entities, pure, for the gateway that `target` describes. `diff`: desired
//!   and actual → calls in a safe order, pure. `document`: the same as one document.
//! * `reconcile`: one run: read, compare, `apply`. `control`: the loop that decides when. `lease`:
//!   which of several instances does.
//! * `revocations`: access tokens that ended before their time, on to the gateways.
//! * `usage`: what gateways report about calls, summed and handed to portal-api.

mod apply;
mod auth_servers;
mod control;
mod desired;
mod diff;
mod document;
mod entity;
#[cfg(test)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write `json!(…)` in the place of the argument"
)]
mod fixture;
mod gateways;
mod ids;
mod keys;
mod lease;
pub mod microgateway;
mod node;
mod print;
mod reconcile;
mod redis;
mod report;
mod revocations;
mod routes;
mod settings;
mod state;
mod target;
mod usage;
mod watch;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use sdk::{listener::EventService, types::gateway::GatewayStatus};
use service::{ServiceName, health::Readiness, keys::Purpose};
use tokio::{net::TcpListener, sync};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use control::Control;
use gateways::{Discovery, Gateways};
use ids::Ids;
use lease::Role;
pub use print::{Printed, print};
use reconcile::Reconciler;
pub use reconcile::{Adopt, ConfigFile, Mode, Pace, Rules};
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
/// How long it may take to hand over the lease and what was counted.
const GRACE: Duration = Duration::from_secs(30);
/// Orders that may wait for the loop; whoever brings more is held up.
const ORDERS: usize = 256;

/// Runs the adapter until `shutdown`. Waits for portal-api, gateway and auth server with a visible
/// reason, and never ends because one of them is away.
pub async fn serve(
    settings: Settings,
    socket: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = EventService::new(
        ServiceName::GatewayAdapter,
        settings.portal_api_url.clone(),
        &settings.keys,
        &settings.access,
        readiness.clone(),
        &shutdown,
    );
    let (portal, shutdown) = (service.client().clone(), service.shutdown().clone());
    let gateways = gateways(&settings)?;
    let (sender, orders) = sync::mpsc::channel(ORDERS);
    let (status, reported) = sync::watch::channel(GatewayStatus::default());
    let shared = Arc::new(Shared::default());

    let for_events = sender.clone();
    let receiver = service
        .listener()?
        .at(settings.own_url.clone())
        .events(EVENTS)
        .on_batch(move |events| control::events(for_events.clone(), events));
    let intake = Intake::new(
        &portal,
        shared.clone(),
        &settings.keys,
        settings.state_dir.as_deref(),
    )?;
    let operations = routes::Operations {
        shared: shared.clone(),
        readiness: readiness.clone(),
        orders: sender.clone(),
        operators: service.operators(),
        allow_resync: settings.allow_resync,
        own_url: settings.own_url.clone(),
    };
    let routes = routes::router(operations).merge(usage::router(intake.clone()));

    let watch = watch::Watch {
        portal: portal.clone(),
        gateways: gateways.clone(),
        orders: sender.clone(),
        shared: shared.clone(),
        status: status.clone(),
        look_up_scopes_every: settings.look_up_scopes_every,
    };
    let hearing = sender.clone();
    let following = service.clone();
    // The loop has pauses of its own, and events wait for no call that is tried for long.
    let reconciler = Reconciler::new(
        portal.clone().with_patience(Duration::ZERO),
        gateways,
        desired_settings(&settings)?,
        settings.rules.clone(),
    );
    let (role, own_role) = sync::watch::channel(Role::Unknown);
    let holder = lease::holder(socket.local_addr()?.port());
    let revocations = revocations::Revocations {
        gateways: watch.gateways.clone(),
        shared: shared.clone(),
        role: own_role.clone(),
        keys: settings.keys.clone(),
    };
    let leasing = lease::run(
        portal.clone(),
        holder,
        role,
        (readiness.clone(), shared.clone()),
        sender.clone(),
        shutdown.clone(),
    );
    let control = Control::new(
        reconciler,
        receiver.clone(),
        (sender, orders),
        readiness,
        shared,
        status,
        shutdown.clone(),
        settings.reconcile_every,
        own_role,
    );
    let tasks = TaskTracker::new();
    tasks.spawn(leasing);
    tasks.spawn(intake.run(shutdown.clone()));
    let stop = || shutdown.clone();
    tasks.spawn(stop().run_until_cancelled_owned(control.run()));
    tasks.spawn(stop().run_until_cancelled_owned(watch.run()));
    tasks.spawn(stop().run_until_cancelled_owned(revocations.run()));
    tasks.spawn(stop().run_until_cancelled_owned(report::run(portal, reported)));
    tasks.close();
    // The loop registers: only the adapter that leads does, and again before each comparison.
    let hearing = watch::Configuration::new(hearing);
    let following = following.follow(|| hearing.news(), async { true }, async {});
    let work = async {
        tokio::join!(following, tasks.wait());
    };
    // On the heap: it holds all of that.
    Box::pin(service.serve(socket, receiver, routes, work, GRACE)).await
}

/// Where the gateways are and how they are called.
fn gateways(settings: &Settings) -> anyhow::Result<Gateways> {
    let authorities = match &settings.gateway_admin_ca {
        Some(path) => service::http::authorities(path).context("KONG_ADMIN_CA")?,
        None => Vec::new(),
    };
    let http = if authorities.is_empty() {
        service::http::client()
    } else {
        service::http::client_with(authorities.clone()).context("KONG_ADMIN_CA")?
    };
    let first = settings
        .gateway_admin_urls
        .first()
        .context("there is no address of a gateway")?;
    let token = settings
        .gateway_admin_token
        .as_ref()
        .map(|token| token.expose().to_owned());
    let client = kong::admin::Client::new(http, first.clone(), token)
        .in_workspace(settings.workspace.clone());
    let urls = settings.gateway_admin_urls.clone();
    let discovery = settings
        .discovers_gateways
        .then(|| Discovery::new(authorities));
    Ok(Gateways::new(client, urls, discovery))
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
        introspection_token: settings.keys.derive(&Purpose::Introspection)?.base64url(),
        redis: settings.redis.clone(),
        provision: settings.keys.derive(&Purpose::Provision)?,
    })
}
