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

pub use enable::{disable_for as disable, enable_for as enable};
pub use routes::{known, record, routes};
pub use secret_routes::{end_for as end_secret, make as make_secret};
pub use test::run_for as test;
