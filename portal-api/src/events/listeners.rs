//! `/webhooks/listeners/…`: who wants to know (events-and-adapters A1, B1, B5, B10).

pub mod enable;
pub mod named;
pub mod routes;
pub mod rules;
pub mod secret_routes;
pub mod secrets;
pub mod stats;
pub mod store;
pub mod test;
pub mod wire;

pub use named::{Readable, Writable};
pub use routes::{record, routes};
