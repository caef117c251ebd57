//! Keeps the gateway equal to configuration and subscriptions.
//!
//! Level-triggered: events say *that* something changed, never what. Every run reads what shall be
//! from portal-api and what is from the gateway, and makes the difference ([`desired`], [`diff`],
//! [`apply`]). Nothing is stored here, so nothing can be lost; an interrupted run is simply
//! followed by another one.

mod apply;
mod desired;
mod diff;
mod entity;
mod ids;
mod keys;
mod node;
