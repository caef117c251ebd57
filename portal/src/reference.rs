//! The reference: one page per operation, made on the server from the API's OpenAPI file.
//!
//! Definitions are written by API owners and may be large, circular or broken. References are
//! followed inside the file only, with a limit on hops, depth and size, so a page is always finite.

mod compare;
mod definition;
mod definitions;
mod example;
mod export;
pub mod highlight;
mod language;
mod operation;
mod own_sample;
mod packed;
pub mod refs;
mod request;
mod routes;
mod sample;
mod schema;
mod yaml;

pub use compare::{Change, Difference, Place, What, compare};
pub use definition::{Definition, Operation};
pub use definitions::Definitions;
pub use language::Language;
pub use operation::{Input, OperationView, view};
pub use own_sample::Samples;
pub use request::{Credential, Request};
pub use routes::{operation_url, routes};
pub use sample::{SampleView, token_call};
pub use schema::SchemaRow;
