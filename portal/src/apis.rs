//! `GET /apis/{api}`: the page of one API.

mod announce;
mod changelog;
mod composed;
mod connect;
mod difference;
mod guides;
mod head;
mod own;
mod routes;
mod usage;

pub use connect::{credential, credential_note, token_call, urls};
pub use guides::{of as guides_of, url as guide_url};
pub use head::{ApiHead, ApiTab};
pub use routes::routes;
