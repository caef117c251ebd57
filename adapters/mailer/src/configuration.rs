//! The settings in force, from `globals` (static-config 8.4, events-and-adapters D4).

use std::path::Path;

use lettre::{Address, message::Mailbox};
use sdk::types::{Globals, globals::MailerGlobals};
use url::Url;

use crate::{compose::clean, transport::Transport};

/// What mails are made with.
#[derive(Debug)]
pub struct Configuration {
    pub title: String,
    /// `network.mailerUrl`.
    pub own_url: Option<Url>,
    /// External address of the portal, without a slash at the end.
    pub portal: String,
    /// Host name of the portal, for message ids.
    pub domain: String,
    pub sender: Mailbox,
    /// Who is told of requests for approval.
    pub admin: Option<Mailbox>,
    pub transport: Transport,
}

/// Settings that no mail can be sent with. Names the member.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error("globals.mailer.{member}: `{value}` is not a mail address")]
    Address { member: &'static str, value: String },
    #[error("globals.mailer.tls: `{0}` is none of implicit, starttls, opportunistic, none")]
    Tls(String),
    #[error("globals.mailer.smtpHost: {0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
}

impl Configuration {
    pub fn from_globals(globals: &Globals, data: &Path) -> Result<Self, ConfigurationError> {
        let mailer = globals.mailer.clone().unwrap_or_default();
        let portal = globals
            .network
            .portal()
            .unwrap_or_else(|| "http://localhost:3000".to_owned());
        let domain = Url::parse(&portal)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "localhost".to_owned());
        Ok(Self {
            title: clean(&globals.title),
            own_url: globals
                .network
                .mailer_url
                .as_deref()
                .and_then(|url| Url::parse(url).ok()),
            sender: sender(&mailer, &globals.title, &domain)?,
            admin: admin(&mailer)?,
            transport: Transport::choose(&mailer, &domain, data)?,
            portal,
            domain,
        })
    }
}

fn sender(
    mailer: &MailerGlobals,
    title: &str,
    domain: &str,
) -> Result<Mailbox, ConfigurationError> {
    let name = given(mailer.sender_name.as_ref()).unwrap_or(title);
    let address = match given(mailer.sender_email.as_ref()) {
        Some(text) => address("senderEmail", text)?,
        // Only the outbox gets along with this; a mail server will say what it thinks.
        None => Address::new("wicketgate", domain)
            .or_else(|_| Address::new("wicketgate", "localhost"))
            .expect("a valid address"),
    };
    Ok(Mailbox::new(Some(clean(name)), address))
}

fn admin(mailer: &MailerGlobals) -> Result<Option<Mailbox>, ConfigurationError> {
    let Some(email) = given(mailer.admin_email.as_ref()) else {
        return Ok(None);
    };
    let name = given(mailer.admin_name.as_ref()).map(clean);
    Ok(Some(Mailbox::new(name, address("adminEmail", email)?)))
}

/// A text that is not empty.
pub fn given(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn address(member: &'static str, text: &str) -> Result<Address, ConfigurationError> {
    text.parse().map_err(|_| ConfigurationError::Address {
        member,
        value: text.to_owned(),
    })
}
