//! The mailer against a portal-api in small and a real mail server in small.
// Always true here; it lets clippy see that helpers are test code, too.
#![cfg(test)]

mod operations;
mod optional;
mod outbox;
mod service;
mod smtp;
mod smtp_server;
