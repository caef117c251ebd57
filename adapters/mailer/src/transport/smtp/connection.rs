//! One conversation with the mail server, every step of it limited in time.

use std::{error::Error as _, fmt, time::Duration};

use lettre::{
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::Mechanism,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Noop, Quit, Rcpt, Rset},
        extension::{Extension, MailBodyParameter, MailParameter},
    },
};
use tokio::time::{Instant, timeout};

use super::{Encryption, Limits, Server};
use crate::transport::Failure;

const GOOD_BYE: Duration = Duration::from_secs(2);

pub struct Connection {
    inner: AsyncSmtpConnection,
    limits: Limits,
    mails: u32,
    used_at: Instant,
    is_usable: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({} mails)", self.mails)
    }
}

impl Connection {
    /// Connects, encrypts and logs in. Whatever fails here concerns the server and not the mail.
    pub async fn open(server: &Server) -> Result<Self, Failure> {
        let limits = server.limits;
        let at_once = (server.encryption == Encryption::Implicit).then(|| server.tls.clone());
        let address = (server.host.as_str(), server.port);
        let connecting = AsyncSmtpConnection::connect_tokio1(
            address,
            Some(limits.connect),
            &server.hello,
            at_once,
            None,
        );
        let mut inner = limited(limits.connect, "connecting", connecting)
            .await
            .map_err(Failure::Unreachable)?;
        let wants_tls = match server.encryption {
            Encryption::StartTls => true,
            Encryption::Opportunistic => inner.can_starttls(),
            Encryption::Implicit | Encryption::None => false,
        };
        if wants_tls {
            let upgrading = inner.starttls(server.tls.clone(), &server.hello);
            limited(limits.connect, "STARTTLS", upgrading)
                .await
                .map_err(Failure::Unreachable)?;
        }
        if let Some(credentials) = &server.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            limited(
                limits.command,
                "logging in",
                inner.auth(&mechanisms, credentials),
            )
            .await
            .map_err(Failure::Unreachable)?;
        }
        Ok(Self {
            inner,
            limits,
            mails: 0,
            used_at: Instant::now(),
            is_usable: true,
        })
    }

    pub const fn mails(&self) -> u32 {
        self.mails
    }

    pub const fn used_at(&self) -> Instant {
        self.used_at
    }

    pub const fn is_usable(&self) -> bool {
        self.is_usable
    }

    /// Whether the server is still there.
    pub async fn lives(&mut self) -> bool {
        let answer = timeout(GOOD_BYE, self.inner.command(Noop)).await;
        matches!(answer, Ok(Ok(_)))
    }

    pub async fn send(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<(), Failure> {
        self.mails += 1;
        self.used_at = Instant::now();
        let sent = self.converse(envelope, mail).await;
        self.used_at = Instant::now();
        match &sent {
            Ok(()) => {}
            // The server goes on listening after a refusal, as soon as it has been told to forget.
            Err(Failure::Later(_) | Failure::Never(_)) => {
                let reset = timeout(self.limits.command, self.inner.command(Rset)).await;
                self.is_usable = matches!(reset, Ok(Ok(_)));
            }
            Err(Failure::Unreachable(_)) => self.is_usable = false,
        }
        sent
    }

    async fn converse(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<(), Failure> {
        let options = self.options(envelope, mail)?;
        let sender = Mail::new(envelope.from().cloned(), options);
        self.step("MAIL", sender).await?;
        for to in envelope.to() {
            self.step("RCPT", Rcpt::new(to.clone(), Vec::new())).await?;
        }
        self.step("DATA", Data).await?;
        match timeout(self.limits.mail, self.inner.message(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge("the mail", &error)),
            Err(_) => Err(Failure::Unreachable(
                "no answer to the mail within the time limit".to_owned(),
            )),
        }
    }

    async fn step(&mut self, name: &str, command: impl fmt::Display) -> Result<(), Failure> {
        match timeout(self.limits.command, self.inner.command(command)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge(name, &error)),
            Err(_) => Err(Failure::Unreachable(format!(
                "no answer to {name} within the time limit"
            ))),
        }
    }

    fn options(&self, envelope: &Envelope, mail: &[u8]) -> Result<Vec<MailParameter>, Failure> {
        let can = |extension| self.inner.server_info().supports_feature(extension);
        let mut options = Vec::new();
        let mut addresses = envelope.to().iter().chain(envelope.from());
        if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            if !can(Extension::SmtpUtfEight) {
                let reason = "the address is not ASCII, and the mail server does not know SMTPUTF8";
                return Err(Failure::Never(reason.to_owned()));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !mail.is_ascii() && can(Extension::EightBitMime) {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(options)
    }

    /// Says good-bye; the server need not answer.
    pub async fn close(mut self) {
        if self.is_usable {
            let _ = timeout(GOOD_BYE, self.inner.command(Quit)).await;
        }
    }
}

async fn limited<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, String> {
    match timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(format!("{what}: {}", with_sources(&error))),
        Err(_) => Err(format!("{what}: no answer within the time limit")),
    }
}

/// What the answer to a step says about the mail.
fn judge(step: &str, error: &Error) -> Failure {
    let reason = format!("{step}: {}", with_sources(error));
    let code = error.status().map(u16::from);
    match code {
        // The operator can put a refused log-in right; the mail need not be lost over it.
        // 421: the server is about to close.
        Some(421 | 530 | 534 | 535 | 538) | None => Failure::Unreachable(reason),
        Some(_) if error.is_permanent() => Failure::Never(reason),
        Some(_) => Failure::Later(reason),
    }
}

fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text.chars().take(500).collect()
}
