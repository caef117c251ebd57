//! Mails on events: verification links, requests for approval, decisions.
//!
//! The queue at portal-api is the only memory: an event is acknowledged when its mail was accepted
//! by the mail server or stored in the outbox, and comes again until then.

mod compose;
mod configuration;
mod handle;
mod mails;
mod model;
mod rate;
mod receivers;
mod sent;
mod serve;
mod settings;
mod transport;

pub use serve::serve;
pub use settings::Settings;
