//! The wire contract of Wicketgate as Rust types, a typed client for portal-api and a kit for
//! webhook listeners, with the templates their messages are made from.
//!
//! Field names, paths and status codes are those of the portal-api document; portal-api itself and
//! all its callers use the same [`types`], so the two sides cannot drift apart.

pub mod client;
pub mod listener;
pub mod signature;
pub mod template;
#[cfg(feature = "testing")]
pub mod testing;
pub mod types;

pub use client::{ApiError, Auth, Client, Error, Optional, Person};
pub use listener::{Listener, Outcome};
