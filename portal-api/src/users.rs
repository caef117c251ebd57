//! Users: accounts with an address, with or without a local password.

pub mod row;
pub mod rules;
pub mod store;
