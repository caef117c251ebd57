//! The gateway from outside: real sockets, a real backend, entities over its Admin API.

#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation is what ends a test"
)]

mod acme;
mod admin;
mod attacks;
mod authentication;
mod changes;
mod compose;
mod data_service;
mod deck;
mod dns;
mod documents;
mod grpc;
mod handover;
mod http;
mod identity;
mod key_auth;
mod limits;
mod logs;
mod maintenance;
mod mtls;
mod openid_connect;
mod persistence;
mod precedence;
mod proxy_cache;
mod rate_limiting;
mod references;
mod restrictions;
mod seeds;
mod support;
mod telemetry;
mod tls;
mod tokens;
mod traffic;
mod transformers;
mod upstreams;
mod usage;
