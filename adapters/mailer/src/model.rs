//! What templates can show (events-and-adapters D1).

use sdk::{Person, template::Template, types::Event};
use serde_json::{Value, json};
use url::Url;

use crate::{
    compose::clean,
    configuration::Configuration,
    letter::{Content, Letter},
};

/// Members of events that templates get as they are.
const PLAIN: [&str; 16] = [
    "group",
    "reason",
    "role",
    "subject",
    "text",
    "days",
    "last4",
    "percent",
    "limit",
    "used",
    "window",
    "from",
    "to",
    "successor",
    "listenerId",
    "namespace",
];
/// Members with a fixed set of values, which each language has its own words for.
const CHOICES: [&str; 4] = ["role", "window", "from", "to"];
/// Members that are counts; templates get them as the language writes them.
const COUNTS: [&str; 2] = ["limit", "used"];
/// Members that are moments; templates get the day.
const DAYS: [&str; 4] = ["expiresAt", "resetAt", "deprecatedOn", "sunsetOn"];

/// The model of a letter. `unsubscribe` is the link that ends mails of its kind.
pub fn model(configuration: &Configuration, letter: &Letter, unsubscribe: Option<&str>) -> Value {
    let language = letter.to.language.as_deref();
    let mut model = content(configuration, &letter.content, language);
    let more = letter.more.iter().map(|other| &other.content);
    let all: Vec<Value> = std::iter::once(&letter.content)
        .chain(more)
        .map(|one| content(configuration, one, language))
        .collect();
    model["receiver"] = json!({
        "name": letter.to.name.as_deref().unwrap_or_else(|| letter.to.address.as_ref()),
        "email": letter.to.address.to_string(),
    });
    model["count"] = json!(all.len());
    model["several"] = json!(all.len() > 1);
    model["approvals"] = all.into();
    model["unsubscribeLink"] = json!(unsubscribe);
    model
}

fn content(configuration: &Configuration, content: &Content, language: Option<&str>) -> Value {
    let Content { event, about } = content;
    let text = |member: &str| event.text(member).unwrap_or_default();
    let portal = &configuration.portal;
    let (application, api) = (text("applicationId"), text("apiId"));
    let mut model = json!({
        "title": configuration.title,
        "user": person(about),
        "api": {"id": api},
        "plan": {"id": text("planId")},
        "application": {"id": application},
        "verificationLink": verification_link(event),
        "portalLink": link(portal, &[]),
        "approvalsLink": link(portal, &["admin", "approvals"]),
        "applicationLink": link(portal, &["applications", application]),
        "apiLink": link(portal, &["apis", api]),
        "portalEmail": configuration.sender.email.to_string(),
    });
    for member in PLAIN {
        if let Some(value) = event.data.get(member) {
            model[member] = value.clone();
        }
    }
    for member in COUNTS {
        if let Some(count) = event.data.get(member).and_then(Value::as_u64) {
            model[member] = grouped(count, language).into();
        }
    }
    for member in CHOICES {
        if let Some(value) = event.text(member) {
            model["is"][member][value] = true.into();
        }
    }
    for member in DAYS {
        if let Some(moment) = event.text(member) {
            model[member] = json!(moment.get(..10).unwrap_or(moment));
        }
    }
    model
}

/// `10,000`; in German `10.000`.
fn grouped(count: u64, language: Option<&str>) -> String {
    let separator = match language {
        Some(language) if language.starts_with("de") => '.',
        _ => ',',
    };
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// Names are one line, in the text as in the headers, and no links: whoever signs up with another
/// one's address must not make us send him an advertisement.
fn person(person: &Person) -> Value {
    let name = |name: &str| {
        let name = clean(name);
        if name == person.email {
            name
        } else {
            without_links(&name)
        }
    };
    json!({
        "id": person.id,
        "name": name(&person.name),
        "firstName": name(&person.first_name),
        "lastName": name(&person.last_name),
        "email": person.email,
    })
}

/// An invisible character where mail programs would see an address.
fn without_links(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        result.push(c);
        let is_inside = characters.peek().is_some_and(|next| !next.is_whitespace());
        if is_inside && matches!(c, '.' | ':' | '@') {
            result.push('\u{200b}');
        }
    }
    result
}

fn link(portal: &str, path: &[&str]) -> String {
    match Url::parse(portal) {
        Ok(mut url) => {
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.pop_if_empty().extend(path);
            }
            url.to_string()
        }
        Err(_) => portal.to_owned(),
    }
}

/// The link of a verification or an invitation with its id filled in; empty for other events.
fn verification_link(event: &Event) -> String {
    let (Some(link), Some(id)) = (event.text("link"), event.text("id")) else {
        return String::new();
    };
    match Template::parse(link) {
        Ok(link) => link.render_text(&json!({"id": id})),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_filled_into_the_link() {
        let event: Event = serde_json::from_value(json!({
            "id": "e", "action": "add", "entity": "verification_email",
            "data": {"id": "abc", "link": "https://x.example/verify/{{id}}?a=1"}
        }))
        .unwrap();
        assert_eq!(
            verification_link(&event),
            "https://x.example/verify/abc?a=1"
        );
    }

    #[test]
    fn counts_are_written_as_the_language_does() {
        for (count, english, german) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (10_000, "10,000", "10.000"),
            (1_234_567, "1,234,567", "1.234.567"),
        ] {
            assert_eq!(grouped(count, None), english);
            assert_eq!(grouped(count, Some("de-at")), german);
        }
    }

    #[test]
    fn names_hold_no_links_and_paths_cannot_be_left() {
        assert_eq!(without_links("J. R. Tolkien"), "J. R. Tolkien");
        assert!(!without_links("win at https://evil.example").contains("evil.example"));
        assert!(!without_links("https://evil").contains("://"));
        assert_eq!(
            link("https://p.example", &["applications", "a/../b"]),
            "https://p.example/applications/a%2F..%2Fb"
        );
    }
}
