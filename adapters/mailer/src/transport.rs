//! Where mails go: to a mail server, or into a folder when there is none.

mod outbox;
mod smtp;

use std::path::Path;

use lettre::Message;
use sdk::types::globals::MailerGlobals;

use crate::configuration::{ConfigurationError, given};
pub use outbox::Outbox;
pub use smtp::Smtp;

/// The way mails leave.
#[derive(Debug)]
pub enum Transport {
    /// `globals.mailer.useMailer` is false: events are acknowledged without work.
    Off,
    Outbox(Outbox),
    Smtp(Smtp),
}

/// Why a mail did not leave.
#[derive(Debug)]
pub enum Failure {
    /// Worth another try.
    Later(String),
    /// Would fail again.
    Never(String),
}

impl Transport {
    /// A mail server where one is configured and switched on; the outbox when there is none.
    pub fn choose(
        mailer: &MailerGlobals,
        hello: &str,
        data: &Path,
    ) -> Result<Self, ConfigurationError> {
        match (mailer.use_mailer, given(mailer.smtp_host.as_ref())) {
            (Some(false), _) => Ok(Self::Off),
            (Some(true), Some(host)) => Ok(Self::Smtp(Smtp::new(mailer, host, hello)?)),
            _ => Ok(Self::Outbox(Outbox::new(data.join("outbox")))),
        }
    }

    /// `name` tells the mail apart from all others and is the same when it is sent again.
    pub async fn send(&self, name: &str, message: Message) -> Result<(), Failure> {
        match self {
            Self::Off => Ok(()),
            Self::Outbox(outbox) => outbox.store(name, message.formatted()).await,
            Self::Smtp(smtp) => smtp.send(message).await,
        }
    }
}
