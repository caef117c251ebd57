//! Mails by SMTP.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    transport::smtp::{
        Error, PoolConfig,
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use sdk::types::globals::MailerGlobals;

use super::Failure;
use crate::configuration::{ConfigurationError, given};

/// Time for one command of the conversation.
const COMMAND: Duration = Duration::from_secs(30);
const MAX_CONNECTIONS: u32 = 3;

/// Connections to the mail server, kept for some time and used again.
#[derive(Debug)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

/// When and how the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    /// From the first byte.
    Implicit,
    /// By STARTTLS, or the mail does not leave.
    StartTls,
    /// By STARTTLS if the server offers it.
    Opportunistic,
    None,
}

impl Encryption {
    /// `tls`, else the old `forceSecure`. The old default pair, port 465 without `forceSecure`,
    /// never worked; that port speaks TLS from the start.
    fn choose(mailer: &MailerGlobals) -> Result<Self, ConfigurationError> {
        match given(mailer.tls.as_ref()) {
            Some("implicit") => Ok(Self::Implicit),
            Some("starttls") => Ok(Self::StartTls),
            Some("opportunistic") => Ok(Self::Opportunistic),
            Some("none") => Ok(Self::None),
            Some(other) => Err(ConfigurationError::Tls(other.to_owned())),
            None if mailer.force_secure == Some(true) || mailer.smtp_port == Some(465) => {
                Ok(Self::Implicit)
            }
            None => Ok(Self::Opportunistic),
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Implicit => 465,
            Self::StartTls | Self::Opportunistic => 587,
            Self::None => 25,
        }
    }
}

impl Smtp {
    pub fn new(
        mailer: &MailerGlobals,
        host: &str,
        hello: &str,
    ) -> Result<Self, ConfigurationError> {
        let encryption = Encryption::choose(mailer)?;
        let parameters = || {
            let trust = mailer.tls_verify == Some(false);
            TlsParameters::builder(host.to_owned())
                .dangerous_accept_invalid_certs(trust)
                .dangerous_accept_invalid_hostnames(trust)
                .build_rustls()
        };
        let tls = match encryption {
            Encryption::Implicit => Tls::Wrapper(parameters()?),
            Encryption::StartTls => Tls::Required(parameters()?),
            Encryption::Opportunistic => Tls::Opportunistic(parameters()?),
            Encryption::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(mailer.smtp_port.unwrap_or(encryption.default_port()))
            .tls(tls)
            .hello_name(ClientId::Domain(hello.to_owned()))
            .timeout(Some(COMMAND))
            .pool_config(PoolConfig::new().max_size(MAX_CONNECTIONS));
        if mailer.anonymous != Some(true)
            && let Some(user) = given(mailer.username.as_ref())
        {
            let password = mailer.password.clone().unwrap_or_default();
            let credentials = Credentials::new(user.to_owned(), password.expose().to_owned());
            builder = builder.credentials(credentials);
        }
        Ok(Self(builder.build()))
    }

    pub async fn send(&self, message: Message) -> Result<(), Failure> {
        self.0
            .send(message)
            .await
            .map(drop)
            .map_err(|error| failure(&error))
    }
}

fn failure(error: &Error) -> Failure {
    let code = error.status().map(|code| code.to_string());
    // The operator can put a refused login right; the mail need not be lost over it.
    let is_login = matches!(code.as_deref(), Some("530" | "534" | "535" | "538"));
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        reason = format!("{reason}: {inner}");
        source = inner.source();
    }
    if (error.is_permanent() && !is_login) || error.is_client() {
        Failure::Never(reason)
    } else {
        Failure::Later(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_settings_choose_the_encryption_they_meant() {
        let choose = |json: &str| {
            Encryption::choose(&serde_json::from_str::<MailerGlobals>(json).unwrap()).unwrap()
        };
        assert_eq!(choose(r#"{"forceSecure": true}"#), Encryption::Implicit);
        assert_eq!(
            choose(r#"{"forceSecure": false, "smtpPort": 25}"#),
            Encryption::Opportunistic
        );
        assert_eq!(
            choose(r#"{"forceSecure": false, "smtpPort": "465"}"#),
            Encryption::Implicit
        );
        assert_eq!(
            choose(r#"{"tls": "starttls", "forceSecure": true}"#),
            Encryption::StartTls
        );
        assert!(Encryption::choose(&serde_json::from_str(r#"{"tls": "yes"}"#).unwrap()).is_err());
    }
}
