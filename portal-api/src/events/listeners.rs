//! `/webhooks/listeners/…`: who wants to know (events-and-adapters A1, B1, B5, B10).

mod enable;
mod routes;
pub mod rules;
mod secret_routes;
pub mod secrets;
pub mod stats;
pub mod store;
mod test;
pub mod wire;

pub use routes::{known, record, routes};
