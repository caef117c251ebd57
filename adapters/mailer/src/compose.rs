//! Making a message: headers that nobody can break out of, text and HTML, a stable id.

use chrono::{DateTime, Utc};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use url::Host;

/// Longest name or subject; longer ones are cut.
const MAX_HEADER: usize = 200;

/// The parts of a message.
pub struct Parts<'a> {
    pub from: &'a Mailbox,
    pub to: Mailbox,
    pub subject: &'a str,
    pub text: String,
    pub html: Option<String>,
    pub message_id: String,
    pub date: DateTime<Utc>,
    /// Where one click ends mails of this kind.
    pub unsubscribe: Option<String>,
}

/// A message that no autoresponder answers.
pub fn compose(parts: Parts<'_>) -> Result<Message, lettre::error::Error> {
    let mut builder = Message::builder()
        .from(parts.from.clone())
        .to(parts.to)
        .subject(clean(parts.subject))
        .date(parts.date.into())
        .message_id(Some(parts.message_id))
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"));
    if let Some(link) = parts.unsubscribe {
        builder = builder
            .raw_header(header("List-Unsubscribe", &format!("<{link}>")))
            .raw_header(header(
                "List-Unsubscribe-Post",
                "List-Unsubscribe=One-Click",
            ));
    }
    match parts.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(parts.text, html)),
        None => builder.singlepart(
            SinglePart::builder()
                .header(ContentType::TEXT_PLAIN)
                .body(parts.text),
        ),
    }
}

/// A header with a value of ours.
fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A text for a header or a name: line breaks and control characters become blanks, characters
/// that turn the direction of text are left out.
pub fn clean(text: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let words: String = text
        .chars()
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .take(MAX_HEADER)
        .map(|c| if is_break(c) { ' ' } else { c })
        .collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An address that can stand in a header and in an SMTP command. Domains with other letters than
/// ASCII get the form that all servers know; what stands before the at sign has no such form.
pub fn address(text: &str) -> Option<Address> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return None;
    }
    let (user, domain) = text.rsplit_once('@')?;
    if domain.is_ascii() {
        return text.parse().ok();
    }
    match Host::parse(domain).ok()? {
        Host::Domain(domain) => Address::new(user, domain).ok(),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, subject: &str, html: Option<&str>) -> String {
        let to = Mailbox::new(Some(clean(name)), address("ada@example.org").unwrap());
        let from = "Portal <portal@example.org>".parse().unwrap();
        let message = compose(Parts {
            from: &from,
            to,
            subject,
            text: "Hallo\n".to_owned(),
            html: html.map(str::to_owned),
            message_id: "<1@portal.example.org>".to_owned(),
            date: DateTime::from_timestamp(0, 0).unwrap(),
            unsubscribe: html.map(|_| "https://portal.example.org/unsubscribe/x".to_owned()),
        })
        .unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn hostile_names_stay_in_their_header() {
        let text = message(
            "O'Brien \"X\"\r\nBcc: all@example.org\0",
            "Grüße\r\nX-Evil: 1",
            None,
        );
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
        assert!(!head.contains("List-Unsubscribe"));
        assert!(head.is_ascii());
    }

    #[test]
    fn html_stands_beside_text() {
        let text = message("Ada", "Hi", Some("<p>Hallo</p>"));
        assert!(text.contains("multipart/alternative"), "{text}");
        assert!(text.find("text/plain") < text.find("text/html"));
        assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    }

    #[test]
    fn addresses_are_checked_and_domains_become_ascii() {
        let cases = [
            ("ada@example.org", Some("ada@example.org")),
            ("ada@grüße.example", Some("ada@xn--gre-6ka8l.example")),
            ("jörg@example.org", Some("jörg@example.org")),
            ("ada", None),
            ("ada@example.org\r\nRCPT TO:<eve@example.org>", None),
            ("ada@exa mple.org", None),
            ("<ada@example.org>", None),
        ];
        for (text, expected) in cases {
            let found = address(text);
            assert_eq!(found.as_ref().map(AsRef::as_ref), expected, "{text}");
        }
    }
}
