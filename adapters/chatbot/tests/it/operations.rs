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
