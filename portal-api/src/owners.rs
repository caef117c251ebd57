//! Roles of users on applications.

mod routes;
pub mod row;
mod rules;
pub mod store;

pub use routes::routes;
pub use rules::{is_last, role};
pub use store::Owner;
