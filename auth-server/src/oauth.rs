//! The protocol as clients see it: error codes, authorization answers, token requests.

mod dialect;
mod error;
mod redirect;

pub use dialect::{Dialect, Grant, Refusal};
pub use error::{ErrorCode, OAuthError};
pub use redirect::{Answer, matches_registered, with_query};
