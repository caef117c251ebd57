//! The bodies of posts, always made by the serialiser.

use serde_json::{Value, json};

use super::{Message, Platform, Sender};
use crate::{messages::Severity, model::parts};

/// Blocks of Slack take no more text.
const MAX_SECTION: usize = 3000;

pub(super) fn body(
    platform: Platform,
    sender: &Sender,
    channel: Option<&str>,
    message: &Message<'_>,
) -> Value {
    let (name, icon, text) = (&sender.name, &sender.icon, &message.text);
    let mut body = match platform {
        Platform::Slack => json!({
            "username": name, "icon_url": icon, "text": text, "blocks": blocks(message),
        }),
        Platform::SlackCompatible => json!({"username": name, "icon_url": icon, "text": text}),
        Platform::Mattermost => {
            json!({"username": name, "icon_url": icon, "text": text, "channel": channel})
        }
        Platform::RocketChat => json!({"alias": name, "avatar": icon, "text": text}),
        Platform::Discord => json!({
            // Discord refuses longer names, and those that hold its own.
            "username": name.replace("iscord", "isc\u{200b}ord").chars().take(80).collect::<String>(),
            "avatar_url": icon, "content": text, "allowed_mentions": {"parse": []},
        }),
        Platform::TeamsLegacy => json!({
            "@context": "https://schema.org/extensions", "@type": "MessageCard",
            "themeColor": colour(message), "title": title(name), "text": text,
        }),
        Platform::Teams => json!({"type": "message", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": adaptive_card(name, message),
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

const fn colour(message: &Message<'_>) -> &'static str {
    match message.kind.severity {
        Severity::Info => "0072C6",
        Severity::Action => "C77700",
        Severity::Warning => "C4314B",
    }
}

/// The text, and the links of the message as buttons.
fn blocks(message: &Message<'_>) -> Value {
    let text: String = message.text.chars().take(MAX_SECTION).collect();
    let mut blocks = vec![json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})];
    let buttons: Vec<Value> = buttons(message)
        .map(|(title, url)| {
            json!({"type": "button", "text": {"type": "plain_text", "text": title}, "url": url})
        })
        .collect();
    if !buttons.is_empty() {
        blocks.push(json!({"type": "actions", "elements": buttons}));
    }
    blocks.into()
}

/// What stands on each button, and where it leads.
fn buttons<'m>(message: &'m Message<'_>) -> impl Iterator<Item = (&'static str, &'m str)> {
    message.kind.links.iter().filter_map(|(member, title)| {
        let url = message.model.get(member)?.as_str()?;
        Some((*title, url))
    })
}

fn adaptive_card(name: &str, message: &Message<'_>) -> Value {
    let heading = match message.kind.severity {
        Severity::Info => "default",
        Severity::Action => "warning",
        Severity::Warning => "attention",
    };
    let actions: Vec<Value> = buttons(message)
        .map(|(title, url)| json!({"type": "Action.OpenUrl", "title": title, "url": url}))
        .collect();
    json!({
        "type": "AdaptiveCard", "version": "1.4",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "body": [
            {"type": "TextBlock", "text": title(name), "size": "small", "isSubtle": true, "wrap": true},
            {"type": "TextBlock", "text": message.kind.title, "weight": "bolder", "color": heading, "wrap": true},
            {"type": "TextBlock", "text": message.text, "wrap": true},
        ],
        "actions": actions,
    })
}

/// For receivers that are programs: the text, and what it was made of.
fn generic(message: &Message<'_>) -> Value {
    let (links, fields) = parts(message.model);
    let event = message
        .event
        .map(|event| json!({"entity": event.entity, "action": event.action, "utc": event.utc}));
    json!({
        "message": message.kind.name, "event": event, "text": message.text,
        "links": links, "fields": fields,
    })
}
