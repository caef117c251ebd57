//! portal-api over HTTP: a real server on a free port, with a real database.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod configuration;
mod support;
