//! What operators see: health, metrics, restarts.

use sdk::testing::event;
use serde_json::{Value, json};

use crate::service::{Delivered, TestMailer, portal_api};

#[tokio::test]
async fn ping_is_the_health_object_of_the_contract() {
    let mailer = TestMailer::start(json!({})).await;
    let (status, ping) = mailer.ping().await;
    assert_eq!(status, 200);
    let own = mailer.url.join("ping").unwrap();
    let expected = json!({
        "name": "mailer", "message": "Up and running", "uptime": ping["uptime"], "healthy": 1,
        "pingUrl": own, "version": service::VERSION, "gitLastCommit": "", "gitBranch": "",
        "buildDate": "", "problems": 0, "queueLength": 0, "warnings": ping["warnings"],
    });
    assert_eq!(ping, expected);
}

#[tokio::test]
async fn the_metrics_of_the_contract_are_there() {
    let mailer = TestMailer::start(json!({})).await;
    let changed = event("user", "password", json!({"userId": "ada"}));
    assert_eq!(mailer.deliver(&changed).await, Delivered::Acked);
    let (status, metrics) = mailer.operate("GET", "metrics", Value::Null).await;
    assert_eq!(status, 200);
    for line in [
        r#"wicketgate_mail_total{template="password_changed",result="sent"}"#,
        "wicketgate_mail_queue ",
        "wicketgate_mail_send_seconds_count",
        r#"wicketgate_ack_total{listener="mailer",result="ok"}"#,
        r#"wicketgate_build_info{version=""#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn it_can_be_killed_only_where_that_is_allowed() {
    let mailer = TestMailer::start(json!({})).await;
    let refused = mailer.operate("POST", "kill", Value::Null).await;
    assert_eq!(refused.0, 404);
    let api = portal_api(json!({})).await;
    let mailer = TestMailer::run(api, tempfile::tempdir().unwrap(), |settings, _| {
        settings.access.allow_kill = true;
    })
    .await;
    assert_eq!(mailer.operate("POST", "kill", Value::Null).await.0, 204);
    mailer.ended().await;
}
