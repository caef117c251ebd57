//! Roles of users on applications.

mod routes;
pub mod row;
pub mod rules;
pub mod store;

pub use routes::routes;
pub use rules::{by_team, is_last, role, role_of};
pub use store::Owner;
