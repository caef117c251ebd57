//! What templates can show (events-and-adapters E1).

use sdk::{Person, types::Event};
use serde_json::{Value, json};
use url::Url;

/// The model of a message about `event`. `person` is the acting user; without him (deleted
/// meanwhile) his id stands for the name.
pub fn model(portal: &Url, event: &Event, user_id: &str, person: Option<&Person>) -> Value {
    let application = event.text("applicationId");
    json!({
        "userId": user_id,
        "name": person.map_or(user_id, |person| &person.name),
        "email": person.map_or("", |person| &person.email),
        "apiId": event.text("apiId"),
        "planId": event.text("planId"),
        "group": event.text("group"),
        "applicationId": application,
        "approvalsLink": link(portal, &["admin", "approvals"]),
        "userLink": link(portal, &["users", user_id]),
        "applicationLink": application.map(|application| link(portal, &["applications", application])),
    })
}

/// Whether a value of the model is an address made by us, which needs no escaping.
pub fn is_link(name: &str) -> bool {
    name.ends_with("Link")
}

fn link(portal: &Url, path: &[&str]) -> String {
    let mut url = portal.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    // These two end links in chat texts; the URL standard leaves them as they are in some places.
    url.as_str().replace('|', "%7C").replace(')', "%29")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_cannot_be_left() {
        let portal = Url::parse("https://portal.example.org/").unwrap();
        let text = link(&portal, &["users", "a|b>c)d/e"]);
        assert_eq!(text, "https://portal.example.org/users/a%7Cb%3Ec%29d%2Fe");
    }
}
