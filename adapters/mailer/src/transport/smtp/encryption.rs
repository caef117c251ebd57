//! When and how connections to the mail server are encrypted.

use sdk::types::globals::MailerGlobals;

use crate::configuration::{ConfigurationError, given};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
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
    pub fn choose(mailer: &MailerGlobals) -> Result<Self, ConfigurationError> {
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

    pub const fn default_port(self) -> u16 {
        match self {
            Self::Implicit => 465,
            Self::StartTls | Self::Opportunistic => 587,
            Self::None => 25,
        }
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
