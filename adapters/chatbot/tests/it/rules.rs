//! What each platform takes, as its documentation says.

use axum::http::HeaderMap;
use serde_json::{Value, json};

/// Secret of the receivers of type `webhook` in these tests.
pub const SECRET: &str = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0";

/// What a post to a platform of this type breaks.
pub fn check(kind: &str, query: &str, headers: &HeaderMap, bytes: &[u8]) -> Result<(), String> {
    let body: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let is_json = headers
        .get("content-type")
        .is_some_and(|value| value == "application/json");
    rule(is_json, "the content type is JSON")?;
    match kind {
        "slack" => slack(&body),
        "rocketchat" => {
            members(
                &body,
                &["alias", "avatar", "text", "attachments", "emoji", "channel"],
            )?;
            text(&body["text"], 5000)
        }
        "mattermost" => {
            members(
                &body,
                &[
                    "text",
                    "username",
                    "icon_url",
                    "channel",
                    "attachments",
                    "props",
                ],
            )?;
            text(&body["text"], 16_383)
        }
        "discord" => discord(&body, query),
        "msteams" => teams(&body, bytes.len()),
        "msteams-legacy" => {
            rule(body["@type"] == "MessageCard", "it is a card")?;
            rule(
                body["@context"] == "https://schema.org/extensions",
                "context",
            )?;
            rule(bytes.len() <= 28 * 1024, "28 KB")?;
            text(&body["text"], 28 * 1024)
        }
        "webhook" => webhook(&body, headers, bytes),
        other => Err(format!("no rules for {other}")),
    }
}

fn slack(body: &Value) -> Result<(), String> {
    members(body, &["text", "blocks", "username", "icon_url"])?;
    text(&body["text"], 40_000)?;
    no_control_sequences(body["text"].as_str().unwrap_or_default())?;
    let Some(blocks) = body["blocks"].as_array() else {
        return rule(body["blocks"].is_null(), "blocks are a list");
    };
    rule(blocks.len() <= 50, "50 blocks")?;
    for block in blocks {
        match block["type"].as_str() {
            Some("section") => {
                rule(block["text"]["type"] == "mrkdwn", "text of a section")?;
                text(&block["text"]["text"], 3000)?;
                no_control_sequences(block["text"]["text"].as_str().unwrap_or_default())?;
            }
            Some("actions") => {
                let elements = block["elements"].as_array().ok_or("no elements")?;
                rule((1..=25).contains(&elements.len()), "25 elements")?;
                for element in elements {
                    rule(element["type"] == "button", "a button")?;
                    rule(element["text"]["type"] == "plain_text", "plain text")?;
                    text(&element["text"]["text"], 75)?;
                    url(&element["url"])?;
                }
            }
            other => return Err(format!("no block {other:?}")),
        }
    }
    Ok(())
}

/// In Slack's text `<` begins a link or a mention; `&` stands for itself only when escaped.
fn no_control_sequences(text: &str) -> Result<(), String> {
    for (place, _) in text.match_indices('<') {
        let rest = &text[place..];
        let is_link = rest.starts_with("<https://portal.acme.example/") && rest.contains('>');
        rule(is_link, "`<` begins our links only")?;
    }
    for (place, _) in text.match_indices('&') {
        let rest = &text[place..];
        let is_entity = ["&amp;", "&lt;", "&gt;"]
            .iter()
            .any(|one| rest.starts_with(one));
        rule(is_entity, "`&` is escaped")?;
    }
    Ok(())
}

fn discord(body: &Value, query: &str) -> Result<(), String> {
    rule(query == "wait=true", "wait=true")?;
    members(
        body,
        &[
            "content",
            "username",
            "avatar_url",
            "embeds",
            "allowed_mentions",
        ],
    )?;
    text(&body["content"], 2000)?;
    text(&body["username"], 80)?;
    let name = body["username"].as_str().unwrap_or_default().to_lowercase();
    rule(!name.contains("discord"), "the name is not Discord's")?;
    rule(
        body["allowed_mentions"] == json!({"parse": []}),
        "no mentions",
    )
}

fn teams(body: &Value, size: usize) -> Result<(), String> {
    rule(size <= 28 * 1024, "28 KB")?;
    rule(body["type"] == "message", "it is a message")?;
    let attachment = &body["attachments"][0];
    rule(
        attachment["contentType"] == "application/vnd.microsoft.card.adaptive",
        "content type of the card",
    )?;
    let card = &attachment["content"];
    rule(
        card["type"] == "AdaptiveCard" && card["version"] == "1.4",
        "a card 1.4",
    )?;
    rule(
        card["$schema"] == "http://adaptivecards.io/schemas/adaptive-card.json",
        "schema of the card",
    )?;
    for block in card["body"].as_array().ok_or("no body")? {
        rule(block["type"] == "TextBlock", "a text")?;
        text(&block["text"], 28 * 1024)?;
    }
    for action in card["actions"].as_array().ok_or("no actions")? {
        rule(action["type"] == "Action.OpenUrl", "a link")?;
        url(&action["url"])?;
    }
    Ok(())
}

fn webhook(body: &Value, headers: &HeaderMap, bytes: &[u8]) -> Result<(), String> {
    members(body, &["message", "event", "text", "links", "fields"])?;
    text(&body["message"], 100)?;
    text(&body["text"], 10_000)?;
    if !headers.contains_key("webhook-signature") {
        return Ok(());
    }
    let mut secrets = sdk::signature::Secrets::default();
    secrets.push(SECRET).map_err(|error| format!("{error:?}"))?;
    let verified = secrets.verify(headers, bytes);
    verified.map_err(|error| format!("{error:?}"))
}

fn members(body: &Value, known: &[&str]) -> Result<(), String> {
    let members = body.as_object().ok_or("no object")?;
    match members
        .iter()
        .find(|(name, value)| !known.contains(&name.as_str()) || value.is_null())
    {
        Some((name, _)) => Err(format!("`{name}` is not known")),
        None => Ok(()),
    }
}

fn text(value: &Value, most: usize) -> Result<(), String> {
    let text = value.as_str().ok_or("no text")?;
    rule(!text.is_empty(), "a text is not empty")?;
    rule(text.chars().count() <= most, "a text is not too long")
}

fn url(value: &Value) -> Result<(), String> {
    let url = value.as_str().ok_or("no address")?;
    let is_ours = url.starts_with("https://portal.acme.example/");
    rule(is_ours && url.len() <= 3000, "addresses are ours")
}

fn rule(holds: bool, what: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("broken: {what}"))
    }
}
