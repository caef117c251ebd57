use serde_json::{Value, json};

use crate::{
    hook::Hook,
    rules::SECRET,
    service::{TestChatbot, application_added},
};

const LINK: &str = "https://portal.acme.example/applications/my_app";

/// The body that a target of this type gets for a new application.
async fn body(kind: &str) -> Value {
    let hook = Hook::start().await;
    let chatbot = TestChatbot::start(vec![hook.target(kind, &["applicationAdded"])]).await;
    let event = application_added("ada");
    assert_eq!(
        chatbot.deliver(std::slice::from_ref(&event)).await.acked,
        [event.id]
    );
    hook.posts().remove(0).body
}

#[tokio::test]
async fn slack_gets_its_compatible_form_and_nobody_is_mentioned() {
    assert_eq!(
        body("slack").await,
        json!({
            "username": "Acme", "icon_url": "https://acme.example/i.png",
            "text": format!("&lt;!channel&gt; *Ada* @\u{200b}here made <{LINK}|my_app>"),
        })
    );
    let hook = Hook::start().await;
    let mut target = hook.target("slack", &["applicationAdded"]);
    target["blocks"] = json!(true);
    let chatbot = TestChatbot::start(vec![target]).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
    let body = hook.posts().remove(0).body;
    assert_eq!(body["blocks"][0]["text"]["text"], body["text"]);
    assert_eq!(body["blocks"][1]["elements"][0]["url"], LINK);
}

#[tokio::test]
async fn markdown_platforms_get_escaped_text_and_their_own_links() {
    let text = format!(
        r"\<\!channel\> \*Ada\* \@{}here made [my\_app]({LINK})",
        '\u{200b}'
    );
    assert_eq!(body("mattermost").await["text"], text);
    assert_eq!(body("rocketchat").await["alias"], "Acme");
    let discord = body("discord").await;
    assert_eq!(discord["content"], text);
    assert_eq!(discord["allowed_mentions"], json!({"parse": []}));
    let card = &body("msteams").await["attachments"][0]["content"];
    assert_eq!(card["type"], "AdaptiveCard");
    assert_eq!(card["body"][2]["text"], text);
    assert_eq!(card["actions"][0]["url"], LINK);
    let old = body("msteams-legacy").await;
    assert_eq!(old["@type"], "MessageCard");
    assert_eq!(old["title"], "Notification from Acme");
}

#[tokio::test]
async fn programs_get_the_parts_and_a_signature_where_there_is_a_secret() {
    let hook = Hook::start().await;
    let mut target = hook.target("webhook", &["applicationAdded"]);
    target["secret"] = json!(SECRET);
    let chatbot = TestChatbot::start(vec![target]).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
    let post = hook.posts().remove(0);
    assert_eq!(post.body["message"], "applicationAdded");
    assert_eq!(post.body["event"]["entity"], "application");
    assert_eq!(post.body["links"]["application"], LINK);
    assert_eq!(post.body["fields"]["applicationId"], "my_app");
    assert!(post.headers.contains_key("webhook-signature"));
}

#[tokio::test]
async fn a_target_may_have_texts_of_its_own() {
    let (own, usual) = (Hook::start().await, Hook::start().await);
    let mut target = own.target("mattermost", &["applicationAdded"]);
    target["templates"] = json!({"applicationAdded": "Hurra, {{applicationId}}"});
    target["channel"] = json!("town-square");
    let other = usual.target("mattermost", &["applicationAdded"]);
    let chatbot = TestChatbot::start(vec![target, other]).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
    let body = own.posts().remove(0).body;
    assert_eq!(body["text"], r"Hurra, my\_app");
    assert_eq!(body["channel"], "town-square");
    let usual = usual.posts().remove(0).body;
    assert!(usual["text"].as_str().unwrap().contains("made"));
}

#[tokio::test]
async fn only_the_messages_that_are_switched_on_are_sent() {
    let hook = Hook::start().await;
    let chatbot = TestChatbot::start(vec![hook.target("slack", &["applicationDeleted"])]).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
    assert!(hook.posts().is_empty());
}

#[tokio::test]
async fn a_user_who_was_deleted_is_named_by_his_id() {
    let hook = Hook::start().await;
    let chatbot = TestChatbot::start(vec![hook.target("slack", &["applicationAdded"])]).await;
    chatbot
        .deliver_until_acked(&application_added("gone"))
        .await;
    let text = hook.posts().remove(0).body["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(text.starts_with("gone made "), "{text}");
    let ping = service::http::client()
        .get(chatbot.url.join("ping").unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(ping.status(), 200);
}
