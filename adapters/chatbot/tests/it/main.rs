//! The chatbot against a portal-api in small and real HTTP receivers.
// Always true here; it lets clippy see that helpers are test code, too.
#![cfg(test)]

mod hook;
mod hostile;
mod messages;
mod operations;
mod queue;
mod rules;
mod service;
mod trouble;
