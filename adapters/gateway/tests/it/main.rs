//! The adapter between a real embedded gateway and a portal-api of the test, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![expect(
    clippy::needless_pass_by_value,
    reason = "callers write `json!(…)` in the place of the argument"
)]

mod authority;
mod backend;
mod double;
mod gateway;
mod histories;
mod kong_addresses;
mod kong_dbless;
mod kong_entities;
mod kong_histories;
mod kong_migration;
mod kong_table;
mod kong_world;
mod metrics;
mod portal;
mod protection;
mod provisioning;
mod reporting;
mod resilience;
mod revocations;
mod world;
