//! One mail to one receiver, on its way.

use chrono::{DateTime, Utc};
use lettre::{Address, message::Mailbox};
use sdk::{Person, types::Event};
use serde::{Deserialize, Serialize};
use service::state;

use crate::mails::Mail;

/// What a mail is made from. The text is made when it is sent, with the settings of that moment;
/// its id and date stay the same however often it is tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Letter {
    /// Made of event, mail and receiver.
    pub id: String,
    pub mail: Mail,
    pub to: Receiver,
    pub content: Content,
    /// Others that are told of in the same mail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Other>,
    pub created_at: DateTime<Utc>,
    /// When it has no sense any more.
    pub expires_at: DateTime<Utc>,
    pub next_attempt_at: DateTime<Utc>,
    pub attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<DateTime<Utc>>,
    /// Whether it waits for others, to be one mail with them.
    #[serde(default)]
    pub is_collected: bool,
}

/// A letter that became part of another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Other {
    pub id: String,
    pub mail: Mail,
    pub content: Content,
}

/// What a mail tells of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Content {
    pub event: Event,
    /// Of whom the text speaks.
    pub about: Person,
}

/// Who gets a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receiver {
    /// Absent for those who have no account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub address: Address,
    /// `de`, `pt-br`; absent for the installation's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether what can wait is to come once a day, in one mail.
    #[serde(default)]
    pub wants_digest: bool,
}

impl Receiver {
    pub fn mailbox(&self) -> Mailbox {
        Mailbox::new(self.name.clone(), self.address.clone())
    }

    /// The address as logs may show it: `j***@example.org`.
    pub fn masked(&self) -> String {
        let first = self.address.user().chars().next().unwrap_or('?');
        format!("{first}***@{}", self.address.domain())
    }
}

impl Letter {
    /// A letter that may leave at once.
    pub fn new(mail: Mail, to: Receiver, content: Content, now: DateTime<Utc>) -> Self {
        let created_at = DateTime::from_timestamp(content.event.utc, 0).unwrap_or(now);
        Self {
            id: state::id(&[&content.event.id, mail.template(), to.address.as_ref()]),
            mail,
            to,
            content,
            more: Vec::new(),
            created_at,
            expires_at: created_at + mail.lifetime(),
            next_attempt_at: now,
            attempts: 0,
            last_error: None,
            failed_at: None,
            is_collected: false,
        }
    }

    /// Ids of all that this mail tells of.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let more = self.more.iter().map(|other| other.id.as_str());
        std::iter::once(self.id.as_str()).chain(more)
    }

    /// The mail that it becomes.
    pub fn kind(&self) -> Mail {
        if self.mail.can_wait() && !self.more.is_empty() {
            Mail::Digest
        } else {
            self.mail
        }
    }

    /// Whether the two become one mail, if both wait for others.
    pub fn goes_with(&self, other: &Self) -> bool {
        let is_like = self.mail == other.mail || (self.mail.can_wait() && other.mail.can_wait());
        // The name may have changed meanwhile.
        is_like && self.to.address == other.to.address
    }

    /// Each letter that is told of, as one of its own.
    pub fn parts(&self) -> impl Iterator<Item = Self> {
        let part = |mail, content: &Content| Self {
            mail,
            content: content.clone(),
            more: Vec::new(),
            ..self.clone()
        };
        let more = self.more.iter();
        std::iter::once(part(self.mail, &self.content))
            .chain(more.map(move |other| part(other.mail, &other.content)))
    }
}

#[cfg(test)]
mod tests {
    use sdk::testing::event;
    use serde_json::json;

    use super::*;

    fn letter(event: Event, address: &str, name: Option<&str>) -> Letter {
        let to = Receiver {
            user_id: None,
            name: name.map(str::to_owned),
            address: address.parse().unwrap(),
            language: None,
            wants_digest: false,
        };
        let about = Person::unknown("ada@example.org");
        let now = service::clock::now();
        Letter::new(Mail::VerifyEmail, to, Content { event, about }, now)
    }

    #[test]
    fn the_id_depends_on_event_mail_and_address_only() {
        let event = event("user", "add", json!({}));
        let one = letter(event.clone(), "ada@example.org", Some("Ada"));
        assert_eq!(one.id, letter(event.clone(), "ada@example.org", None).id);
        assert_ne!(one.id, letter(event, "eve@example.org", None).id);
        let other = sdk::testing::event("user", "add", json!({}));
        assert_ne!(one.id, letter(other, "ada@example.org", None).id);
        assert_eq!(one.to.masked(), "a***@example.org");
    }
}
