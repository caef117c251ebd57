//! portal-api: the stateful core. Users, applications, subscriptions and approvals live here;
//! the static configuration is served from here; every change leaves as an event.
//!
//! Inside: one module per resource. `routes` speaks HTTP, `rules` decides without I/O, `store`
//! talks to the database and takes the transaction as an argument. A change and the event that
//! tells of it are always in one transaction ([`events::append`]).

mod apis;
pub mod applications;
mod approvals;
mod archive;
pub mod audit;
mod auth_servers;
pub mod bootstrap;
pub mod caller;
mod compat;
mod conditional;
mod configuration;
mod content;
pub mod credentials;
mod echo;
mod error;
pub mod events;
mod extract;
#[doc(hidden)]
pub mod fuzz;
pub mod gateway;
mod globals;
mod grants;
mod groups;
mod housekeeping;
mod idempotency;
pub mod import;
mod invitations;
mod limits;
mod login;
mod master_key;
mod meta;
mod namespaces;
pub mod openapi;
pub mod owners;
mod paging;
pub mod passwords;
mod plans;
mod pools;
mod preferences;
mod registrations;
mod rendered;
mod rotation;
mod routes;
mod serve;
mod settings;
mod setup;
mod sql;
mod state;
pub mod subscriptions;
mod systemhealth;
mod teams;
mod templates;
pub mod tokens;
mod traffic;
mod usage;
pub mod users;
mod verifications;

pub use error::ApiError;
pub use limits::RateLimits;
pub use serve::{serve, serve_when};
pub use settings::{ConfigurationSource, EventSettings, FirstAdmin, Neighbours, Pace, Settings};
pub use state::AppState;
