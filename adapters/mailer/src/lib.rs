//! Mails on events: verification links, requests for approval, decisions.
//!
//! An event is acknowledged when its mails lie in the queue in the state folder, or, without such a
//! folder, when they were accepted by the mail server or given up. A mail that was sent is not sent
//! again for a week, whatever comes again; its `Message-ID` never changes.

mod compose;
mod configuration;
mod handle;
mod health;
mod letter;
mod mails;
mod model;
mod post;
mod preview;
mod queue;
mod rate;
mod receivers;
mod routes;
mod sample;
mod serve;
mod settings;
mod templates;
mod transport;
mod unsubscribe;

pub use preview::{Preview, preview};
pub use queue::Schedule;
pub use serve::serve;
pub use settings::Settings;
pub use transport::Limits;
