//! portal-api over HTTP: a real server on a free port, with a real database.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod acceptance;
mod accounts;
mod applications;
mod approvals;
mod archive;
mod audit;
mod authorization;
mod bootstrap;
mod bus;
mod client;
mod collaboration;
mod commits;
mod conditional;
mod configuration;
mod credentials;
mod events;
mod gateway;
mod grants;
mod hostile;
mod hostile_bodies;
mod idempotency;
mod import;
mod limits;
mod login;
mod market;
#[path = "../../../tests/node/run.rs"]
mod node;
mod openapi;
mod own_applications;
mod paging;
mod receiver;
mod registrations;
mod reload;
mod retention;
mod roles;
mod seeds;
mod subscriptions;
mod support;
mod teams;
mod tokens;
mod usage;
mod users;
mod verifications;
mod writers;
