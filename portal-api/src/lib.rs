//! portal-api: the stateful core. Users, applications, subscriptions and approvals live here;
//! the static configuration is served from here; every change leaves as an event.
//!
//! Inside: one module per resource. `routes` speaks HTTP, `rules` decides without I/O, `store`
//! talks to the database and takes the transaction as an argument. A change and the event that
//! tells of it are always in one transaction ([`events::append`]).

pub mod audit;
pub mod caller;
mod compat;
mod error;
pub mod events;
mod extract;
mod housekeeping;
mod master_key;
mod routes;
mod serve;
mod settings;
mod state;
mod systemhealth;
pub mod tokens;
pub mod users;

pub use error::ApiError;
pub use serve::serve;
pub use settings::{FirstAdmin, Neighbours, Settings};
pub use state::AppState;
