//! What operators see: health, metrics, restarts.

use serde_json::{Value, json};

use crate::{
    hook::Hook,
    service::{TestChatbot, application_added, portal_api},
};

#[tokio::test]
async fn ping_is_the_health_object_of_the_contract() {
    let chatbot = TestChatbot::start(Vec::new()).await;
    let (status, ping) = chatbot.operate("GET", "ping", Value::Null).await;
    assert_eq!(status, 200);
    let own = chatbot.url.join("ping").unwrap();
    let expected = json!({
        "name": "chatbot", "message": "Up and running", "uptime": ping["uptime"], "healthy": 1,
        "pingUrl": own, "version": service::VERSION, "gitLastCommit": "", "gitBranch": "",
        "buildDate": "", "problems": 0, "queueLength": 0,
    });
    assert_eq!(ping, expected);
}

#[tokio::test]
async fn the_metrics_of_the_contract_are_there() {
    let hook = Hook::start().await;
    let chatbot = TestChatbot::start(vec![hook.target("slack", &["applicationAdded"])]).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
    let url = chatbot.url.join("metrics").unwrap();
    let answer = service::http::client().get(url).send().await.unwrap();
    let metrics = answer.text().await.unwrap();
    for line in [
        r#"wicketgate_chat_total{type="slack",message="applicationAdded",result="sent"}"#,
        "wicketgate_chat_queue ",
        r#"wicketgate_ack_total{listener="chatbot",result="ok"}"#,
        r#"wicketgate_build_info{version=""#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn it_can_be_killed_only_where_that_is_allowed() {
    let chatbot = TestChatbot::start(Vec::new()).await;
    assert_eq!(chatbot.operate("POST", "kill", Value::Null).await.0, 404);
    let chatbot = TestChatbot::run(portal_api(Vec::new()).await, |settings| {
        settings.access.allow_kill = true;
    })
    .await;
    assert_eq!(chatbot.operate("POST", "kill", Value::Null).await.0, 204);
    chatbot.ended().await;
}

#[tokio::test]
async fn trouble_of_gateway_and_listeners_is_told() {
    let hook = Hook::start().await;
    let target = hook.target("slack", &["gatewaySyncFailed", "deliveryDead"]);
    let api = portal_api(vec![target]).await;
    let health = |healthy: u8, dead: u32| {
        json!([
            {"name": "kong-adapter", "healthy": healthy, "error": "no route to <!here>"},
            {"name": "crm", "healthy": 1, "deadEvents": dead},
        ])
    };
    let call = "GET /health/systemhealth";
    api.answer(call, health(1, 4));
    let chatbot = TestChatbot::run(api, |settings| {
        settings.look_every = std::time::Duration::from_millis(20);
    })
    .await;
    let api = &chatbot.portal_api;
    api.until(|api| api.calls().iter().any(|made| made == call))
        .await;
    api.answer(call, health(0, 7));
    hook.until(2).await;
    let mut texts: Vec<String> = hook
        .posts()
        .into_iter()
        .map(|post| post.body["text"].as_str().unwrap().to_owned())
        .collect();
    texts.sort();
    assert!(
        texts[0].starts_with("3 events for the listener crm"),
        "{texts:?}"
    );
    assert!(texts[1].contains("no route to &lt;!here&gt;"), "{texts:?}");
}
