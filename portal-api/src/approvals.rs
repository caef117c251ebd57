//! Requests that somebody has to decide: subscriptions to plans that need approval, and the wish
//! to be trusted. Decided requests stay readable.

mod comments;
mod decide;
mod routes;
pub mod row;
pub mod rules;
pub mod store;
pub mod wire;

pub use decide::{Outcome, close};
pub use routes::routes;
