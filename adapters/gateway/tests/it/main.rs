//! The adapter between a real embedded gateway and a portal-api of the test, over HTTP.

mod backend;
mod gateway;
mod histories;
mod portal;
mod provisioning;
mod reporting;
mod resilience;
mod world;
