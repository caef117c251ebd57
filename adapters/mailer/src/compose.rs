//! Making a message: headers that nobody can break out of, plain text, a stable id.

use chrono::{DateTime, Utc};
use lettre::{
    Message,
    message::{Mailbox, header, header::HeaderName, header::HeaderValue},
};

/// Longest name or subject; longer ones are cut.
const MAX_HEADER: usize = 200;

/// The parts of a message.
pub struct Parts<'a> {
    pub from: &'a Mailbox,
    pub to: &'a Mailbox,
    pub subject: &'a str,
    pub text: String,
    pub message_id: String,
    pub date: DateTime<Utc>,
}

/// A message in plain text that no autoresponder answers.
pub fn compose(parts: Parts<'_>) -> Result<Message, lettre::error::Error> {
    let fixed = |name: &'static str, value: &str| {
        HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
    };
    Message::builder()
        .from(parts.from.clone())
        .to(parts.to.clone())
        .subject(clean(parts.subject))
        .date(parts.date.into())
        .message_id(Some(parts.message_id))
        .raw_header(fixed("Auto-Submitted", "auto-generated"))
        .raw_header(fixed("X-Auto-Response-Suppress", "All"))
        .header(header::ContentType::TEXT_PLAIN)
        .body(parts.text)
}

/// The same event, mail and receiver always have the same id, so that a receiving server can tell
/// a repetition from a new mail.
pub fn message_id(event_id: &str, template: &str, receiver: &Mailbox, domain: &str) -> String {
    format!("<{}@{domain}>", digest(event_id, template, receiver))
}

/// The part of the message id before the at sign.
pub fn digest(event_id: &str, template: &str, receiver: &Mailbox) -> String {
    let text = format!("{event_id}\n{template}\n{}", receiver.email);
    hex::encode(&service::crypto::sha256(text.as_bytes())[..16])
}

/// A text for a header or a name: line breaks and control characters become blanks.
pub fn clean(text: &str) -> String {
    let blank = |c: char| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        }
    };
    let words: String = text.chars().take(MAX_HEADER).map(blank).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An address as logs may show it: `j***@example.org`.
pub fn masked(mailbox: &Mailbox) -> String {
    let first = mailbox.email.user().chars().next().unwrap_or('?');
    format!("{first}***@{}", mailbox.email.domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_in_their_header() {
        let name = clean("O'Brien \"X\"\r\nBcc: all@example.org\0");
        let to = Mailbox::new(Some(name), "ada@example.org".parse().unwrap());
        let from = "Portal <portal@example.org>".parse().unwrap();
        let message = compose(Parts {
            from: &from,
            to: &to,
            subject: "Grüße\r\nX-Evil: 1",
            text: "Hallo\n".to_owned(),
            message_id: message_id("event", "verify_email", &to, "portal.example.org"),
            date: DateTime::from_timestamp(0, 0).unwrap(),
        })
        .unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        let names: Vec<_> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert!(
            !names.contains(&"Bcc") && !names.contains(&"X-Evil"),
            "{head}"
        );
        assert_eq!(names.iter().filter(|name| **name == "To").count(), 1);
        assert!(head.contains("Auto-Submitted: auto-generated"));
    }

    #[test]
    fn the_message_id_depends_on_event_mail_and_receiver_only() {
        let ada: Mailbox = "Ada <ada@example.org>".parse().unwrap();
        let eve: Mailbox = "eve@example.org".parse().unwrap();
        let id = message_id("1", "t", &ada, "d");
        assert_eq!(
            id,
            message_id("1", "t", &"ada@example.org".parse().unwrap(), "d")
        );
        assert_ne!(id, message_id("1", "t", &eve, "d"));
        assert_ne!(id, message_id("2", "t", &ada, "d"));
        assert_eq!(masked(&ada), "a***@example.org");
    }
}
