//! Invitations to work on an application, also for people without an account (portal-api B5).
//!
//! The one invariant: the token stands in the mail and nowhere else; here is its digest.

mod routes;
pub mod row;
pub mod rules;
mod store;

pub use routes::routes;
