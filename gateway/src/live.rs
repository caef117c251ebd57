//! What the workers see of the entities: compiled, immutable, swapped while requests run.
//!
//! Routes, services and their plugins form one snapshot. Consumers and credentials do not: there
//! may be many thousands of them, and one more must not cost a copy of all. They are kept in
//! [`Directory`], whose shards are swapped one by one.

mod authorities;
mod backends;
mod certificates;
mod consumer;
mod directory;
mod handshakes;
mod routing;
mod shards;
pub mod upstream;
mod verify_depth;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use kong::Kind;
use service::revocations::RevocationList;
use tokio::sync::Notify;

pub use authorities::Authorities;
pub use backends::{Compiler, Endpoint, Origin, Service};
pub use certificates::Certificates;
pub use consumer::Consumer;
pub use directory::{BasicEntry, Directory, KeyEntry, TokenKey};
pub use handshakes::Handshakes;
pub use routing::{Bound, Grpc, Routing, Snapshot, Target};

use crate::{
    maintenance::Maintenance,
    plugins::usage::UsageSettings,
    store::{Change, Tables},
};

/// Shared by all workers.
pub struct Live {
    pub routing: ArcSwap<Routing>,
    pub directory: Directory,
    pub certificates: Arc<Certificates>,
    /// With clients.
    pub handshakes: Handshakes,
    /// Whom services and plugins may trust.
    pub authorities: ArcSwap<Authorities>,
    /// Access tokens that ended before their time.
    pub revoked: ArcSwap<RevocationList>,
    /// Services that are closed for a while.
    pub maintenance: Maintenance,
    /// Where usage records go; nothing when no such plugin is configured.
    pub usage: ArcSwapOption<UsageSettings>,
    /// Routes or certificates may have other names now.
    pub names_changed: Notify,
}

impl Live {
    /// Compiles everything.
    pub fn new(tables: &Tables, maintenance: Maintenance) -> Self {
        let certificates = Arc::<Certificates>::default();
        let live = Self {
            handshakes: Handshakes::new(certificates.clone()),
            authorities: ArcSwap::from_pointee(Authorities::new(tables)),
            routing: ArcSwap::from_pointee(Routing::default()),
            directory: Directory::default(),
            certificates,
            revoked: ArcSwap::default(),
            maintenance,
            usage: ArcSwapOption::empty(),
            names_changed: Notify::new(),
        };
        live.recompile_routing(tables);
        live.directory.load(tables);
        live.certificates.load(tables);
        live
    }

    /// Shows changes to the workers. Requests accepted after this returns see them.
    pub fn apply(&self, tables: &Tables, changes: &[Change]) {
        self.directory.apply(tables, changes);
        if changes
            .iter()
            .any(|change| change.kind == Kind::CaCertificate)
        {
            self.authorities.store(Authorities::new(tables).into());
        }
        if changes.iter().any(concerns_routing) {
            self.recompile_routing(tables);
        }
        if changes
            .iter()
            .any(|change| matches!(change.kind, Kind::Certificate | Kind::Sni))
        {
            self.certificates.load(tables);
        }
        if changes
            .iter()
            .any(|change| matches!(change.kind, Kind::Route | Kind::Sni))
        {
            self.names_changed.notify_one();
        }
    }

    fn recompile_routing(&self, tables: &Tables) {
        let routing = Routing::compile(tables, &self.routing.load());
        self.usage.store(routing.usage());
        let asked = routing.client_authorities();
        let known = self.authorities.load();
        self.handshakes.ask_for(asked.map(|ids| known.of(ids)));
        self.routing.store(routing.into());
    }
}

/// Plugins bound to a consumer belong to that consumer, not to the routes.
fn concerns_routing(change: &Change) -> bool {
    match change.kind {
        Kind::Service
        | Kind::Route
        | Kind::Upstream
        | Kind::Target
        | Kind::Certificate
        | Kind::CaCertificate => true,
        Kind::Plugin => [&change.before, &change.after]
            .into_iter()
            .flatten()
            .any(|row| row.reference("consumer").is_none()),
        _ => false,
    }
}
