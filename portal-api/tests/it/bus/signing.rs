//! Signatures of Standard Webhooks.

use http::HeaderMap;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{admin, apis, application, listen, quick};
use crate::{
    receiver::{Received, Receiver, Reply},
    support::TestApi,
};

const SECRET: &str = "/webhooks/listeners/crm-sync/secret";

async fn secret(api: &TestApi, body: Value) -> (Webhook, String) {
    let made = admin(api).post(SECRET, body).await.expect(201).json();
    let text = made["secret"].as_str().unwrap();
    assert!(text.starts_with("whsec_"));
    let id = made["keyId"].as_str().unwrap().to_owned();
    (Webhook::new(text).unwrap(), id)
}

fn verify(webhook: &Webhook, requests: &Received) -> bool {
    webhook.verify(&requests.body, &requests.headers).is_ok()
}

#[tokio::test]
async fn the_published_library_accepts_our_requests_and_nothing_that_was_changed() {
    for api in apis().await {
        let receiver = Receiver::start(|_| Reply::ok()).await;
        listen(&api, &receiver.url, json!({"mode": "ack"})).await;
        application(&api, "unsigned").await;
        let requests = receiver.until("the event", |all| !all.is_empty()).await;
        assert_eq!(
            requests[0].header("webhook-signature"),
            "",
            "without a secret"
        );
        let (webhook, key) = secret(&api, json!({})).await;
        application(&api, "signed").await;
        let requests = receiver.until("the next", |all| all.len() > 1).await;
        let one = &requests[1];
        assert!(verify(&webhook, one));
        assert!(one.header("webhook-id").starts_with("batch_"));
        let mut body = one.body.to_vec();
        body[3] ^= 1;
        assert!(webhook.verify(&body, &one.headers).is_err());
        let refuses = |name: &'static str, value: &str| {
            let mut headers: HeaderMap = one.headers.clone();
            headers.insert(name, value.parse().unwrap());
            webhook.verify(&one.body, &headers).is_err()
        };
        assert!(refuses("webhook-id", "batch_other"));
        let time: i64 = one.header("webhook-timestamp").parse().unwrap();
        assert!(refuses("webhook-timestamp", &(time + 1).to_string()));
        // A secret that is ended signs nothing any more.
        admin(&api)
            .delete(&format!("{SECRET}/{key}"))
            .await
            .expect(204);
        admin(&api)
            .delete(&format!("{SECRET}/{key}"))
            .await
            .expect(404);
        application(&api, "unsigned-again").await;
        let requests = receiver.until("the third", |all| all.len() > 2).await;
        assert_eq!(requests[2].header("webhook-signature"), "");
    }
}

#[tokio::test]
async fn the_library_from_npm_accepts_them_too() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok()).await;
    listen(&api, &receiver.url, json!({"mode": "ack"})).await;
    let made = admin(&api).post(SECRET, json!({})).await.expect(201).json();
    application(&api, "signed").await;
    let requests = receiver.until("the event", |all| !all.is_empty()).await;
    let one = &requests[0];
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers = headers.map(|name| (name.to_owned(), Value::from(one.header(name))));
    let headers = Value::Object(headers.into_iter().collect()).to_string();
    let body = std::str::from_utf8(&one.body).unwrap();
    let script = include_str!("../../../../tests/node/standardwebhooks.mjs");
    let secret = made["secret"].as_str().unwrap();
    if let Some(printed) = crate::node::run(script, &[secret, body, &headers]).await {
        assert_eq!(printed, "ok\n");
    }
}

#[tokio::test]
async fn during_a_rotation_old_and_new_secret_verify() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok()).await;
    let settings = json!({"mode": "ack", "format": "standard"});
    listen(&api, &receiver.url, settings).await;
    let (old, old_key) = secret(&api, json!({})).await;
    let (new, _) = secret(&api, json!({"overlapSeconds": 60})).await;
    application(&api, "rotating").await;
    let requests = receiver.until("the event", |all| !all.is_empty()).await;
    assert!(verify(&old, &requests[0]) && verify(&new, &requests[0]));
    assert_eq!(requests[0].header("webhook-id"), requests[0].ids()[0]);
    assert_eq!(
        requests[0].header("webhook-signature").split(' ').count(),
        2
    );
    let shown = admin(&api)
        .get("/webhooks/listeners?detail=true")
        .await
        .json();
    let secrets = shown[0]["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 2);
    assert!(secrets[0]["endsAt"].is_null() && secrets[1]["endsAt"].is_string());
    assert!(!shown.to_string().contains("whsec_"));
    admin(&api)
        .delete(&format!("{SECRET}/{old_key}"))
        .await
        .expect(204);
    application(&api, "rotated").await;
    let requests = receiver.until("the next", |all| all.len() > 1).await;
    assert!(!verify(&old, &requests[1]) && verify(&new, &requests[1]));
    let third = json!({"overlapSeconds": 0});
    let (third, _) = secret(&api, third).await;
    application(&api, "at-once").await;
    let requests = receiver.until("the third", |all| all.len() > 2).await;
    assert!(!verify(&new, &requests[2]) && verify(&third, &requests[2]));
    admin(&api)
        .post(SECRET, json!({"overlapSeconds": 9_999_999}))
        .await
        .expect(400);
}

#[tokio::test]
async fn the_test_event_is_signed_and_old_listeners_are_asked_for_their_health() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok()).await;
    listen(&api, &receiver.url, json!({"mode": "ack"})).await;
    let (webhook, _) = secret(&api, json!({})).await;
    let path = "/webhooks/listeners/crm-sync/test";
    let result = admin(&api).post(path, json!({})).await.expect(200).json();
    assert_eq!(result["status"], 200);
    assert!(result["error"].is_null());
    let requests = receiver.received();
    assert!(verify(&webhook, &requests[0]));
    assert_eq!(
        requests[0].events[0]["data"],
        json!({"listenerId": "crm-sync"})
    );
    receiver.behave(|_| Reply::status(500));
    let result = admin(&api).post(path, json!({})).await.expect(200).json();
    assert_eq!(result["status"], 500);
    assert!(result["error"].is_string());
    listen(&api, &receiver.url, json!({"mode": "explicit"})).await;
    admin(&api).post(path, json!({})).await.expect(200);
    let last = receiver.received().pop().unwrap();
    assert_eq!((last.method.as_str(), last.path.as_str()), ("GET", "/ping"));
}
