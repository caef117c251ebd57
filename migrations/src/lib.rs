//! The databases of portal-api and auth server: how they are opened, and their schema.
//!
//! `SQLite` and `PostgreSQL` are driven through the same [`Database`]; the migrations are written once
//! for both. The one invariant: on `SQLite` there is exactly one writing connection, reached only
//! by [`Database::write`].

pub mod auth_server;
mod database;
mod ddl;
mod files;
mod location;
mod look;
pub mod portal_api;
mod prepared;
mod reader;
mod reseal;
mod retention;
mod transfer;

pub use database::{Database, OpenError, lock_file};
pub use files::{check_file, copy_file};
pub use location::{InvalidLocation, Location};
pub use look::{Seen, look};
pub use prepared::Prepared;
pub use reader::Reader;
pub use reseal::Sealed;
pub use retention::Retention;
pub use transfer::{TransferError, to_postgres};
