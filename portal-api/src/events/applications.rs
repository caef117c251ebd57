//! `/applications/{application}/listeners`: webhooks of those who work on an application, for the
//! events of that application alone (events-and-adapters B14).

mod routes;
mod work;

pub use routes::routes;
