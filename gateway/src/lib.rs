//! The embedded API gateway.
//!
//! * [`router`]: which route a request belongs to.
//! * [`plugins`]: what happens to it on the way.
//! * [`proxy`]: from the client's socket to the backend's and back.
//! * [`worker`]: one thread per core, each with its own listener and connections.
//! * [`store`]: the entities, on disk and in memory; [`live`]: their compiled form for the workers.
//! * [`databases`]: those that the operator has named, for statements of the configuration.
//! * [`document`]: whole configurations as one text.
//! * [`handover`]: a new process takes over the sockets of the old one.
//! * [`health`]: checks of the targets of upstreams.
//! * [`maintenance`]: APIs that are closed for a while.
//! * [`revocations`]: access tokens that ended before their time.
//! * [`acme`]: certificates that come by themselves.
//! * [`admin`]: the Kong-compatible Admin API and the status port.
//!
//! [`serve`] starts all of it. The one invariant: a request is either checked by every plugin that
//! is configured for it, or refused.

mod acme;
mod admin;
mod config_file;
mod databases;
mod dns;
mod document;
#[doc(hidden)]
pub mod fuzz;
mod handover;
mod health;
mod live;
mod maintenance;
mod numbers;
mod plugins;
mod proxy;
mod revocations;
mod router;
mod serve;
mod settings;
mod store;
mod vault;
mod worker;

pub use databases::Places;
pub use handover::Predecessor;
pub use serve::serve;
pub use settings::{
    Acme, AnswerHeaders, Bound, EncodedSlash, ErrorType, ForwardedFor, Mode, PlainHttp, RealIp,
    Settings, Traffic, TrustedPeers, Underscores,
};

/// Product name and version in `Server` and `Via`.
pub(crate) const PRODUCT: &str = concat!("wicketgate/", env!("CARGO_PKG_VERSION"));
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
