//! `GET /apis/{api}`: the page of one API.

mod composed;
mod connect;
mod head;
mod routes;
mod usage;

pub use connect::{credential, credential_note};
pub use head::ApiHead;
pub use routes::routes;
