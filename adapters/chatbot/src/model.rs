//! What templates can show (events-and-adapters E1).

use sdk::{Person, types::Event};
use serde_json::{Map, Value, json};
use url::Url;

/// The model of a message about `event`. `person` is the acting user; without him (deleted
/// meanwhile) his id stands for the name.
pub fn model(portal: &Url, event: &Event, person: Option<&Person>) -> Value {
    let user = event.text("userId");
    let (application, api) = (event.text("applicationId"), event.text("apiId"));
    let day = |member| {
        event
            .text(member)
            .map(|text| text.get(..10).unwrap_or(text))
    };
    json!({
        "userId": user,
        "name": person.map_or(user, |person| Some(person.name.as_str())),
        "email": person.map(|person| &person.email),
        "apiId": api,
        "planId": event.text("planId"),
        "group": event.text("group"),
        "applicationId": application,
        "listenerId": event.text("listenerId"),
        "reason": event.text("reason"),
        "count": event.data.get("count"),
        "to": event.text("to"),
        "sunsetOn": day("sunsetOn"),
        "approvalsLink": link(portal, &["admin", "approvals"]),
        "userLink": user.map(|user| link(portal, &["users", user])),
        "applicationLink": application.map(|application| link(portal, &["applications", application])),
        "apiLink": api.map(|api| link(portal, &["apis", api])),
    })
}

/// Whether a value of the model is an address made by us, which needs no escaping.
pub fn is_link(name: &str) -> bool {
    name.ends_with("Link")
}

/// The parts of a model for receivers that are programs: addresses, and everything else.
pub fn parts(model: &Value) -> (Map<String, Value>, Map<String, Value>) {
    let (mut links, mut fields) = (Map::new(), Map::new());
    for (name, value) in model.as_object().into_iter().flatten() {
        if value.is_null() {
            continue;
        }
        match name.strip_suffix("Link") {
            Some(link) => links.insert(link.to_owned(), value.clone()),
            None => fields.insert(name.clone(), value.clone()),
        };
    }
    (links, fields)
}

/// Longest id in a link; platforms refuse whole messages for an address that is too long.
const MAX_ID: usize = 200;

fn link(portal: &Url, path: &[&str]) -> String {
    let mut url = portal.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        let short = |part: &&str| part.chars().take(MAX_ID).collect::<String>();
        segments.pop_if_empty().extend(path.iter().map(short));
    }
    // These end links in chat texts, or mention somebody; the URL standard leaves them as they are.
    let mut text = String::new();
    for c in url.as_str().chars() {
        match c {
            '|' => text.push_str("%7C"),
            '(' => text.push_str("%28"),
            ')' => text.push_str("%29"),
            '[' => text.push_str("%5B"),
            ']' => text.push_str("%5D"),
            '@' => text.push_str("%40"),
            '!' => text.push_str("%21"),
            c => text.push(c),
        }
    }
    text
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
