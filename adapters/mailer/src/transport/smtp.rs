//! Mails by SMTP, over a few connections that are kept for some time and used again.

mod connection;
mod encryption;

use std::{
    fmt,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use lettre::{
    address::Envelope,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, TlsParameters},
        extension::ClientId,
    },
};
use sdk::types::globals::MailerGlobals;
use tokio::{sync::Semaphore, time::Instant};

use self::{connection::Connection, encryption::Encryption};
use super::Failure;
use crate::configuration::{ConfigurationError, given};

/// Connections at the same time.
pub const MAX_CONNECTIONS: usize = 3;
/// Mails over one connection; some servers refuse more.
const MAX_MAILS: u32 = 100;
const MAX_IDLE: Duration = Duration::from_secs(30);

/// The mail server.
#[derive(Debug)]
pub struct Smtp {
    server: Server,
    slots: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// How long a mail server is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To connect, with the greeting and TLS.
    pub connect: Duration,
    /// For the answer to one command.
    pub command: Duration,
    /// For the answer to a whole mail. Servers that look into mails take long, and whoever does
    /// not wait for the answer sends twice (RFC 5321, 4.5.3.2.6, asks for even more).
    pub mail: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            command: Duration::from_secs(30),
            mail: Duration::from_mins(2),
        }
    }
}

/// Where and how to connect.
struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: TlsParameters,
    hello: ClientId,
    limits: Limits,
    credentials: Option<Credentials>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Server({}:{}, {:?})",
            self.host, self.port, self.encryption
        )
    }
}

impl Smtp {
    pub fn new(
        mailer: &MailerGlobals,
        host: &str,
        hello: &str,
        limits: Limits,
    ) -> Result<Self, ConfigurationError> {
        let encryption = Encryption::choose(mailer)?;
        let trust = mailer.tls_verify == Some(false);
        let mut tls = TlsParameters::builder(host.to_owned())
            .dangerous_accept_invalid_certs(trust)
            .dangerous_accept_invalid_hostnames(trust);
        if let Some(pem) = given(mailer.tls_ca.as_ref()) {
            let certificate = Certificate::from_pem(pem.as_bytes());
            tls = tls.add_root_certificate(certificate.map_err(ConfigurationError::Ca)?);
        }
        let credentials = given(mailer.username.as_ref())
            .filter(|_| mailer.anonymous != Some(true))
            .map(|user| {
                let password = mailer.password.clone().unwrap_or_default();
                Credentials::new(user.to_owned(), password.expose().to_owned())
            });
        Ok(Self {
            server: Server {
                host: host.to_owned(),
                port: mailer.smtp_port.unwrap_or(encryption.default_port()),
                encryption,
                tls: tls.build_rustls()?,
                hello: ClientId::Domain(hello.to_owned()),
                limits,
                credentials,
            },
            slots: Semaphore::new(MAX_CONNECTIONS),
            idle: Mutex::default(),
        })
    }

    /// Sends one mail, over a connection that is there already where possible.
    pub async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), Failure> {
        let _slot = self.slots.acquire().await.expect("nobody closes it");
        let mut connection = match self.idle_connection().await {
            Some(connection) => connection,
            None => Connection::open(&self.server).await?,
        };
        let sent = connection.send(envelope, mail).await;
        if connection.is_usable() && connection.mails() < MAX_MAILS {
            self.idle().push(connection);
        } else {
            connection.close().await;
        }
        sent
    }

    /// The newest connection that still lives.
    async fn idle_connection(&self) -> Option<Connection> {
        loop {
            let mut connection = self.idle().pop()?;
            if connection.lives().await {
                return Some(connection);
            }
        }
    }

    /// Says good-bye on connections that nobody has used for a while.
    pub async fn close_idle(&self) {
        let now = Instant::now();
        let old: Vec<Connection> = {
            let mut idle = self.idle();
            let (old, young) = idle
                .drain(..)
                .partition(|connection| now - connection.used_at() > MAX_IDLE);
            *idle = young;
            old
        };
        for connection in old {
            connection.close().await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().expect("no holder of this lock panics")
    }
}
