//! `GET /apis/{api}`: the page of one API.

mod connect;
mod head;
mod routes;

pub use connect::{credential, credential_note};
pub use head::ApiHead;
pub use routes::routes;
