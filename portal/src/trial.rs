//! `/apis/{api}/try`: calling an API from its pages, with the credentials of an own application
//! (portal-ui 19.3, 19.4).
//!
//! The call goes from this process to the gateway and nowhere else. A browser says which operation
//! it means and with which values; it neither sees the credential nor chooses the host.

mod answer;
mod call;
mod credential;
mod page;
mod person;
mod routes;
mod send;
mod target;

pub use page::{Subject, TrialForm, bases};
pub use person::{Begun, PersonToken};
pub use routes::{Asked, routes};
