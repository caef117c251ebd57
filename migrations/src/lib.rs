//! The databases of portal-api and auth server: how they are opened, and their schema.
//!
//! `SQLite` and `PostgreSQL` are driven through the same [`Database`]; the migrations are written once
//! for both. The one invariant: on `SQLite` there is exactly one writing connection, reached only
//! by [`Database::write`].

pub mod auth_server;
mod database;
mod ddl;
mod location;
pub mod portal_api;
mod prepared;
mod reader;

pub use database::{Database, OpenError};
pub use location::{InvalidLocation, Location};
pub use prepared::Prepared;
pub use reader::Reader;
