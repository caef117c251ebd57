//! The settings in force, from `globals` (static-config 8.4, events-and-adapters D4).

use std::{collections::BTreeMap, path::Path};

use chrono::TimeDelta;
use lettre::{Address, message::Mailbox};
use sdk::types::{Globals, globals::MailerGlobals};
use url::Url;

use crate::{
    compose::{address, clean},
    letter::Receiver,
    mails::Mail,
    templates::Templates,
    transport::{Limits, Transport},
};

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
    /// Who is told of requests for approval, and of trouble.
    pub admin: Option<Receiver>,
    pub approval_recipients: ApprovalRecipients,
    /// How long requests for approval are collected to be told of in one mail.
    pub approval_digest: TimeDelta,
    pub templates: Templates,
    pub transport: Transport,
    /// Mails that the installation has switched on or off.
    events: BTreeMap<String, bool>,
}

/// Who is told that a request for approval waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalRecipients {
    Admin,
    Approvers,
    Both,
}

/// Settings that no mail can be sent with. Names the member.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error("globals.mailer.{member}: `{value}` is not a mail address")]
    Address { member: &'static str, value: String },
    #[error("globals.mailer.tls: `{0}` is none of implicit, starttls, opportunistic, none")]
    Tls(String),
    #[error("globals.mailer.tlsCa: {0}")]
    Ca(lettre::transport::smtp::Error),
    #[error("globals.mailer.approvalRecipients: `{0}` is none of admin, approvers, both")]
    ApprovalRecipients(String),
    #[error("globals.mailer.smtpHost: {0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
}

impl Configuration {
    pub fn new(
        globals: &Globals,
        templates: Templates,
        data: &Path,
        always_outbox: bool,
        limits: Limits,
    ) -> Result<Self, ConfigurationError> {
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
            approval_recipients: approval_recipients(&mailer)?,
            approval_digest: TimeDelta::minutes(
                mailer.approval_digest_minutes.unwrap_or_default().into(),
            ),
            templates,
            transport: Transport::choose(&mailer, &domain, data, always_outbox, limits)?,
            events: mailer.events,
            portal,
            domain,
        })
    }

    /// Whether the installation wants this mail to be sent.
    pub fn is_on(&self, mail: Mail) -> bool {
        if !mail.can_be_switched_off() {
            return true;
        }
        self.events
            .get(mail.template())
            .copied()
            .unwrap_or(mail.is_usual())
    }

    /// What is less than one might think.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if matches!(self.transport, Transport::Off) {
            warnings.push(
                "globals.mailer.useMailer is false: no mails are sent, not even verifications"
                    .to_owned(),
            );
        }
        if self.admin.is_none() && self.approval_recipients != ApprovalRecipients::Approvers {
            let message = "globals.mailer.adminEmail is missing: nobody is told of requests";
            warnings.push(message.to_owned());
        }
        warnings.extend(self.templates.problems().iter().cloned());
        warnings
    }
}

fn sender(
    mailer: &MailerGlobals,
    title: &str,
    domain: &str,
) -> Result<Mailbox, ConfigurationError> {
    let name = given(mailer.sender_name.as_ref()).unwrap_or(title);
    let address = match given(mailer.sender_email.as_ref()) {
        Some(text) => configured("senderEmail", text)?,
        // Only the outbox gets along with this; a mail server will say what it thinks.
        None => Address::new("wicketgate", domain)
            .or_else(|_| Address::new("wicketgate", "localhost"))
            .expect("a valid address"),
    };
    Ok(Mailbox::new(Some(clean(name)), address))
}

fn admin(mailer: &MailerGlobals) -> Result<Option<Receiver>, ConfigurationError> {
    let Some(email) = given(mailer.admin_email.as_ref()) else {
        return Ok(None);
    };
    Ok(Some(Receiver {
        user_id: None,
        name: given(mailer.admin_name.as_ref()).map(clean),
        address: configured("adminEmail", email)?,
        language: None,
        wants_digest: false,
    }))
}

fn approval_recipients(mailer: &MailerGlobals) -> Result<ApprovalRecipients, ConfigurationError> {
    match given(mailer.approval_recipients.as_ref()) {
        None | Some("admin") => Ok(ApprovalRecipients::Admin),
        Some("approvers") => Ok(ApprovalRecipients::Approvers),
        Some("both") => Ok(ApprovalRecipients::Both),
        Some(other) => Err(ConfigurationError::ApprovalRecipients(other.to_owned())),
    }
}

/// A text that is not empty.
pub fn given(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn configured(member: &'static str, text: &str) -> Result<Address, ConfigurationError> {
    address(text).ok_or_else(|| ConfigurationError::Address {
        member,
        value: text.to_owned(),
    })
}
