//! Where mails go: to a mail server, or into a folder when there is none.

mod outbox;
mod smtp;

use std::path::Path;

use lettre::address::Envelope;
use sdk::types::globals::MailerGlobals;

use crate::configuration::{ConfigurationError, given};
pub use outbox::Outbox;
pub use smtp::{Limits, MAX_CONNECTIONS, Smtp};

/// The way mails leave.
#[derive(Debug)]
pub enum Transport {
    /// `globals.mailer.useMailer` is false: events are acknowledged without work.
    Off,
    Outbox(Outbox),
    Smtp(Box<Smtp>),
}

/// Why a mail did not leave.
#[derive(Debug)]
pub enum Failure {
    /// The server is away or cannot be used; other mails do not leave either.
    Unreachable(String),
    /// This mail was refused and is worth another try.
    Later(String),
    /// Would fail again.
    Never(String),
}

impl Transport {
    /// A mail server where one is configured and switched on; the outbox when there is none, or
    /// when the operator says so.
    pub fn choose(
        mailer: &MailerGlobals,
        hello: &str,
        data: &Path,
        always_outbox: bool,
        limits: Limits,
    ) -> Result<Self, ConfigurationError> {
        match (mailer.use_mailer, given(mailer.smtp_host.as_ref())) {
            (Some(false), _) => Ok(Self::Off),
            (Some(true), Some(host)) if !always_outbox => Ok(Self::Smtp(Box::new(Smtp::new(
                mailer, host, hello, limits,
            )?))),
            _ => Ok(Self::Outbox(Outbox::new(data.join("outbox")))),
        }
    }

    /// `name` tells the mail apart from all others and is the same when it is sent again.
    pub async fn send(
        &self,
        name: &str,
        envelope: &Envelope,
        mail: Vec<u8>,
    ) -> Result<(), Failure> {
        match self {
            Self::Off => Ok(()),
            Self::Outbox(outbox) => outbox.store(name, mail).await,
            Self::Smtp(smtp) => smtp.send(envelope, &mail).await,
        }
    }

    /// Gives back what is held only to be faster next time.
    pub async fn rest(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.close_idle().await;
        }
    }
}
