//! Measured calls: taking them from the gateway, and reading them as series (portal-api 29.5).

mod histogram;
pub mod intake;
mod limits;
mod query;
pub mod rollup;
mod routes;
mod row;
mod series;
mod store;
mod thresholds;

pub use routes::routes;
