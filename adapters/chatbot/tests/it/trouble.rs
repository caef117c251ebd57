use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use crate::{
    hook::Hook,
    service::{TestChatbot, application_added},
};

#[tokio::test]
async fn a_target_that_is_away_delays_no_other() {
    let (away, good) = (Hook::start().await, Hook::start().await);
    away.answer(StatusCode::SERVICE_UNAVAILABLE, "600");
    let targets = vec![
        away.target("webhook", &["applicationAdded"]),
        good.target("webhook", &["applicationAdded"]),
    ];
    let chatbot = TestChatbot::start(targets).await;
    for _ in 0..2 {
        let report = chatbot.deliver(&[application_added("ada")]).await;
        assert!(
            report.acked.is_empty() && report.failed.is_empty(),
            "one target has it not yet"
        );
    }
    good.until(2).await;
    assert_eq!(away.posts().len(), 1);
}

#[tokio::test]
async fn what_one_target_gets_late_the_others_do_not_get_twice() {
    let (late, good) = (Hook::start().await, Hook::start().await);
    late.answer(StatusCode::INTERNAL_SERVER_ERROR, "");
    let targets = vec![
        late.target("webhook", &["applicationAdded"]),
        good.target("webhook", &["applicationAdded"]),
    ];
    let chatbot = TestChatbot::start(targets).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
    assert_eq!(late.posts().len(), 2);
    assert_eq!(good.posts().len(), 1);
}

#[tokio::test]
async fn the_pause_that_a_platform_asks_for_is_kept() {
    let hook = Hook::start().await;
    hook.answer(StatusCode::TOO_MANY_REQUESTS, "2");
    let chatbot = TestChatbot::start(vec![hook.target("mattermost", &["applicationAdded"])]).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
    let posts = hook.posts();
    assert_eq!(posts.len(), 2);
    assert!(posts[1].at - posts[0].at >= Duration::from_secs(2));
}

#[tokio::test]
async fn the_pause_may_stand_in_the_body() {
    let hook = Hook::start().await;
    let body = r#"{"message": "slow down", "retry_after": 2.5, "global": false}"#;
    hook.answer_with(StatusCode::TOO_MANY_REQUESTS, "1", body);
    let chatbot = TestChatbot::start(vec![hook.target("discord", &["applicationAdded"])]).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
    let posts = hook.posts();
    assert!(posts[1].at - posts[0].at >= Duration::from_millis(2500));
}

#[tokio::test]
async fn posts_keep_the_pace_of_the_platform() {
    let hook = Hook::start().await;
    let chatbot = TestChatbot::start(vec![hook.target("slack", &["applicationAdded"])]).await;
    let events: Vec<_> = (0..3).map(|_| application_added("ada")).collect();
    while chatbot.deliver(&events).await.acked.len() < events.len() {}
    let posts = hook.posts();
    assert_eq!(posts.len(), 3);
    for pair in posts.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_millis(990));
    }
}

#[tokio::test]
async fn a_final_refusal_is_a_dead_letter_and_a_hook_that_is_gone_is_left_alone() {
    let hook = Hook::start().await;
    hook.answer(StatusCode::BAD_REQUEST, "");
    hook.answer(StatusCode::GONE, "");
    let chatbot = TestChatbot::start(vec![hook.target("mattermost", &["applicationAdded"])]).await;
    for _ in 0..3 {
        let report = chatbot.deliver(&[application_added("ada")]).await;
        assert!(!report.failed[0].retry);
        assert!(
            !report.failed[0].reason.contains("hush"),
            "the address is a secret"
        );
    }
    assert_eq!(hook.posts().len(), 2);
}

#[tokio::test]
async fn hooks_inside_the_network_are_not_contacted_unless_allowed() {
    let hook = Hook::start().await;
    let mut inside = hook.target("slack", &["applicationAdded"]);
    inside["hookUrl"] = json!("http://10.0.0.1/hook");
    let mut plain = hook.target("slack", &["applicationAdded"]);
    plain["hookUrl"] = json!("http://chat.example.org/hook");
    let chatbot = TestChatbot::start(vec![inside, plain, json!({"type": "pigeon"})]).await;
    chatbot.deliver_until_acked(&application_added("ada")).await;
}

#[tokio::test]
async fn when_too_many_wait_they_become_one_message() {
    let hook = Hook::start().await;
    hook.answer(StatusCode::SERVICE_UNAVAILABLE, "");
    let chatbot = TestChatbot::start(vec![hook.target("mattermost", &["applicationAdded"])]).await;
    let events: Vec<_> = (0..20).map(|_| application_added("ada")).collect();
    while chatbot.deliver(&events).await.acked.len() < events.len() {}
    let posts = hook.posts();
    assert_eq!(posts.len(), 3, "refused, the first, the others");
    assert_eq!(posts[2].body["text"], "19 further events");
}
