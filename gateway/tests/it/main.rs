//! The gateway from outside: real sockets, a real backend, entities over its Admin API.

mod admin;
mod http;
mod identity;
mod key_auth;
mod persistence;
mod rate_limiting;
mod support;
mod tokens;
mod usage;
