//! What templates can show (events-and-adapters D1).

use sdk::{Person, template::Template, types::Event};
use serde_json::{Value, json};

use crate::{compose::clean, configuration::Configuration};

/// The model of a mail about `event` that speaks of `person`.
pub fn model(configuration: &Configuration, event: &Event, person: &Person) -> Value {
    let text = |member: &str| event.text(member).unwrap_or_default();
    let application = text("applicationId");
    let portal = &configuration.portal;
    // Names are one line, in the text as in the headers.
    json!({
        "title": configuration.title,
        "user": {
            "id": person.id,
            "name": clean(&person.name),
            "firstName": clean(&person.first_name),
            "lastName": clean(&person.last_name),
            "email": person.email,
        },
        "api": {"id": text("apiId")},
        "plan": {"id": text("planId")},
        "application": {"id": application},
        "reason": text("reason"),
        "role": text("role"),
        "subject": text("subject"),
        "text": text("text"),
        "verificationLink": verification_link(event),
        "approvalsLink": format!("{portal}/admin/approvals"),
        "applicationLink": format!("{portal}/applications/{application}"),
        "portalEmail": configuration.sender.email.to_string(),
    })
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
}
