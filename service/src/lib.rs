//! What every Wicketgate process shares: settings, keys, service tokens, logs, metrics, health
//! and the way an HTTP server is run and stopped. Nothing here knows a business rule.

pub mod backoff;
pub mod build;
pub mod clock;
pub mod crypto;
pub mod files;
pub mod health;
pub mod http;
pub mod keys;
pub mod log;
pub mod metrics;
mod name;
pub mod operator;
pub mod ops;
pub mod problem;
pub mod random;
pub mod revocations;
pub mod settings;
pub mod state;
pub mod token;

pub use name::{ServiceName, UnknownService};

/// Version of the product, reported by `/ping`. It sorts at or after `1.0.0` as text and is newer
/// than `1.0.0-rc.14`, because existing clients compare it (portal-api 3.4).
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
