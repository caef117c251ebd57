//! Applications: what developers register, and what subscribes to APIs.

pub mod access;
pub mod list;
mod oauth;
pub mod patch;
pub mod redirect_uris;
mod routes;
pub mod row;
pub mod rules;
pub mod store;
pub mod wire;

pub use routes::routes;
