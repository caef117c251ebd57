//! Messages on disk, and what operators see of them.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    hook::Hook,
    service::{TestChatbot, application_added, portal_api},
};

#[tokio::test]
async fn with_a_state_folder_an_event_is_done_at_once_and_its_messages_survive() {
    let (away, good) = (
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        Hook::start().await,
    );
    let address = away.local_addr().unwrap();
    drop(away);
    let mut target = good.target("mattermost", &["applicationAdded"]);
    let targets = vec![target.clone(), {
        target["hookUrl"] = json!(format!("http://{address}/services/hush"));
        target
    }];
    let folder = tempfile::tempdir().unwrap();
    let api = portal_api(targets).await;
    let durable = |settings: &mut chatbot::Settings| {
        settings.state = Some(folder.path().to_owned());
    };
    let chatbot = TestChatbot::run(api, durable).await;
    let event = application_added("ada");
    let report = chatbot.deliver(std::slice::from_ref(&event)).await;
    assert_eq!(report.acked, std::slice::from_ref(&event.id));
    good.until(1).await;
    let api = chatbot.stop().await;
    for entry in std::fs::read_dir(folder.path().join("queue")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("my_app"));
    }

    let late = Hook::on(TcpListener::bind(address).await.unwrap());
    let chatbot = TestChatbot::run(api, durable).await;
    late.until(1).await;
    // The event again makes no message again.
    chatbot.deliver_until_acked(&event).await;
    let another = application_added("ada");
    chatbot.deliver_until_acked(&another).await;
    late.until(2).await;
    good.until(2).await;
    assert_eq!((late.posts().len(), good.posts().len()), (2, 2));
}

#[tokio::test]
async fn operators_see_how_targets_do_and_send_tests() {
    let (gone, good) = (Hook::start().await, Hook::start().await);
    gone.answer(StatusCode::NOT_FOUND, "");
    let targets = vec![
        gone.target("mattermost", &["applicationAdded"]),
        json!({"type": "pigeon", "hookUrl": "https://example.org/"}),
        good.target("discord", &["applicationAdded"]),
    ];
    let chatbot = TestChatbot::start(targets).await;
    chatbot.deliver(&[application_added("ada")]).await;
    good.until(1).await;
    let (status, queue) = chatbot.operate("GET", "queue", Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(queue["count"], 2);
    assert_eq!(queue["items"][0]["gone"], true);
    assert_eq!(queue["items"][1]["target"], 2);
    assert!(!queue.to_string().contains("hush"));
    let (status, ping) = chatbot.operate("GET", "ping", Value::Null).await;
    assert_eq!((status, &ping["problems"]), (200, &json!(1)));
    let warnings = ping["warnings"].to_string();
    assert!(
        warnings.contains("pigeon") && warnings.contains("404"),
        "{warnings}"
    );

    let test = async |target: usize| {
        let body = json!({"target": target});
        chatbot.operate("POST", "test", body).await.0
    };
    assert_eq!(test(2).await, 202);
    good.until(2).await;
    assert_eq!(test(1).await, 404);
    let url = chatbot.url.join("queue").unwrap();
    let answer = service::http::client().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn a_target_that_is_away_shows_in_the_health_and_recovers() {
    let hook = Hook::start().await;
    hook.answer(StatusCode::BAD_GATEWAY, "");
    let chatbot = TestChatbot::start(vec![hook.target("mattermost", &["applicationAdded"])]).await;
    let event = application_added("ada");
    assert!(
        chatbot
            .deliver(std::slice::from_ref(&event))
            .await
            .acked
            .is_empty()
    );
    let (status, ping) = chatbot.operate("GET", "ping", Value::Null).await;
    assert_eq!((status, &ping["healthy"]), (500, &json!(0)), "{ping}");
    assert_eq!(ping["queueLength"], 1);
    chatbot.deliver_until_acked(&event).await;
    let (status, ping) = chatbot.operate("GET", "ping", Value::Null).await;
    assert_eq!((status, &ping["healthy"]), (200, &json!(1)), "{ping}");
    assert!(ping["lastSuccess"].is_string());
}
