//! portal-api over HTTP: a real server on a free port, with a real database.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bootstrap;
mod configuration;
mod grants;
mod hostile;
mod login;
mod registrations;
mod support;
mod users;
mod verifications;
