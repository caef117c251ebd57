//! The bodies of posts, always made by the serialiser.

use serde_json::{Map, Value, json};

use super::{Message, Platform, Sender};

pub(super) fn body(platform: Platform, sender: &Sender, message: &Message<'_>) -> Value {
    let (name, icon, text) = (&sender.name, &sender.icon, &message.text);
    let mut body = match platform {
        Platform::Slack | Platform::Mattermost => {
            json!({"username": name, "icon_url": icon, "text": text})
        }
        Platform::RocketChat => json!({"alias": name, "avatar": icon, "text": text}),
        Platform::Discord => json!({
            "username": name, "avatar_url": icon, "content": text,
            "allowed_mentions": {"parse": []},
        }),
        Platform::TeamsLegacy => json!({
            "@context": "https://schema.org/extensions", "@type": "MessageCard",
            "themeColor": "0072C6", "title": title(name), "text": text,
        }),
        Platform::Teams => json!({"type": "message", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": adaptive_card(name, text, message.model),
        }]}),
        Platform::Webhook => generic(message),
    };
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !value.is_null());
    }
    body
}

fn title(name: &str) -> String {
    format!("Notification from {name}")
}

fn adaptive_card(name: &str, text: &str, model: &Value) -> Value {
    let mut actions = Vec::new();
    for (member, title) in [("applicationLink", "Application"), ("userLink", "User")] {
        if let Some(url) = model.get(member).and_then(Value::as_str) {
            actions.push(json!({"type": "Action.OpenUrl", "title": title, "url": url}));
        }
    }
    json!({
        "type": "AdaptiveCard", "version": "1.4",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "body": [
            {"type": "TextBlock", "text": title(name), "weight": "bolder", "wrap": true},
            {"type": "TextBlock", "text": text, "wrap": true},
        ],
        "actions": actions,
    })
}

/// For receivers that are programs: the text, and what it was made of.
fn generic(message: &Message<'_>) -> Value {
    let (mut links, mut fields) = (Map::new(), Map::new());
    for (name, value) in message.model.as_object().into_iter().flatten() {
        if value.is_null() {
            continue;
        }
        match name.strip_suffix("Link") {
            Some(link) => links.insert(link.to_owned(), value.clone()),
            None => fields.insert(name.clone(), value.clone()),
        };
    }
    let event = message
        .event
        .map(|event| json!({"entity": event.entity, "action": event.action, "utc": event.utc}));
    json!({
        "message": message.name, "event": event, "text": message.text,
        "links": links, "fields": fields,
    })
}
