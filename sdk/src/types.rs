//! What goes over the wire, one module per resource.
//!
//! Reading is lenient, as old clients and hand-written configuration need it: unknown members are
//! ignored (or kept in `extra` where the contract passes them on), `null` means absent. Ids are
//! plain texts here; the service that owns a resource checks them.

pub mod apis;
pub mod applications;
pub mod approvals;
pub mod archive;
pub mod audit;
pub mod auth_servers;
pub mod configuration;
pub mod content;
pub mod credentials;
pub mod events;
mod extra;
pub mod gateway;
pub mod globals;
pub mod grants;
pub mod groups;
pub mod health;
pub mod invitations;
pub mod lenient;
pub mod links;
pub mod listeners;
pub mod page;
pub mod plans;
pub mod pools;
pub mod registrations;
mod secret;
pub mod setup;
pub mod snapshot;
pub mod subscriptions;
pub mod teams;
pub mod time;
pub mod usage;
pub mod users;
pub mod verifications;

pub use apis::{Api, ApiConfig, Apis, Plugin};
pub use applications::{Application, ClientType, Owner, Role};
pub use approvals::Approval;
pub use auth_servers::{AuthMethod, AuthServer};
pub use credentials::Credential;
pub use events::Event;
pub use extra::Extra;
pub use globals::Globals;
pub use grants::Grant;
pub use groups::{Group, Groups};
pub use listeners::{Mode, Registration as ListenerRegistration};
pub use page::{ListQuery, Page};
pub use plans::{Plan, Plans};
pub use pools::Pool;
pub use registrations::Registration;
pub use secret::Secret;
pub use snapshot::Snapshot;
pub use subscriptions::Subscription;
pub use teams::Team;
pub use time::{ChangedDate, Timestamp};
pub use users::User;
pub use verifications::Verification;
