//! The tested binary, run as its users run it: as one process or many, on SQLite or PostgreSQL,
//! driven through its pages and its gateway over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod answers;
mod backup;
mod bad_input;
mod claims;
mod configuration;
mod deliveries;
mod deployment;
mod doctor;
mod drills;
mod journey;
mod kills;
mod limits;
mod listen;
mod mails;
mod microgateway;
mod operations;
mod portal_rows;
mod publisher;
mod rolling;
mod rotation;
mod support;
mod takeover;
mod trial;
mod two_auth_servers;
mod upgrade;
mod wicked;
