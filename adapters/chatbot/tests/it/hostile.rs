//! Texts that users choose, at every platform.

use sdk::testing::event;
use serde_json::{Value, json};

use crate::{
    hook::Hook,
    rules::SECRET,
    service::{TestChatbot, named, portal_api},
};

const KINDS: [&str; 7] = [
    "slack",
    "rocketchat",
    "mattermost",
    "msteams",
    "msteams-legacy",
    "discord",
    "webhook",
];

const MESSAGES: [(&str, &str, &str); 13] = [
    ("userLoggedIn", "user", "login"),
    ("userSignedUp", "user", "add"),
    ("userValidatedEmail", "user", "validated"),
    ("applicationAdded", "application", "add"),
    ("applicationDeleted", "application", "delete"),
    ("subscriptionAdded", "subscription", "add"),
    ("subscriptionDeleted", "subscription", "delete"),
    ("subscriptionApproved", "approval", "delete"),
    ("approvalRequired", "approval", "add"),
    ("lostPasswordRequest", "verification_lostpassword", "add"),
    ("verifyEmailRequest", "verification_email", "add"),
    ("listenerDisabled", "listener", "disabled"),
    ("apiDeprecated", "api", "lifecycle"),
];

fn data(text: &str) -> Value {
    json!({
        "userId": "ada", "applicationId": text, "apiId": text, "planId": text, "group": text,
        "listenerId": text, "reason": text, "result": "approved", "to": "deprecated", "sunsetOn": text,
    })
}

/// All texts of a body that people see.
fn texts(body: &Value) -> Vec<String> {
    match body {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "url" | "$schema" | "@context" | "links"))
            .flat_map(|(_, value)| texts(value))
            .collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn every_message_keeps_to_the_rules_of_every_platform() {
    for kind in KINDS {
        let hook = Hook::start().await;
        let names: Vec<&str> = MESSAGES.iter().map(|(name, ..)| *name).collect();
        let mut target = hook.target(kind, &names);
        target["secret"] = json!(SECRET);
        target["blocks"] = json!(kind == "slack");
        let portal_api = portal_api(vec![target]).await;
        portal_api.answer("GET /templates/chatbot", json!({}));
        let chatbot = TestChatbot::run(portal_api, |_| {}).await;
        // One after the other: together they would become a summary.
        for (number, (name, entity, action)) in MESSAGES.iter().enumerate() {
            let event = event(entity, action, data("my_app"));
            chatbot.deliver_until_acked(&event).await;
            let posts = hook.posts();
            assert_eq!(posts.len(), number + 1, "{kind} {name}");
            if kind == "webhook" {
                assert_eq!(posts[number].body["message"], *name);
                assert_eq!(posts[number].headers["webhook-id"].len(), 32);
            }
        }
    }
}

#[tokio::test]
async fn hostile_texts_come_out_harmless() {
    let long = "W".repeat(5000);
    let hostile = [
        "<!channel> <!here|here> <@U024BE7LH> <#C024BE7LR>",
        "@channel @here @everyone @all",
        "(@channel) \"@here\" ,@everyone",
        "[free](https://evil.example) <https://evil.example|bank>",
        "![x](https://evil.example/x.png) https://evil.example",
        "**bold** _it_ ~no~ `code` ```\nblock\n``` # head\n> quote\n| a | b |",
        "\u{202e}txt.exe\u{2066}\u{200f}\r\n\u{2028}\0 two lines",
        "\\<!channel\\> \\@here \\[x\\](https://evil.example)",
        "<script>alert(1)</script> &lt;!channel&gt; &amp;",
        "🎉👩‍💻 :bomb: Ünïcödé",
        long.as_str(),
    ];
    for kind in KINDS {
        let hook = Hook::start().await;
        let mut target = hook.target(kind, &["approvalRequired"]);
        target["secret"] = json!(SECRET);
        target["blocks"] = json!(kind == "slack");
        let portal_api = portal_api(vec![target]).await;
        portal_api.answer(
            "GET /templates/chatbot",
            json!({"approvalRequired": "{{name}} {{applicationId}} {{#link}}{{applicationLink}}|{{apiId}}{{/link}} {{{planId}}}"}),
        );
        let chatbot = TestChatbot::run(portal_api, |_| {}).await;
        for text in hostile {
            named(&chatbot.portal_api, text);
            let before = hook.posts().len();
            let event = event("approval", "add", data(text));
            chatbot.deliver_until_acked(&event).await;
            let post = hook.posts().remove(before);
            if kind == "webhook" {
                // Programs get the values as they are, and a text that mentions nobody.
                check(kind, text, post.body["text"].as_str().unwrap());
                continue;
            }
            for shown in texts(&post.body) {
                check(kind, text, &shown);
            }
        }
    }
}

fn check(kind: &str, text: &str, shown: &str) {
    let context = format!("{kind}: {text:.60}: {shown}");
    for mention in ["@channel", "@here", "@everyone", "@all", "@U024"] {
        assert!(!shown.contains(mention), "{context}");
    }
    for direction in [
        '\u{202e}', '\u{2066}', '\u{200f}', '\0', '\r', '\n', '\u{2028}',
    ] {
        assert!(!shown.contains(direction), "{context}");
    }
    if kind == "webhook" {
        return;
    }
    assert!(!shown.contains("https://evil"), "{context}");
    if kind == "slack" {
        return;
    }
    // Whatever could begin markup stands behind a backslash; links are ours.
    let without_links = strip_links(shown);
    let mut escaped = false;
    for c in without_links.chars() {
        let is_markup = "*_~`[]<>#|".contains(c);
        assert!(escaped || !is_markup, "{c} in {context}");
        escaped = c == '\\' && !escaped;
    }
}

/// The text without the links that the template makes.
fn strip_links(text: &str) -> String {
    let Some(end) = text.rfind("](https://portal.acme.example/") else {
        return text.to_owned();
    };
    let start = (0..end)
        .rev()
        .find(|place| {
            text.is_char_boundary(*place)
                && text[*place..].starts_with('[')
                && !text[..*place].ends_with('\\')
        })
        .unwrap();
    let close = end + text[end..].find(')').unwrap();
    format!(
        "{}{}{}",
        &text[..start],
        &text[start + 1..end],
        &text[close + 1..]
    )
}
