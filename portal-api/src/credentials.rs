//! Credentials of subscriptions: API keys, and client ids with their secrets.
//!
//! The one invariant (portal-api 29.2): a secret is stored as digest; a ciphertext stands beside
//! it only where the secret may be shown again or a Kong has to be given it.

pub mod expiry;
pub mod make;
mod routes;
pub mod row;
pub mod rules;
pub mod secret;
pub mod store;
pub mod wire;

pub use routes::routes;
