//! Listeners as wicked knew them.

use serde_json::json;

use super::{admin, apis, application, applications, queue, quick};
use crate::{
    receiver::{Receiver, Reply},
    support::{DEVELOPER, TestApi},
};

#[tokio::test]
async fn an_old_client_reads_its_queue_and_deletes_event_by_event() {
    for api in apis().await {
        let receiver = Receiver::start(|_| Reply::ok()).await;
        let body = json!({"id": "old-one", "url": receiver.url});
        let path = "/webhooks/listeners/old-one";
        admin(&api).put(path, body).await.expect(200);
        applications(&api, 3).await;
        let all_came = |requests: &[crate::receiver::Received]| {
            let events = requests.iter().flat_map(|one| &one.events);
            events
                .filter(|event| event["entity"] == "application")
                .count()
                >= 3
        };
        let requests = receiver.until("the first notice", all_came).await;
        assert_eq!(requests[0].header("content-type"), "application/json");
        assert!(requests[0].headers.get("webhook-signature").is_none());
        assert_eq!(requests[0].path, "/");
        let waiting = queue(&api, "old-one").await;
        assert_eq!(waiting.len(), 3, "nothing is acknowledged by 200");
        for event in &waiting {
            let id = event["id"].as_str().unwrap();
            let path = format!("/webhooks/events/old-one/{id}");
            admin(&api).delete(&path).await.expect(204);
            admin(&api).delete(&path).await.expect(204);
        }
        assert!(queue(&api, "old-one").await.is_empty());
        let before = receiver.received().len();
        application(&api, "last-one").await;
        let requests = receiver
            .until("the next notice", |requests| requests.len() > before + 1)
            .await;
        for one in &requests[before..] {
            let about: Vec<_> = one
                .events
                .iter()
                .map(|event| &event["data"]["applicationId"])
                .collect();
            // A request that was on its way when the last event was acknowledged is no fault.
            assert!(
                about == [&json!("last-one")] || one == &requests[before],
                "{about:?}"
            );
        }
    }
}

impl PartialEq for crate::receiver::Received {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

#[tokio::test]
async fn an_old_listener_is_reminded_until_it_has_acknowledged() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok()).await;
    let body = json!({"id": "old-one", "url": receiver.url, "events": ["application.*"]});
    admin(&api)
        .put("/webhooks/listeners/old-one", body)
        .await
        .expect(200);
    application(&api, "forgotten").await;
    let requests = receiver
        .until("a second reminder", |requests| requests.len() >= 3)
        .await;
    let gap = |n: usize| (requests[n + 1].at - requests[n].at).as_millis();
    assert!(gap(0) >= 95 && gap(1) >= 190, "{} {}", gap(0), gap(1));
    assert_eq!(requests[0].ids(), requests[2].ids());
}

#[tokio::test]
async fn registrations_are_checked_and_replaced_with_their_queue() {
    for api in apis().await {
        let put = async |id: &str, body| {
            admin(&api)
                .put(&format!("/webhooks/listeners/{id}"), body)
                .await
                .status
        };
        let url = "https://listener.example.org/";
        for id in ["abc", "a23456789012345678901", "with%20space", "f%C3%BCnf"] {
            assert_eq!(put(id, json!({"id": id, "url": url})).await, 400, "{id}");
        }
        assert_eq!(put("right", json!({"id": "other", "url": url})).await, 400);
        assert_eq!(put("right", json!({"id": "right"})).await, 400);
        let body = json!({"id": "right", "url": url, "unknown": {"field": 1}});
        assert_eq!(put("right", body.clone()).await, 200);
        let path = "/webhooks/listeners/right";
        let caller = api.user(crate::support::ADMIN, "read_users");
        assert_eq!(caller.put(path, body.clone()).await.status, 403);
        let caller = api.user(DEVELOPER, crate::authorization::ALL_SCOPES);
        assert_eq!(caller.put(path, body).await.status, 403);
        application(&api, "kept-one").await;
        let moved = json!({"id": "right", "url": "https://elsewhere.example.org/"});
        let answer = admin(&api)
            .put(path, moved.clone())
            .await
            .expect(200)
            .json();
        assert_eq!(answer, moved);
        assert_eq!(queue(&api, "right").await.len(), 1);
    }
}
