//! Schemas: which fields an entity or a plugin configuration has, their defaults and rules.
//!
//! [`Record::complete`] is the one way from what a client sent to what is stored. It fills in
//! defaults, refuses unknown fields, and reports every fault, each at its field.

mod complete;
pub mod entity;
mod faults;
mod field;
mod form;
pub mod reference;
mod remote;
mod render;
pub mod text;

pub use faults::Faults;
pub use field::{Field, Record, TextCheck, Type};
pub use form::unfold;
pub use remote::Remote;
